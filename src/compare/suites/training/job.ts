import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bestModelFile } from '../../../jobs/job_model.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { astype } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import { finetune } from '../../../port/finetuning/trainer.ts';
import { pretrain } from '../../../port/pretraining/trainer.ts';
import { readPredictions, savePkl } from '../../../port/transplant/utils.ts';
import { Predictor } from '../../../predict/predict.ts';
import { readWeights, writeWeights } from '../../../weights/files.ts';
import { loadWeights } from '../../../weights/loading.ts';
import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { closely, exactly, type Pair, type Row, sameText, vector } from '../../closeness.ts';
import { buildModel, buildPort } from '../../networks/sides.ts';
import { NotApplicable, type SuiteCase, type SuiteContext } from '../../suite.ts';
import { limitsOf, rateLimits } from '../../tolerances.ts';
import { flagsOf, int64, joinArrays } from '../shared/data_cases.ts';

const arch = 'resnet18';
const batchSize = 8;

/** A finetuning job of both trainers, started as users do, from the same weights. */
interface BothJobs {
  /** Job folders of the port and of the original. */
  readonly ours: string;
  readonly theirs: string;
  readonly train: string;
}

/** A batch as a data set to pickle. */
function dataSetOf({ x, y }: LabelledBatch): ReturnType<typeof dataSetToPickle> {
  const recordIds = Array.from({ length: y.shape[0] }, (_, i) => `A${i}`);
  const classes = Array.from({ length: y.shape[1] }, (_, i) => `class ${i}`);
  const labels = ndarray('int32', y.shape, Int32Array.from(y.data as Float32Array));
  return dataSetToPickle({ x: inputsByName(x).x as NdArray<'float32'>, y: labels, recordIds, classes });
}

/** Runs one epoch of both trainers on records in the order of the file. */
async function runBoth(
  { original, seed, scratch }: SuiteContext,
  { x, y }: LabelledBatch,
  { multiLabel, batchSize }: { multiLabel: boolean; batchSize: number },
): Promise<BothJobs> {
  const network = buildPort({ x, y }, { arch, multiLabel, precision: 'float32', seed });
  const { weights } = await network.read();
  network.dispose();
  const records = y.shape[0];
  const order = ndarray(
    'int64',
    [1, records],
    BigInt64Array.from({ length: records }, (_, i) => BigInt(i)),
  );
  const [train, ours, theirs] = ['train.pkl', 'port', 'original'].map((file) => join(scratch, file));
  await savePkl(train, dataSetOf({ x, y }));
  await finetune({ jobDir: ours, train, arch, batchSize, epochs: 1, seed }, { fixed: { weights, order } });
  const argv = flagsOf({ jobDir: theirs, train, arch, batchSize, epochs: 1, seed });
  await original.run('finetuning.trainer', argv, { weights, order });
  return { ours, theirs, train };
}

/** Three batches, the last one shorter: the file of weights also says how many steps were made. */
const stepsCase: SuiteCase = {
  name: 'a job of finetuning.trainer, steps of an epoch',
  on: { arch, task: 'finetuning' },
  quick: true,
  run: async (context) => {
    const batches = networkBatches(context.data, { task: 'finetuning', leads: 1, multiLabel: false }, 2, context.seed);
    const x = joinArrays(batches.map((batch) => inputsByName(batch.x).x));
    const y = joinArrays(batches.map((batch) => batch.y));
    const { ours, theirs } = await runBoth(context, { x, y }, { multiLabel: false, batchSize: 3 });
    if (!existsSync(join(theirs, bestModelFile)))
      throw new NotApplicable('on tf_keras, the file of weights does not count steps');
    const [port, found] = [ours, theirs].map(
      (job) => readWeights(join(job, bestModelFile)).optimizer?.[0] ?? int64([]),
    );
    return [
      exactly('training', 'steps of an epoch of 8 records in batches of 3', [
        { name: 'iterations', port, original: found },
      ]),
    ];
  },
};

