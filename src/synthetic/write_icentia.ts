import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '../lib/numpy/ndarray.ts';
import { writeNpy } from '../lib/numpy/npy.ts';
import { dump } from '../lib/python/pickle.ts';
import { wrann } from '../lib/wfdb/write.ts';
import { patientFile, writeUnzippedLabels } from '../port/transplant/datasets/icentia11k/files.ts';
import type { Labels, RawLabels } from '../port/transplant/datasets/icentia11k.ts';
import { writeDigital } from './digital.ts';
import { type IcentiaSegment, icentiaRate, makeIcentiaPatient } from './icentia.ts';
import { annotationsOf } from './icentia_annotations.ts';

/** Forms of the Icentia11k data set: as first distributed (pickles), as unzipped by the original, or as on PhysioNet. */
export type IcentiaForm = 'zipped' | 'unzipped' | 'wfdb';

export interface IcentiaSize {
  readonly seed: number;
  readonly segments: number;
  /** Number of samples of a segment, at 250 Hz. */
  readonly samples: number;
}

/** Generates a patient and writes its files in one or more forms, each to its own folder. */
export async function writeIcentiaPatient(
  id: number,
  size: IcentiaSize,
  folders: Readonly<Partial<Record<IcentiaForm, string>>>,
): Promise<void> {
  const segments = makeIcentiaPatient(size.seed, id, size.segments, size.samples);
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  const millivolts = new Float32Array(size.segments * size.samples);
  segments.forEach(({ digital }, s) => {
    digital.signals[0].forEach((sample, n) => {
      millivolts[s * size.samples + n] = sample / digital.gain;
    });
  });
  const signal = ndarray('float32', [size.segments, size.samples], millivolts);
  if (folders.zipped !== undefined) {
    await dump(patientFile(folders.zipped, id, '.pkl.gz'), signal);
    await dump(patientFile(folders.zipped, id, '_lbls.pkl.gz'), segments.map(rawLabels));
  }
  if (folders.unzipped !== undefined) {
    const labels: Labels = {
      btype: segments.map(({ positions, beats }) => [positions, beats]),
      rtype: segments.map(({ positions, rhythms }) => [positions, rhythms]),
      size: segments.length,
    };
    writeNpy(patientFile(folders.unzipped, id, '.npy'), signal);
    await writeUnzippedLabels(folders.unzipped, id, labels);
  }
  if (folders.wfdb !== undefined) writeWfdb(folders.wfdb, id, segments);
}

/** The positions of each code, in the order of the codes. */
function rawLabels({ positions, beats, rhythms }: IcentiaSegment): RawLabels {
  const byCode = (codes: Int32Array, count: number) =>
    Array.from({ length: count }, (_, code) => {
      const chosen = positions.filter((_, k) => codes[k] === code);
      return ndarray('int32', [chosen.length], chosen);
    });
  return { btype: byCode(beats, 5), rtype: byCode(rhythms, 6) };
}

/** Writes `p00/p00000/p00000_s00` and so on. */
function writeWfdb(folder: string, id: number, segments: readonly IcentiaSegment[]): void {
  const patient = `p${String(id).padStart(5, '0')}`;
  const place = join(folder, patient.slice(0, 3), patient);
  mkdirSync(place, { recursive: true });
  segments.forEach((segment, s) => {
    const name = `${patient}_s${String(s).padStart(2, '0')}`;
    writeDigital(place, name, segment.digital, { baseline: 0, leads: ['ecg'] });
    wrann(place, name, 'atr', { ...annotationsOf(rawLabels(segment)), fs: icentiaRate });
  });
}
