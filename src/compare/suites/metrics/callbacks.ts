import { join } from 'node:path';
import type { WatchedTraining } from '../../../bridge/original_metrics.ts';
import { Dense, GlobalAveragePooling1D } from '../../../graph/layers.ts';
import { Sequential } from '../../../graph/model.ts';
import { compile } from '../../../graph/session.ts';
import { EarlyStopping, type Logs, ModelCheckpoint } from '../../../lib/keras/callbacks.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import type { DataSet } from '../../../port/finetuning/datasets.ts';
import { bestModelCheckpoint } from '../../../port/finetuning/trainer/best_model.ts';
import { auc, CustomCheckpoint, f1, multiF1, type ScoreFunction } from '../../../port/transplant/evaluation.ts';
import { savePkl } from '../../../port/transplant/utils.ts';
import { exactly, type Pair, sameText, vector } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';

const name = 'metrics';

const scoreFunctions: readonly ScoreFunction[] = [
  Object.assign((t: NdArray, p: NdArray) => f1(t, p), { metricName: 'f1' }),
  Object.assign((t: NdArray, p: NdArray) => multiF1(t, p), { metricName: 'multi_f1' }),
  Object.assign((t: NdArray, p: NdArray) => auc(t, p), { metricName: 'auc' }),
];

const checkpointCase: SuiteCase = {
  name: 'CustomCheckpoint: scores, the best one and what is saved',
  on: {},
  quick: true,
  proves: [
    'transplant.evaluation.CustomCheckpoint',
    'transplant.evaluation.CustomCheckpoint.metric_name',
    'transplant.evaluation.CustomCheckpoint.on_epoch_end',
  ],
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 11]);
    const [epochs, samples, classes] = [12, 40, 3];
    const labels = Array.from({ length: samples }, (_, i) => i % classes);
    const truth = Float64Array.from({ length: samples * classes }, (_, i) =>
      labels[Math.floor(i / classes)] === i % classes ? 1 : 0,
    );
    const yTrue = ndarray('float64', [samples, classes], truth);
    const all = Float64Array.from({ length: epochs * samples * classes }, (_, i) => {
      const epoch = Math.floor(i / (samples * classes));
      // Epochs 4 and 5 repeat earlier ones, so that equal scores occur.
      return epoch === 5 ? 0 : 0.04 * epoch * truth[i % (samples * classes)] + random.randomSample();
    });
    all.copyWithin(5 * samples * classes, 4 * samples * classes, 5 * samples * classes);
    const scores: Pair[] = [];
    const decisions: [string[], string[]] = [[], []];
    for (const scoreFn of scoreFunctions) {
      for (const saveBestOnly of [true, false]) {
        const score_fn = scoreFn.metricName as 'f1' | 'multi_f1' | 'auc';
        const theirs = await original.metrics.customCheckpoint(
          yTrue,
          ndarray('float64', [epochs, samples, classes], all),
          {
            score_fn,
            save_best_only: saveBestOnly,
          },
        );
        const saved: string[] = [];
        let epoch = 0;
        const callback = new CustomCheckpoint({
          pathOf: (number) => `epoch_${String(number).padStart(2, '0')}.weights.h5`,
          predict: () => {
            const size = samples * classes;
            return ndarray('float64', [samples, classes], all.slice(epoch * size, (epoch + 1) * size));
          },
          yTrue,
          scoreFn,
          saveBestOnly,
        });
        const logged: number[] = [];
        for (; epoch < epochs; epoch++) {
          const logs: Logs = { loss: 1 };
          await callback.onEpochEnd(epoch, logs, {
            saveWeights: async (path) => void saved.push(path),
            stop() {},
            say() {},
          });
          logged.push(logs[callback.metricName]);
        }
        const label = `${score_fn}, ${saveBestOnly ? 'best only' : 'every epoch'}`;
        scores.push({
          name: label,
          port: vector([...logged, callback.best]),
          original: vector([...theirs.scores, theirs.best]),
        });
        decisions[0].push(`${label} as ${callback.metricName}: ${saved.join(' ')}`);
        decisions[1].push(`${label} as ${theirs.name}: ${theirs.saved.join(' ')}`);
      }
    }
    return [
      exactly(name, `scores of ${epochs} epochs and the best one`, scores),
      sameText(name, 'epochs whose weights are saved', decisions[0].join('\n'), decisions[1].join('\n')),
    ];
  },
};

