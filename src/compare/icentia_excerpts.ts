import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { writeNpy } from '../lib/numpy/npy.ts';
import { dump } from '../lib/python/pickle.ts';
import { rdann } from '../lib/wfdb/annotation.ts';
import { rdrecord } from '../lib/wfdb/record.ts';
import { patientFile, writeUnzippedLabels } from '../port/transplant/datasets/icentia11k/files.ts';
import { flattenRawLabels, type RawLabels } from '../port/transplant/datasets/icentia11k.ts';
import { rawLabelsOf } from '../prepare/icentia11k/annotations.ts';
import { findPatients, segmentFile, segmentsOf } from '../prepare/icentia11k/convert.ts';

/** Numbers of patients, of segments of each, and of samples of a segment. */
export interface ExcerptSize {
  readonly patients: number;
  readonly segments: number;
  readonly samples: number;
}

interface Segment {
  /** mV, 250 Hz. */
  readonly signal: Float32Array;
  readonly labels: RawLabels;
}

/**
 * Cuts small patients out of segments in WFDB form and writes them in both forms that the original reads, to the folders `zipped` and
 * `unzipped` of the target. Samples and annotations are real; the division into patients is not. The excerpts are spread over all segments.
 *
 * @throws InputError if there are too few samples.
 */
export async function writeExcerpts(source: string, target: string, size: ExcerptSize): Promise<void> {
  const [zipped, unzipped] = ['zipped', 'unzipped'].map((form) => join(target, form));
  for (const folder of [zipped, unzipped]) mkdirSync(folder, { recursive: true });
  const stretches = cut(source, size.patients * size.segments, size.samples);
  for (let id = 0; id < size.patients; id++) {
    // A patient gets excerpts that lie far apart.
    const own = Array.from({ length: size.segments }, (_, k) => stretches[k * size.patients + id]);
    const values = new Float32Array(size.segments * size.samples);
    for (const [k, { signal }] of own.entries()) values.set(signal, k * size.samples);
    const signal = ndarray('float32', [size.segments, size.samples], values);
    const labels = own.map((segment) => segment.labels);
    await dump(patientFile(zipped, id, '.pkl.gz'), signal);
    await dump(patientFile(zipped, id, '_lbls.pkl.gz'), labels);
    writeNpy(patientFile(unzipped, id, '.npy'), signal);
    await writeUnzippedLabels(unzipped, id, flattenRawLabels(labels));
  }
}

function cut(source: string, count: number, samples: number): Segment[] {
  const records = recordsOf(source, count);
  const perRecord = Math.ceil(count / records.length);
  return records.flatMap((record, r) => {
    const { data } = rdrecord(record).pSignal;
    const labels = rawLabelsOf(rdann(record, 'atr'), { file: `${record}.atr`, samples: data.length });
    const wanted = Math.min(perRecord, count - r * perRecord);
    if (data.length < wanted * samples) {
      throw new InputError('too few samples', {
        file: record,
        got: String(data.length),
        expected: `at least ${wanted * samples}`,
      });
    }
    const distance = Math.floor(data.length / perRecord);
    return Array.from({ length: Math.max(wanted, 0) }, (_, k) => {
      const start = k * distance;
      return {
        signal: Float32Array.from(data.subarray(start, start + samples)),
        labels: within(labels, start, start + samples),
      };
    });
  });
}

/** At most `count` segments: the first segment of each patient, then the second of each, and so on. */
function recordsOf(source: string, count: number): string[] {
  const byPatient = findPatients(source)
    .slice(0, count)
    .map((id) => segmentsOf(source, id).map((segment) => segmentFile(source, id, segment)));
  const longest = Math.max(...byPatient.map((segments) => segments.length));
  const rounds = Array.from({ length: longest }, (_, round) => byPatient.flatMap((segments) => segments[round] ?? []));
  if (longest === 0) {
    throw new InputError('no segments', { file: source, expected: 'files such as p00/p00000/p00000_s00.hea' });
  }
  return rounds.flat().slice(0, count);
}

/** Annotations in the samples `[start, end)`, with positions relative to `start`. */
function within({ btype, rtype }: RawLabels, start: number, end: number): RawLabels {
  const shifted = (marks: NdArray): NdArray => {
    const kept = Array.from(marks.data as Int32Array).filter((position) => position >= start && position < end);
    return ndarray(
      'int32',
      [kept.length],
      Int32Array.from(kept, (position) => position - start),
    );
  };
  return { btype: btype.map(shifted), rtype: rtype.map(shifted) };
}
