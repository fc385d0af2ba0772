import type { StepWeights } from '../../../bridge/original_network.ts';
import type { WatchedPlateau } from '../../../bridge/original_options.ts';
import { fit } from '../../../graph/fit.ts';
import { type Augmentation, augmentations, augmented } from '../../../jobs/augmentation.ts';
import type { OptimizerOptions } from '../../../jobs/optimizer_options.ts';
import { ReduceLROnPlateau } from '../../../lib/keras/callbacks.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { cosineDecay } from '../../../lib/keras/schedules.ts';
import { astype, toFloat64 } from '../../../lib/numpy/convert.ts';
import { ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { balancedClassWeights } from '../../../lib/sklearn/class_weight.ts';
import { balancedWeights } from '../../../port/finetuning/trainer/class_weights.ts';
import { countByClass } from '../../../prepare/labels.ts';
import { counted } from '../../../text.ts';
import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { closely, exactly, type Pair, pairUp, type Row, vector } from '../../closeness.ts';
import { type ComparedNetwork, networks } from '../../networks/compared.ts';
import { freeRows, lossRow, optimiserRows, teacherForcedSteps } from '../../networks/rows.ts';
import {
  buildPort,
  comparedPrecisions,
  type NetworkSide,
  settledMoments,
  settledSteps,
  startingWeights,
  type TrainingChoices,
  type Twins,
  withTwins,
} from '../../networks/sides.ts';
import type { SuiteCase, SuiteContext } from '../../suite.ts';
import { freeLimitsOf, limitsOf, rateLimits } from '../../tolerances.ts';
import { joinArrays } from '../shared/data_cases.ts';

const steps = 3;

const single = networks.find(({ name }) => name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label')!;
const several = networks.find(({ name }) => name === 'resnet50 with 1 stage, finetuning, 12 leads, multi-label')!;

const contrastive = networks.find(({ name }) => name === 'resnet18 with 1 stage, cpc')!;

/** Steps of the compared schedules: a warm-up, a decay, and what comes after it. */
const schedule = { initialLearningRate: 0, decaySteps: 2000, warmupTarget: 0.003, warmupSteps: 500 };

const scheduleCase: SuiteCase = {
  name: 'learning rates: cosine, warm-up, plateau',
  on: {},
  run: async ({ original, seed }) => {
    const { options } = original;
    const plain = { initialLearningRate: 0.001, decaySteps: 70 };
    const shown = [plain, schedule].map((one) => ({
      one,
      at: [0, 1, 7, 35, 69, 70, 71, 250, 499, 500, 501, 1500, 2499, 2500, 9000],
    }));
    const pairs: Record<'float32' | 'float64', Pair[]> = { float32: [], float64: [] };
    let noise = 0;
    for (const [i, { one, at }] of shown.entries()) {
      const rateOf = cosineDecay(one);
      const [single, double] = [
        await options.learningRates(one, 'float32', at),
        await options.learningRates(one, 'float64', at),
      ];
      const name = `schedule ${i + 1}`;
      const port = vector(at.map(rateOf));
      pairs.float64.push({ name, port, original: vector(double) });
      pairs.float32.push({ name, port: vector(at.map((step) => Math.fround(rateOf(step)))), original: vector(single) });
      const highest = Math.max(...double);
      noise = Math.max(noise, ...single.map((rate, k) => Math.abs(rate - double[k]) / highest));
    }
    const limits = rateLimits(noise);
    const random = new RandomState([seed, 13]);
    const values = [0.5, 0.5, 0.49995, 0.4, 0.4, Number.NaN, 0.4, 0.4, 0.39995, 0.39985, ...random.randomSample(40)];
    const watched = ['val_loss', 'val_acc'].flatMap((monitor) =>
      [1, 3].map((patience) => ({ monitor, factor: 0.3, patience, learningRate: 0.001, values })),
    );
    const rates: Pair[] = [];
    for (const one of watched) {
      const port = vector(await plateauRates(one));
      rates.push({
        name: `${one.monitor}, patience ${one.patience}`,
        port,
        original: vector(await options.plateau(one)),
      });
    }
    return [
      closely('optimiser', 'cosine decay with and without warm-up, float64', pairs.float64, limits.float64),
      closely('optimiser', 'cosine decay with and without warm-up, float32', pairs.float32, limits.float32),
      exactly('optimiser', `learning rates on a plateau, ${counted(watched.length, 'training')}`, rates),
    ];
  },
};

/** Options of training that the original's trainers do not set, against those of Keras. */
export const optionCases: readonly SuiteCase[] = [
  ...[single, several].map((network) => ({
    name: `balanced class weights, ${network.multiLabel ? 'multi-label' : 'single-label'}`,
    on: { arch: network.arch, task: network.task },
    run: (context: SuiteContext) => classWeights(context, network),
  })),
  optimizerCase('gradients clipped one by one', single, ({ clipnorm }) => ({ clipnorm })),
  optimizerCase('gradients clipped together', single, ({ globalClipnorm }) => ({ globalClipnorm })),
  optimizerCase('weight decay', single, () => ({ weightDecay: 0.05 })),
  optimizerCase('weight decay and clipped gradients in pretraining', contrastive, ({ globalClipnorm }) => {
    return { globalClipnorm, weightDecay: 0.05 };
  }),
  scheduleCase,
  ...[single, several].map((network) => ({
    name: `augmented recordings, ${counted(network.leads, 'lead')}`,
    on: { task: network.task },
    run: (context: SuiteContext) => augmentedRecordings(context, network),
  })),
  { name: 'a frozen backbone', on: { arch: single.arch, task: single.task }, run: frozenSteps },
  {
    name: 'steps with learning rates of a cosine',
    on: { arch: single.arch, task: single.task },
    run: (context) => {
      return stepRows(context, single, networkBatches(context.data, single, steps, context.seed), { schedule });
    },
  },
];

/** The learning rate that the port's callback leaves after each epoch. */
async function plateauRates({ values, monitor, ...options }: WatchedPlateau): Promise<number[]> {
  const callback = new ReduceLROnPlateau({ monitor, ...options });
  const rates: number[] = [];
  for (const [epoch, value] of values.entries()) {
    await callback.onEpochEnd(epoch, { [monitor]: value }, { async saveWeights() {}, stop() {}, say() {} });
    rates.push(callback.rate);
  }
  return rates;
}

/** Recordings, one of them padded in front, with each change by itself and with all of them. */
async function augmentedRecordings({ original, data, seed }: SuiteContext, network: ComparedNetwork): Promise<Row[]> {
  const [batch] = networkBatches(data, network, 1, seed);
  const { x } = inputsByName(batch.x);
  const [count, samples, leads] = x.shape;
  (x.data as Float32Array).fill(0, 0, Math.floor(samples / 4) * leads);
  const strengths = { ...augmentations, 'lead-dropout': 0.5 };
  const chosen: Augmentation[] = [
    ...Object.entries(strengths).map(([name, strength]) => ({ [name]: strength })),
    strengths,
  ];
  const pairs: Pair[] = [];
  for (const epoch of [0, 3]) {
    const draws = { seed, epoch, records: Array.from({ length: count }, (_, i) => 7 * i + 2) };
    for (const changes of chosen) {
      const port = augmented(x, changes, draws);
      const name = `epoch ${epoch + 1}, ${Object.keys(changes).join(', ')}`;
      pairs.push({ name, port, original: await original.options.augment(x, changes, draws) });
    }
  }
  return [exactly('optimiser', `augmented recordings, drawn by NumPy (${counted(leads, 'lead')})`, pairs)];
}

/** Steps of the head alone, then, with a fresh optimiser, of all layers. */
async function frozenSteps({ original, data, seed }: SuiteContext): Promise<Row[]> {
  const batches = networkBatches(data, single, steps, seed);
  const kind = { ...single, precision: 'float64', seed, training: { frozenBackbone: true } } as const;
  return withTwins(original, batches[0], kind, async ({ port, network, names, weights }) => {
    const rows: Row[] = [];
    for (const frozen of [true, false]) {
      await network.freeze(frozen);
      port.session.resetOptimizer();
      const theirs = { losses: await network.trainSteps(batches), weights: (await network.read()).weights };
      const losses = batches.map(({ x, y }) => port.session.train(x, y, { frozen }).loss);
      const found = freeRows(names, { losses, weights: (await port.read()).weights }, theirs, freeLimitsOf(single));
      const what = frozen ? 'head alone' : 'all layers after that';
      rows.push(...found.map((row) => ({ ...row, suite: 'optimiser', name: `${row.name}, ${what}` })));
    }
    // The loop of a job, which unfreezes the layers itself.
    await port.write({ weights });
    port.session.resetOptimizer();
    await fit(port.session, {
      ...{ epochs: 2, frozenEpochs: 1, steps, callbacks: [], report: () => {}, saveWeights: async () => {} },
      async *batches() {
        yield* batches;
      },
    });
    const [ours, theirs] = [(await port.read()).weights, (await network.read()).weights];
    const title = 'float64: weights after an epoch of the head and one of all layers';
    rows.push(closely('optimiser', title, pairUp(names, ours, theirs), freeLimitsOf(single).freeWeights));
    return rows;
  });
}

/** Limits of gradients below the norms of half of them, and below their norm taken together. */
type Clipping = Required<Pick<OptimizerOptions, 'clipnorm' | 'globalClipnorm'>>;

/** Steps of an optimiser with options of its own. */
function optimizerCase(
  name: string,
  network: ComparedNetwork,
  optionsOf: (clipping: Clipping) => OptimizerOptions,
): SuiteCase {
  return {
    name,
    on: { arch: network.arch, task: network.task },
    run: async (context) => {
      const batches = networkBatches(context.data, network, steps, context.seed);
      const optimizer = optionsOf(await clippingOf(context, network, batches[0]));
      return stepRows(context, network, batches, { optimizer });
    },
  };
}

async function clippingOf({ seed }: SuiteContext, network: ComparedNetwork, batch: LabelledBatch): Promise<Clipping> {
  const port = buildPort(batch, { ...network, precision: 'float64', seed });
  try {
    const weights = startingWeights(port.session.model, (await port.read()).weights, seed);
    await port.write({ weights });
    const { gradients } = await port.gradients(batch.x, batch.y);
    const norms = gradients.map(({ data }) => normOf(data as Float64Array)).sort((a, b) => a - b);
    return { clipnorm: norms[Math.floor(norms.length / 2)], globalClipnorm: normOf(norms) / 2 };
  } finally {
    port.dispose();
  }
}

/**
 * Steps with balanced class weights. Keras gets them as `class_weight`; with several labels, for which it has no such argument, as `sample_weight`
 * of outputs `(batch, classes, 1)`.
 */
async function classWeights(context: SuiteContext, network: ComparedNetwork): Promise<Row[]> {
  const { original, data, seed } = context;
  const { multiLabel } = network;
  const batches = networkBatches(data, network, steps, seed);
  const y = joinArrays(batches.map((batch) => batch.y));
  const [records, classes] = y.shape;
  const { rows } = balancedWeights({ y, classes: Array.from({ length: classes }, (_, k) => `class ${k}`) }, multiLabel);
  const counts = countByClass(y);
  const numbers = Float64Array.from({ length: records }, (_, i) => {
    return y.data.subarray(i * classes, (i + 1) * classes).findIndex((label) => Number(label) === 1);
  });
  const theirs = await original.options.classWeights(multiLabel ? y : ndarray('float64', [records, 1], numbers));
  const ours = multiLabel
    ? counts.map((count) =>
        balancedClassWeights([records - count, count]).filter((_, k) => [records - count, count][k]),
      )
    : [balancedClassWeights(counts).filter((_, k) => counts[k] > 0)];
  const present = [...new Set(numbers)].sort((a, b) => a - b);
  // Where a column has one value only, scikit-learn gives one weight.
  const weightOf = (k: number, label: number): number => theirs[k][theirs[k].length === 1 ? 0 : label];
  // Classes 1 and 3 have no records.
  const uneven = [2, 0, 3, 0, 1];
  const few = Float64Array.from(uneven.flatMap((count, k) => Array<number>(count).fill(k)));
  const [weightsOfFew] = await original.options.classWeights(ndarray('float64', [few.length, 1], few));
  const portOfFew = balancedClassWeights(uneven).filter((_, k) => uneven[k] > 0);
  const found: Row[] = [
    exactly('optimiser', "scikit-learn's balanced weights", [
      { name: 'weights', port: vector(ours.flat()), original: vector(theirs.flat()) },
      { name: 'weights of three classes of five', port: vector(portOfFew), original: vector(weightsOfFew) },
    ]),
    exactly('optimiser', 'balanced weights of the losses', [
      {
        name: 'weights',
        port: rows.take(Array.from({ length: records }, (_, i) => i)),
        original: multiLabel
          ? ndarray(
              'float64',
              y.shape,
              Float64Array.from(toFloat64(y), (label, i) => weightOf(i % classes, label)),
            )
          : ndarray(
              'float64',
              [records],
              numbers.map((number) => theirs[0][present.indexOf(number)]),
            ),
      },
    ]),
  ];
  let first = 0;
  const weighted = batches.map((batch): LabelledBatch => {
    const taken = Array.from({ length: batch.y.shape[0] }, (_, i) => first + i);
    first += taken.length;
    // tf_keras rounds class weights to float32, even in float64.
    return { ...batch, sampleWeight: multiLabel ? rows.take(taken) : astype(rows.take(taken), 'float32') };
  });
  const keras = multiLabel ? undefined : { classWeight: balancedClassWeights(counts).map(Math.fround) };
  return [...found, ...(await stepRows(context, network, weighted, { sampleWeights: true }, keras))];
}

/** Teacher-forced steps with options of training, in all precisions. `keras`: what Keras gets in place of the weights of the batches. */
async function stepRows(
  { original, seed }: SuiteContext,
  network: ComparedNetwork,
  batches: readonly LabelledBatch[],
  training: TrainingChoices,
  keras?: StepWeights,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const precision of comparedPrecisions) {
    const limits = limitsOf(network, precision);
    const found = await withTwins(original, batches[0], { ...network, precision, seed, training }, async (twins) => {
      const { weights, network: theirs } = twins;
      await theirs.write({ weights, moments: settledMoments(twins.port.session.model), iterations: settledSteps });
      return teacherForcedSteps({ ...twins, network: keras ? withWeights(theirs, keras) : theirs }, batches);
    });
    const { ours, theirs } = found.losses;
    const title = `${precision}: losses of ${counted(ours.length, 'taught step')}`;
    rows.push(
      lossRow('optimiser', title, ours, theirs, limits.losses),
      ...optimiserRows(found, limits, `step ${settledSteps}`),
    );
  }
  return rows;
}

function normOf(values: Iterable<number>): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

/** A network of the original that gets other weights of its losses than the batches have. */
function withWeights(network: Twins['network'], weights: StepWeights): NetworkSide {
  return {
    activations: (...given) => network.activations(...given),
    predict: (...given) => network.predict(...given),
    gradients: (...given) => network.gradients(...given),
    inputGradients: (...given) => network.inputGradients(...given),
    read: () => network.read(),
    write: (state) => network.write(state),
    trainSteps: (batches) =>
      network.trainSteps(
        batches.map(({ x, y }) => ({ x, y })),
        weights,
      ),
  };
}
