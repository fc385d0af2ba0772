import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toFloat64 } from '../../src/lib/numpy/convert.ts';
import { loadSync } from '../../src/lib/python/pickle.ts';
import { dataSetFromPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import type { DataSet } from '../../src/port/finetuning/datasets.ts';
import { collectionKinds } from '../../src/prepare/collections.ts';
import { type PrepareOptions, prepareData } from '../../src/prepare/prepare_data.ts';
import { readPreprocessing } from '../../src/prepare/preprocessing.ts';
import { benchmarkTasks } from '../../src/prepare/ptb_xl.ts';
import { seededRandom } from '../mutation.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { runPython } from '../python.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';
import { writePtbXl } from './collections.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const real = join(sharedData, 'ptbxl');
const sources = [at('drawn'), at('small'), ...(haveSharedData ? [real] : [])];

interface Labels {
  readonly ids: number[];
  readonly folds: number[];
  readonly classes: string[];
  readonly y: number[][];
}

const statements = `,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal ECG,1.0,,,NORM,NORM
NDT,"T, not diagnostic",1.0,1.0,,STTC,STTC
IMI,inferior MI,1.0,,,MI,IMI
ASMI,anteroseptal MI,1.0,,,MI,AMI
LVH,hypertrophy,1.0,,,HYP,
zzz,in lower case,1.0,,,,lower
ABQRS,abnormal QRS,,1.0,,,
SR,sinus rhythm,,,1.0,,
AFIB,fibrillation,,,1.0,,
LAFB,never occurs,1.0,,,CD,LAFB/LPFB
`;

let reference: Readonly<Record<string, Labels>>[];
beforeAll(async () => {
  const random = seededRandom(7);
  const codes = ['NORM', 'NDT', 'IMI', 'ASMI', 'LVH', 'zzz', 'ABQRS', 'SR', 'AFIB', 'NOT_LISTED'];
  const lines = Array.from({ length: 200 }, (_, i) => {
    const present = codes.filter(() => random() > 0.75).map((code) => `'${code}': ${random() > 0.5 ? '0.0' : '100.0'}`);
    return `${1000 - i},${i >> 1}.0,"{${present.join(', ')}}",${1 + (i % 10)},records100/${i}_lr,records500/${i}_hr`;
  });
  mkdirSync(at('drawn'));
  const header = 'ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr';
  writeFileSync(at('drawn', 'ptbxl_database.csv'), `${[header, ...lines].join('\n')}\n`);
  writeFileSync(at('drawn', 'scp_statements.csv'), statements);
  const rows = Array.from({ length: 12 }, (_, i) => ({
    id: 50 - i,
    patient: i,
    fold: [8, 9, 10][i % 3],
    codes: ["{'NORM': 100.0, 'SR': 0.0}", "{'IMI': 50.0}", "{'ABQRS': 0.0, 'AFIB': 0.0}", '{}'][i % 4],
  }));
  writePtbXl(at('small'), rows);
  writeFileSync(at('small', 'scp_statements.csv'), statements);
  const program = join(import.meta.dirname, 'ptb_xl_reference.py');
  reference = JSON.parse(await runPython([program], { input: JSON.stringify(sources) }));
});

async function prepare(change: Partial<PrepareOptions>): Promise<Record<string, DataSet>> {
  const target = at('out');
  const options = { format: 'ptb-xl', pad: null, fs: null, threads: 1, resampler: 'javascript', force: true } as const;
  const { files } = await prepareData({ ...options, source: at('small'), target, ...change });
  const parts = Object.entries(files).map(([part, { file }]) => {
    return [part, dataSetFromPickle(loadSync(join(target, file)), file)] as const;
  });
  return Object.fromEntries(parts);
}

const idsInFolds = ({ ids, folds }: Labels, wanted: readonly number[]) =>
  ids.filter((_, i) => wanted.includes(folds[i]));

describe('labels of the tasks of the PTB-XL benchmark', () => {
  it.each(benchmarkTasks)('%s: records, classes and labels are those of pandas and scikit-learn', (task) => {
    for (const [i, source] of sources.entries()) {
      const { recordIds, classes, folds, y } = collectionKinds['ptb-xl'].list(source, { labels: task });
      const values = Array.from(toFloat64(y));
      const width = classes.length;
      const rows = recordIds.map((_, row) => values.slice(row * width, (row + 1) * width));
      expect({ ids: recordIds, folds, classes, y: rows }).toEqual(reference[i][task]);
      expect(recordIds.length).toBeGreaterThan(2);
    }
  });

  it('counts statements that no table lists as classes of "all", and leaves out records without a class', () => {
    const { classes, recordIds, unlabelled } = collectionKinds['ptb-xl'].list(at('drawn'), { labels: 'all' });
    expect(classes).toContain('NOT_LISTED');
    expect(unlabelled!.length).toBeGreaterThan(0);
    expect(recordIds.length + unlabelled!.length).toBe(200);
  });
});

describe('prepare-data --labels', () => {
  it('divides by folds into training, validation and test', async () => {
    const { train, val, test } = await prepare({ labels: 'all', valFolds: [9], testFolds: [10] });
    const all = reference[1].all;
    expect(train.recordIds).toEqual(idsInFolds(all, [8]));
    expect(val.recordIds).toEqual(idsInFolds(all, [9]));
    expect(test.recordIds).toEqual(idsInFolds(all, [10]));
    expect(train.x.shape.slice(1)).toEqual([1000, 12]);
    expect(val.classes).toEqual(all.classes);
    expect(readPreprocessing(at('out', 'ptbxl_val.pkl'))).toMatchObject({
      labels: 'all',
      samplingRate: 500,
      split: { by: 'fold', testFolds: [10], valFolds: [9], seed: null },
    });
  });

  it('reads the recordings of 100 Hz, also with the labels of the original', async () => {
    const bench = await prepare({ labels: 'rhythm', recordings: 100, testSize: 0 });
    const original = await prepare({ category: 'rhythm', recordings: 100, testSize: 0 });
    expect(bench.all.x.shape).toEqual([bench.all.recordIds.length, 200, 12]);
    expect(original.all.x).toEqual(bench.all.x);
    expect(readPreprocessing(at('out', 'ptbxl.pkl'))).toMatchObject({ samplingRate: 100 });
    expect(readPreprocessing(at('out', 'ptbxl.pkl'))).not.toHaveProperty('labels');
  });

  it.each([
    [{ labels: 'all', category: 'form' }, /--category and --labels both choose the labels/],
    [{ labels: 'all', valFolds: [9] }, /--val-folds needs a division by fold; got --val-folds 9/],
    [{ labels: 'all', valFolds: [9], testFolds: [9, 10] }, /a fold cannot be in two parts.*fold 9 in one of them/],
    [{ labels: 'all', valFolds: [3], testFolds: [10] }, /0 validation, .*folds of the collection: 8, 9, 10/],
    [{ format: 'challenge17', labels: 'all' }, /--labels is for PTB-XL; got --format challenge17 --labels all/],
    [{ format: 'cpsc2018', recordings: 100 }, /--recordings is for PTB-XL/],
  ] as [Partial<PrepareOptions>, RegExp][])('refuses %j', async (change, message) => {
    await expect(prepare(change)).rejects.toThrow(message);
  });
});
