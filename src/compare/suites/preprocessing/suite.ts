import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { dump } from '../../../lib/python/pickle.ts';
import { loadRawLabels, patientFile } from '../../../port/transplant/datasets/icentia11k/files.ts';
import {
  calculateDurations,
  countLabels,
  dsBeatNames,
  dsRhythmNames,
  flattenRawLabels,
  type Labels,
  loadLabels,
  loadSignal,
  type Marks,
} from '../../../port/transplant/datasets/icentia11k.ts';
import { exactly, type Pair, type Row } from '../../closeness.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { collectionFolder, int64, stackArrays } from '../shared/data_cases.ts';
import { damagedCases } from './damaged.ts';
import { annotationCase, headerCase } from './headers.ts';
import { recordCases } from './records.ts';
import { stepCases } from './steps.ts';

const name = 'preprocessing';

/** Positions and codes of each segment in turn, then counts and durations, in the order in which the original returns them. */
function labelArrays(marks: readonly Marks[], codes: number): NdArray[] {
  return [
    ...marks.flatMap(([positions, kinds]) => [int64(positions), int64(kinds)]),
    int64(countLabels(marks, codes).flat(), [marks.length, codes]),
    int64(calculateDurations(marks, codes).flat(), [marks.length, codes]),
  ];
}

async function sameLabels(
  { original }: SuiteContext,
  title: string,
  ours: Labels,
  { dbDir, id, unzipped }: { dbDir: string; id: number; unzipped: boolean },
): Promise<Row[]> {
  const theirs = await original.data.patientLabels(dbDir, id, unzipped);
  return (
    [
      ['btype', ours.btype, dsBeatNames.length],
      ['rtype', ours.rtype, dsRhythmNames.length],
    ] as const
  ).map(([kind, marks, codes]) => {
    const arrays = labelArrays(marks, codes);
    const names = [...marks.flatMap((_, s) => [`segment ${s} positions`, `segment ${s} codes`]), 'counts', 'durations'];
    const pairs = arrays.map((port, i) => ({ name: names[i], port, original: theirs[kind][i] ?? int64([]) }));
    return exactly(name, `${title}: ${kind}, counts and durations`, pairs);
  });
}

const patientCase: SuiteCase = {
  name: 'Icentia11k: signals and labels of patients',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const rows: Row[] = [];
    for (const form of ['zipped', 'unzipped'] as const) {
      const { dbDir, patientIds, unzipped } = await context.data.icentia(form);
      const signals: Pair[] = [];
      for (const id of patientIds) {
        const signal = loadSignal(dbDir, id, { unzipped });
        const [segments, samples] = signal.shape;
        const port = stackArrays(Array.from({ length: segments }, (_, segment) => signal.read(segment, 0, samples)));
        signals.push({
          name: `patient ${id}`,
          port,
          original: await context.original.data.patientSignal(dbDir, id, unzipped),
        });
        const labels = loadLabels(dbDir, id, { unzipped });
        rows.push(...(await sameLabels(context, `patient ${id}, ${form}`, labels, { dbDir, id, unzipped })));
      }
      rows.push(exactly(name, `signals of ${patientIds.length} patients, ${form}`, signals));
    }
    rows.push(...(await distributedLabels(context)));
    return rows;
  },
};

/** Label files as pickled by the data set's authors, if there are any. Python gets them rewritten by the port, never the originals. */
async function distributedLabels(context: SuiteContext): Promise<Row[]> {
  const folder = join(collectionFolder(context, 'icentia11k'), 'pickle_labels');
  if (!existsSync(folder)) return [];
  const ids = readdirSync(folder).flatMap((file) => /^(\d{5})_batched_lbls\.pkl\.gz$/.exec(file)?.[1] ?? []);
  const rows: Row[] = [];
  for (const id of ids.map(Number)) {
    const raw = loadRawLabels(folder, id);
    await dump(patientFile(context.scratch, id, '_lbls.pkl.gz'), raw);
    const place = { dbDir: context.scratch, id, unzipped: false };
    rows.push(...(await sameLabels(context, `patient ${id} as first distributed`, flattenRawLabels(raw), place)));
  }
  return rows;
}

/** How recordings are prepared for a network. */
export const preprocessing: Suite = {
  name,
  summary: 'recordings as read, normalised, resampled and padded, and their labels, to the last bit',
  cases: [...stepCases, patientCase, ...recordCases, headerCase, annotationCase, ...damagedCases],
};
