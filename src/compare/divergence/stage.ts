import { join } from 'node:path';
import type { Preparation } from '../../bridge/original_data.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { dataSetFromPickle } from '../../port/finetuning/datasets/data_set.ts';
import { loadPkl } from '../../port/transplant/utils.ts';
import { prepareData } from '../../prepare/prepare_data.ts';
import { exactly, type FirstDifference, type Row } from '../closeness.ts';
import type { SuiteContext } from '../suite.ts';
import { withFirst } from './first.ts';

/** Prepares a collection; returns `x`. */
export type Prepare = (options: Preparation) => Promise<NdArray>;

interface Stage {
  readonly name: string;
  readonly port: string;
  readonly original: string;
  /** The preparation up to this stage; undefined if the whole preparation does not have this stage. */
  upTo(whole: Preparation): Preparation | undefined;
}

/** The stages of `_transform_records`, in order. */
const stages: readonly Stage[] = [
  {
    name: 'read',
    port: 'src/recordings/recordings.ts, src/lib/wfdb/record.ts (rdrecord)',
    original: 'transplant/datasets/physionet.py, wfdb.rdrecord',
    upTo: ({ category, folds }) => ({ category, folds, pad: 'max' }),
  },
  {
    name: 'normalise',
    port: 'src/port/transplant/datasets/physionet/normalization.ts (normalize)',
    original: 'transplant/datasets/physionet.py (_normalize)',
    upTo: (whole) => (whole.normalize ? { ...whole, fs: undefined, pad: 'max' } : undefined),
  },
  {
    name: 'resample',
    port: 'src/port/transplant/datasets/physionet/resampling.ts (resampled)',
    original: 'transplant/datasets/physionet.py (resample_records)',
    upTo: (whole) => (whole.fs ? { ...whole, pad: 'max' } : undefined),
  },
  {
    name: 'pad and stack',
    port: 'src/port/transplant/utils/padding.ts (padRow)',
    original: 'transplant/utils.py (pad_sequences)',
    upTo: (whole) => whole,
  },
];

/** Returns the rows. Adds to failed ones the first stage of the preparation at which the sides diverge. */
export function withFirstStage(
  context: Pick<SuiteContext, 'locate'>,
  rows: readonly Row[],
  whole: Preparation,
  sides: { readonly port: Prepare; readonly original: Prepare },
): Promise<readonly Row[]> {
  return withFirst(context, rows, () => firstStage(whole, sides));
}

async function firstStage(
  whole: Preparation,
  sides: { readonly port: Prepare; readonly original: Prepare },
): Promise<FirstDifference | undefined> {
  const agreeing: string[] = [];
  for (const { name, upTo, port, original } of stages) {
    const options = upTo(whole);
    if (options === undefined) continue;
    const pair = { name: 'x', port: await sides.port(options), original: await sides.original(options) };
    const { passed, worst } = exactly('preprocessing', name, [pair]);
    if (!passed) return { what: `${name}, the stage of preparation`, agreeing, worst, port, original };
    agreeing.push(name);
  }
  return undefined;
}

/** The command `prepare-data` as one side, for a folder of a collection. Writes to folders in `scratch`. */
export function preparedByCommand(format: string, source: string, scratch: string): Prepare {
  let runs = 0;
  return async ({ fs = null, pad = null, normalize = false }) => {
    const target = join(scratch, `stage-${++runs}`);
    await prepareData({
      format,
      source,
      target,
      name: 'all',
      testSize: 0,
      fs,
      pad,
      normalize: normalize ? 'collection' : 'none',
      threads: 1,
    });
    const file = join(target, 'all.pkl');
    return dataSetFromPickle(await loadPkl(file), file).x;
  };
}
