import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/commands/export_predictions.ts';
import type { ProgressEvent } from '../../src/events.ts';
import { writeJobModel } from '../../src/jobs/job_model.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { writeCsv } from '../../src/lib/pandas/csv.ts';
import { createPredictionsFrame } from '../../src/port/transplant/utils.ts';
import { exportPredictions } from '../../src/predict/benchmark_layout.ts';
import { writePreprocessing } from '../../src/prepare/preprocessing.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { twelve } from '../prepare/collections.ts';
import { runPython } from '../python.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const classes = ['AFIB', 'NORM', 'SR'];

/** A job folder with predictions of parts of these sizes. */
function writeJob(name: string, sizes: Readonly<Record<string, number>>, seed = 1, trainFile = at('none.pkl')): void {
  mkdirSync(at(name));
  const network = { format: 1, arch: 'resnet18', precision: 'float32', samples: 100, leads: 12, classes } as const;
  writeJobModel(at(name), { ...network, multiLabel: true }, trainFile);
  for (const [part, records] of Object.entries(sizes)) {
    const truth = Int32Array.from({ length: 3 * records }, (_, i) =>
      Number(i % 3 === Math.floor(i / 3) % 3 || i % 7 === 0),
    );
    const random = new RandomState(seed);
    const prob = Float32Array.from(truth, (label) => 0.3 * label + 0.7 * random.randomSample());
    const frame = createPredictionsFrame(ndarray('float32', [records, 3], prob), {
      yTrue: ndarray('int32', [records, 3], truth),
      classNames: classes,
      recordIds: Array.from({ length: records }, (_, i) => i),
    });
    writeCsv(at(name, `${part}_predictions.csv`), frame);
  }
}

beforeAll(() => {
  writeJob('job', { train: 30, val: 20, test: 60 });
  writeJob('other', { train: 30, val: 20, test: 60 }, 2);
  writeJob('shorter', { test: 59 });
});

describe('export-predictions', () => {
  it('writes the layout of the benchmark, of which NumPy, pandas and scikit-learn read the same scores', async () => {
    const options = ['--job-dir', at('job'), '--target', at('output'), '--experiment', 'exp3', '--model', 'resnet18'];
    expect(await run(options)).toBe(0);
    const program = `import json, sys
import numpy as np, pandas as pd
from sklearn.metrics import roc_auc_score
base = sys.argv[1]
y = {part: np.load(f"{base}/data/y_{part}.npy", allow_pickle=True) for part in ("train", "val", "test")}
p = {part: np.load(f"{base}/models/resnet18/y_{part}_pred.npy", allow_pickle=True) for part in y}
rows = np.load(f"{base}/test_bootstrap_ids.npy", allow_pickle=True)
aucs = [roc_auc_score(y["test"][r], p["test"][r], average="macro") for r in rows]
results = pd.read_csv(f"{base}/models/resnet18/results/te_results.csv", index_col=0)
expected = [roc_auc_score(y["test"], p["test"], average="macro"), np.mean(aucs), *np.quantile(aucs, [0.05, 0.95])]
print(json.dumps({"shapes": [y[k].shape + p[k].shape for k in y], "types": [str(y["test"].dtype), rows.shape],
    "index": list(results.index), "columns": list(results.columns), "found": results.macro_auc.tolist(), "expected": expected}))`;
    const found = JSON.parse(await runPython(['-c', program, at('output', 'exp3')]));
    expect(found).toMatchObject({
      shapes: [30, 20, 60].map((records) => [records, 3, records, 3]),
      types: ['int64', [100, 60]],
      index: ['point', 'mean', 'lower', 'upper'],
      columns: ['macro_auc', 'Fmax'],
    });
    const differences = found.found.map((value: number, i: number) => Math.abs(value - found.expected[i]));
    expect(Math.max(...differences)).toBeLessThan(1e-12);
    expect(readFileSync(at('output', 'exp3', 'data', 'classes.txt'), 'utf8')).toBe('AFIB\nNORM\nSR\n');
  });

  it('adds other networks to an experiment, if they have the same test records', () => {
    const options = { target: at('output'), experiment: 'exp3' };
    const { scores } = exportPredictions({ ...options, jobDir: at('other'), model: 'second', resamples: 5 });
    expect(scores!.macroAuc.point).toBeGreaterThan(0.5);
    expect(() => exportPredictions({ ...options, jobDir: at('other'), model: 'second' })).toThrow(
      /is there already.*--force/,
    );
    exportPredictions({ ...options, jobDir: at('other'), model: 'second', force: true, resamples: 5 });
    expect(() => exportPredictions({ ...options, jobDir: at('shorter'), model: 'third' })).toThrow(
      /other records or labels; got labels \(59, 3\); expected the labels of the file \(60, 3\)/,
    );
  });

  it('names the experiment by the labels of the set', () => {
    const options = { jobDir: at('job'), target: at('named'), model: 'net', resamples: 2 };
    expect(() => exportPredictions(options)).toThrow(/the experiment has no name.*--experiment exp0/);
    mkdirSync(at('data'));
    writePreprocessing(at('data'), 'x', {
      format: 1,
      collection: 'ptb-xl',
      source: { folder: at('source'), records: 60, index: {} },
      samplingRate: 100,
      leads: twelve,
      units: 'mV',
      normalization: null,
      resampling: null,
      padding: null,
      dtype: 'float32',
      classes,
      labels: 'rhythm',
      multiLabel: true,
      split: { by: 'fold', testSize: null, testFolds: [10], valFolds: [9], stratified: false, seed: null },
      files: { train: { file: 'x_train.pkl', records: 30, sha256: '0'.repeat(64) } },
    });
    writeJob('rhythm', { test: 60 }, 1, at('data', 'x_train.pkl'));
    expect(exportPredictions({ ...options, jobDir: at('rhythm') }).folder).toBe(at('named', 'exp3', 'models', 'net'));
    expect(existsSync(at('named', 'exp3', 'data', 'y_train.npy'))).toBe(false);
  });

  it('writes predictions without scores if a class does not occur', () => {
    writeJob('few', { test: 2 });
    const said: ProgressEvent[] = [];
    const options = { jobDir: at('few'), target: at('few-out'), experiment: 'x', model: 'net' };
    const { scores, records } = exportPredictions({ ...options, report: (event) => said.push(event) });
    expect([scores, records]).toEqual([undefined, 2]);
    expect(said).toContainEqual({
      kind: 'warning',
      text: expect.stringMatching(/not scored: class SR occurs in 0 of 2 records/),
    });
  });

  it('refuses a job without predictions', () => {
    writeJob('begun', {});
    const options = { jobDir: at('begun'), target: at('begun-out'), experiment: 'x', model: 'net' };
    expect(() => exportPredictions(options)).toThrow(
      /begun\/test_predictions\.csv: the job has no predictions of test records/,
    );
  });
});