/** One batch, shorter than the batch size, and one step, so the epoch's figures are those of the starting weights and a float32 limit applies. */
const oneStepCases = [false, true].map(
  (multiLabel): SuiteCase => ({
    name: `a job of finetuning.trainer, ${multiLabel ? '12 leads, multi-label' : '1 lead, single-label'}`,
    on: { arch, task: 'finetuning' },
    quick: !multiLabel,
    run: (context) => oneStep(context, multiLabel),
  }),
);

/** One epoch of both pretraining trainers on a file of frames, from the same weights, in one batch: the figures are those of these weights. */
const pretrainCases = [false, true].map(
  (validates): SuiteCase => ({
    name: `a job of pretraining.trainer${validates ? ', F1 of validation frames' : ''}`,
    on: { arch, task: 'rhythm' },
    quick: true,
    run: (context) => pretrainBoth(context, validates),
  }),
);

async function pretrainBoth({ original, data, seed, scratch }: SuiteContext, validates: boolean): Promise<Row[]> {
  const [batch, held] = networkBatches(data, { task: 'rhythm', leads: 1, multiLabel: false }, 2, seed);
  const { x } = inputsByName(batch.x);
  const [frames, frameSize] = x.shape;
  // On tf_keras, files of weights are checkpoints.
  const { keras } = await original.facts();
  const weightsFile = join(scratch, keras.startsWith('2.') ? 'start.weights' : 'start.weights.h5');
  const [train, valFile, ours, theirs] = ['train.pkl', 'val.pkl', 'port', 'original'].map((file) =>
    join(scratch, file),
  );
  const patients = int64(Array.from({ length: frames }, (_, i) => i));
  await savePkl(train, { x, y: batch.y, patient_ids: patients });
  const others = int64(Array.from({ length: frames }, (_, i) => frames + i));
  await savePkl(valFile, { x: inputsByName(held.x).x, y: held.y, patient_ids: others });
  const network = buildPort(batch, { task: 'rhythm', arch, precision: 'float32', seed });
  try {
    const { model } = network.session;
    const values = (await network.read()).weights;
    await writeWeights(
      weightsFile,
      model,
      values.map((value, i) => ({ path: network.names[i], ...value })),
    );
  } finally {
    network.dispose();
  }
  const validation = validates ? ({ valFile, valMetric: 'f1' } as const) : {};
  const common = { task: 'rhythm', train, arch, weightsFile, frameSize, batchSize, epochs: 1, seed } as const;
  const options = { ...common, ...validation };
  await pretrain({ ...options, jobDir: ours });
  await original.run('pretraining.trainer', flagsOf({ ...options, jobDir: theirs }));
  return historyRows(ours, theirs);
}

/** Keras's schedule, for the steps that its trainer would make. */
const scheduleCase: SuiteCase = {
  name: 'a job of finetuning.trainer, learning rates of a schedule',
  on: { arch, task: 'finetuning' },
  quick: true,
  run: async ({ original, seed, scratch }) => {
    const [records, samples, batchSize] = [4, 128, 2];
    const draws = new RandomState([seed, 51]).randomSample(records * samples);
    const x = ndarray('float32', [records, samples, 1], Float32Array.from(draws));
    const y = ndarray('float32', [records, 2], Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1));
    const train = join(scratch, 'train.pkl');
    await savePkl(train, dataSetOf({ x, y }));
    const [epochs, stepsPerEpoch, warmupSteps, learningRate] = [2, records / batchSize, 1, 0.003];
    const options = { train, arch, batchSize, epochs, seed, learningRate, schedule: 'cosine', warmupSteps } as const;
    const { history } = await finetune({ jobDir: join(scratch, 'job'), ...options });
    const schedule = {
      initialLearningRate: 0,
      decaySteps: epochs * stepsPerEpoch - warmupSteps,
      warmupTarget: learningRate,
    };
    const last = Array.from({ length: epochs }, (_, epoch) => (epoch + 1) * stepsPerEpoch - 1);
    const theirs = await original.options.learningRates({ ...schedule, warmupSteps }, 'float64', last);
    const pair = { name: 'rates', port: vector(history.map((logs) => logs.learning_rate)), original: vector(theirs) };
    return [closely('training', `learning rates at the ends of ${epochs} epochs`, [pair], rateLimits(0).float64)];
  },
};