const kerasCase: SuiteCase = {
  name: "Keras's checkpoint and early stopping",
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 12]);
    const series: number[][] = [
      [0.5, 0.4, 0.4, 0.41, 0.39, 0.5, 0.5, 0.5, 0.1],
      [Number.NaN, Number.NaN, 0.3, Number.NaN, Number.NaN, 0.1],
      [Number.NaN, Number.NaN, Number.NaN],
      ...Array.from({ length: 6 }, () => Array.from(random.randomSample(30), (value) => Math.round(value * 20) / 20)),
    ];
    const trainings = series.flatMap((values, i) =>
      ([['val_loss'], ['val_acc'], ['f1', 'max']] as const).map(([monitor, mode]) => {
        const logs = values.map((value, epoch) => ({
          loss: 1 / (epoch + 1),
          acc: epoch / 40,
          val_loss: value,
          val_acc: value,
          f1: value,
        }));
        // Without patience, and NaN from the first epoch with patience 1: Keras never stops in the first epoch.
        return { monitor, patience: i % 5, logs, ...(mode && { mode }) };
      }),
    );
    const theirs = await original.metrics.kerasCallbacks(trainings);
    const ours = await Promise.all(trainings.map(watch));
    const tell = (results: readonly { saved: readonly number[]; epochs: number }[]): string =>
      results
        .map(({ saved, epochs }, i) => {
          const { monitor, patience } = trainings[i];
          return `training ${i}, ${monitor}, patience ${patience}: saved ${saved.join(' ')}, ${epochs} epochs`;
        })
        .join('\n');
    return [sameText(name, `epochs saved and run, ${trainings.length} trainings`, tell(ours), tell(theirs))];
  },
};

/** The port's callbacks on the logs of a training. */
async function watch({ monitor, patience, mode, logs }: WatchedTraining): Promise<{ saved: number[]; epochs: number }> {
  const saved: number[] = [];
  let stopped = false;
  let epoch = 0;
  const training = {
    saveWeights: async () => void saved.push(epoch),
    stop: () => {
      stopped = true;
    },
    say() {},
  };
  const callbacks = [
    // The port's checkpoint has no mode of its own: val_acc has the same values, and grows.
    new ModelCheckpoint({ pathOf: () => 'best.weights.h5', monitor: mode ? 'val_acc' : monitor, saveBestOnly: true }),
    new EarlyStopping(monitor, patience, mode),
  ];
  for (; epoch < logs.length && !stopped; epoch++) {
    for (const callback of callbacks) await callback.onEpochEnd(epoch, { ...logs[epoch] }, training);
  }
  return { saved, epochs: epoch };
}

/** Which epochs `--val-metric loss` and `acc` keep, on logs without a trend. */
const keptCase: SuiteCase = {
  name: 'weights that finetuning.trainer keeps',
  on: { task: 'finetuning' },
  quick: true,
  run: async ({ original, seed, scratch }) => {
    const random = new RandomState([seed, 13]);
    const set = (file: string): DataSet => {
      const x = ndarray('float32', [4, 8, 1], Float32Array.from(random.randomSample(32)));
      return {
        x,
        y: ndarray('int32', [4, 2], Int32Array.of(1, 0, 0, 1, 1, 0, 0, 1)),
        recordIds: [file, 1, 2, 3],
        classes: ['A', 'N'],
      };
    };
    const at = (file: string): string => join(scratch, `${file}.pkl`);
    for (const file of ['train', 'val']) await savePkl(at(file), dataSetToPickle(set(file)));
    const draw = (): number => Math.round(random.randomSample() * 20) / 20;
    const logs = Array.from({ length: 30 }, () => ({ loss: draw(), acc: draw(), val_loss: draw(), val_acc: draw() }));
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const metric of ['loss', 'acc'] as const) {
      for (const val of [undefined, 'val']) {
        const argv = ['--job-dir', join(scratch, 'job'), '--train', at('train'), '--val-metric', metric];
        const found = await original.metrics.keptEpochs(val ? [...argv, '--val', at(val)] : argv, logs);
        const saved: number[] = [];
        const model = new Sequential([new GlobalAveragePooling1D(), new Dense(2, 'softmax')]).build([8, 1]);
        const session = compile(model, { loss: 'categorical_crossentropy', executor: 'eager', seed });
        try {
          const { x, y } = set('train');
          const samples = { x: arrayRows(x), y, recordIds: [], classes: [] };
          const options = { metric, path: 'best', session, train: samples, ...(val && { val: samples }), batchSize: 4 };
          const checkpoint = bestModelCheckpoint({ ...options, multiLabel: false, report: () => {} });
          for (const [epoch, values] of logs.entries()) {
            await checkpoint.onEpochEnd(
              epoch,
              { ...values },
              { saveWeights: async () => void saved.push(epoch), stop() {}, say() {} },
            );
          }
        } finally {
          session.dispose();
        }
        const label = `--val-metric ${metric}${val ? ' --val FILE' : ''}`;
        ours.push(`${label}: ${saved.join(' ')}`);
        theirs.push(`${label}: ${found.join(' ')}`);
      }
    }
    return [sameText(name, `epochs kept of ${logs.length}`, ours.join('\n'), theirs.join('\n'))];
  },
};

/** Cases of the suite `metrics` about callbacks that act on scores. */
export const callbackCases: readonly SuiteCase[] = [checkpointCase, kerasCase, keptCase];