/** Cases of the suite `training` that run the trainers themselves. */
export const jobCases: readonly SuiteCase[] = [...oneStepCases, stepsCase, ...pretrainCases, scheduleCase];

async function oneStep(context: SuiteContext, multiLabel: boolean): Promise<Row[]> {
  const { data, seed } = context;
  const [batch] = networkBatches(data, { task: 'finetuning', leads: multiLabel ? 12 : 1, multiLabel }, 1, seed);
  const { ours, theirs, train } = await runBoth(context, batch, { multiLabel, batchSize });

  return [
    ...historyRows(ours, theirs),
    sameText('training', 'records and truth of train_predictions.csv', tableOf(ours), tableOf(theirs)),
    ...(await predictionRows(ours, theirs, train, batch)),
  ];
}

/**
 * Checks that the port, with the weights of the original's job, predicts what that job wrote. The network is the one that `predict` builds
 * from the port's job folder.
 */
async function predictionRows(ours: string, theirs: string, train: string, batch: LabelledBatch): Promise<Row[]> {
  // On tf_keras, a job saves a checkpoint instead.
  const file = join(theirs, bestModelFile);
  const model = buildModel(batch, { arch, precision: 'float32' });
  const { assigned } = loadWeights(
    readWeights(existsSync(file) ? file : join(theirs, 'best_model.weights')),
    model.weights,
  );
  await writeWeights(join(ours, bestModelFile), model, assigned);
  const predictor = Predictor.open(ours);
  try {
    const { classes, recordIds, probabilities } = await predictor.predictFile(train, batchSize);
    const written = readPredictions(join(theirs, 'train_predictions.csv'));
    const original = astype(written.yProb!, 'float32');
    const named = (names: readonly (string | number)[]): string => names.join('\n');
    return [
      sameText('training', 'classes of the job, as predict knows them', named(classes), named(written.classes)),
      closely(
        'training',
        `probabilities of ${recordIds.length} records from the original's weights`,
        [{ name: 'probabilities', port: probabilities, original }],
        limitsOf({}, 'float32').outputs,
      ),
    ];
  } finally {
    predictor.dispose();
  }
}

/** The only epoch in the histories of both jobs. */
function historyRows(ours: string, theirs: string): Row[] {
  const histories = [ours, theirs].map((job) => figuresOf(readFileSync(join(job, 'history.csv'), 'utf8')));
  const [port, found] = histories;
  const pairs = ['loss', 'acc'].map((name): Pair => {
    return { name, port: vector([port.get(name)!], 'float32'), original: vector([found.get(name)!], 'float32') };
  });
  const columns = histories.map((figures) => [...figures.keys()].join('\n'));
  return [
    sameText('training', 'columns of history.csv', columns[0], columns[1]),
    closely('training', 'loss and accuracy of the epoch in history.csv', pairs, limitsOf({}, 'float32').losses),
  ];
}

/** The figures of a history's only epoch, by column. */
function figuresOf(csv: string): Map<string, number> {
  const [header, row] = csv.split('\r\n').map((line) => line.split(','));
  return new Map(header.map((name, i) => [name, Number(row[i])]));
}

/** The columns of predictions that do not depend on the weights. */
function tableOf(job: string): string {
  const lines = readFileSync(join(job, 'train_predictions.csv'), 'utf8').trimEnd().split('\n');
  const kept = lines[0].split(',').findIndex((column) => column.startsWith('prob_'));
  return lines.map((line, i) => (i === 0 ? line : line.split(',').slice(0, kept).join(','))).join('\n');
}
