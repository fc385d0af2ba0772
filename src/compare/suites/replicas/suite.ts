import type { ReplicatedResults } from '../../../bridge/original_replicas.ts';
import { deviceNames } from '../../../jobs/devices.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { batchSizes, type LabelledBatch, networkBatches } from '../../batches.ts';
import { closely, exactly, type Pair, pairUp, type Row, vector } from '../../closeness.ts';
import { type ComparedNetwork, networks } from '../../networks/compared.ts';
import {
  buildPort,
  momentNames,
  originalOptions,
  type PortNetwork,
  startingWeights,
  type TrainingChoices,
} from '../../networks/sides.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { freeLimitsOf, replicaLimits } from '../../tolerances.ts';

/** What is trained on: batches of 20, 7, 15 and 1, so that parts are whole, short and empty. */
const fits = [
  { samples: 27, batchSize: 20 },
  { samples: 16, batchSize: 15 },
];
const validationSamples = 7;

const network = networks.find(({ name }) => name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label')!;

/** Training on several devices: `--devices` against the MirroredStrategy of tf_keras, and what that of Keras 3 does instead. */
export const replicas: Suite = {
  name: 'replicas',
  summary: 'training on several devices against the MirroredStrategy of tf_keras, on logical CPUs in float64',
  cases: [
    sharedCase(2),
    sharedCase(3, { quick: true }),
    sharedCase(2, { training: { sampleWeights: true, optimizer: { globalClipnorm: 0.1, weightDecay: 0.05 } } }),
    separateCase(),
  ],
};

/** Samples of a network with their labels. */
type Samples = LabelledBatch & { readonly x: NdArray };

/** Training with an exchange of gradients, step by step. */
function sharedCase(
  devices: number,
  { quick, training }: { readonly quick?: true; readonly training?: TrainingChoices } = {},
): SuiteCase {
  const name = `tf_keras, ${devices} devices, batches of 20, 7, 15 and 1`;
  return {
    name: training ? `${name}, weighted losses, clipped gradients, weight decay` : name,
    on: { arch: 'resnet18', task: 'finetuning' },
    ...(quick && { quick }),
    run: async (context) => {
      const trained = fits.reduce((sum, { samples }) => sum + samples, 0);
      const all = samplesOf(context, network, trained + validationSamples);
      const starts = fits.map((_, i) => fits.slice(0, i).reduce((sum, { samples }) => sum + samples, 0));
      const planned = fits.map(({ samples, batchSize }, i) => ({
        ...cut(all, starts[i], starts[i] + samples),
        ...(training?.sampleWeights && { sampleWeight: weightsFor(samples) }),
        batchSize,
      }));
      const validation = cut(all, trained, trained + validationSamples);
      const port = buildPort(
        all,
        { ...network, precision: 'float64', seed: context.seed, training },
        // As a job gets them.
        { devices: deviceNames({ devices: `cpu:${devices}` }) },
      );
      try {
        const weights = startingWeights(port.session.model, (await port.read()).weights, context.seed);
        const options = originalOptions(all, { ...network, training }, 'float64');
        const plan = { network: options, weights, fits: planned, validation, devices, legacy: true };
        const theirs = await context.original.replicas.train(plan);
        await port.write({ weights });
        return rowsOf(port, trainPort(port, planned, validation, devices), theirs);
      } finally {
        port.dispose();
      }
    },
  };
}

/** Trains and validates the port as `OriginalReplicas.train` does the original. */
function trainPort(
  port: PortNetwork,
  planned: readonly (Samples & { readonly batchSize: number })[],
  validation: Samples,
  devices: number,
): ReplicatedResults {
  const { session } = port;
  const steps: ReplicatedResults['steps'][number][] = [];
  const note = (): void => {
    const [values, saved] = [session.read(), session.readMean()];
    const heldBy =
      (device: number) =>
      (name: string): NdArray =>
        values.get(`replica_${device}/${name}`) ?? values.get(name)!;
    steps.push({
      devices: Array.from({ length: devices }, (_, device) => port.names.map(heldBy(device))),
      saved: {
        weights: port.names.map((name) => saved.get(name)!),
        moments: momentNames(port.trainable).map((name) => saved.get(name)!),
        iterations: steps.length + 1,
      },
    });
  };
  const figures = planned.map(({ batchSize, ...samples }) => {
    const trained = batchesOf(samples, batchSize).map(({ x, y, sampleWeight }) => {
      const result = session.train(x, y, { sampleWeight });
      note();
      return result;
    });
    const validated = batchesOf(validation, batchSize).map(({ x, y }) => session.evaluate(x, y));
    const mean = (results: typeof trained, sum: (one: (typeof trained)[number]) => number): number =>
      results.reduce((total, one) => total + sum(one), 0) / results.reduce((total, one) => total + one.samples, 0);
    const loss = ({ loss, samples }: (typeof trained)[number]): number => loss * samples;
    const correct = ({ correct }: (typeof trained)[number]): number => correct;
    return {
      loss: mean(trained, loss),
      acc: mean(trained, correct),
      val_loss: mean(validated, loss),
      val_acc: mean(validated, correct),
    };
  });
  return { steps, fits: figures, predictions: session.predict(validation.x) };
}

function rowsOf(port: PortNetwork, ours: ReplicatedResults, theirs: ReplicatedResults): Row[] {
  const isTrainable = port.names.map((name) => port.trainable.includes(name));
  const held = (trainable: boolean): Pair[] =>
    theirs.steps.flatMap(({ devices }, step) =>
      devices.flatMap((weights, device) => {
        const names = port.names.map((name) => `step ${step + 1}, device ${device + 1}, ${name}`);
        const mine = ours.steps[step]?.devices[device] ?? [];
        return pairUp(names, mine, weights).filter((_, i) => isTrainable[i] === trainable);
      }),
    );
  const saved = theirs.steps.flatMap(({ saved }, step) => {
    const names = port.names.map((name) => `step ${step + 1}, ${name}`);
    return pairUp(names, ours.steps[step].saved.weights, saved.weights).filter((_, i) => !isTrainable[i]);
  });
  const moments = theirs.steps.flatMap(({ saved }, step) => {
    const names = port.trainable.flatMap((name) => [`m of ${name}`, `v of ${name}`]);
    const titles = names.map((name) => `step ${step + 1}, ${name}`);
    return pairUp(titles, ours.steps[step].saved.moments, saved.moments);
  });
  const figures = theirs.fits.flatMap((found, i) =>
    Object.entries(found).map(([name, value]) => ({
      name: `epoch ${i + 1}, ${name}`,
      port: vector([ours.fits[i][name]]),
      original: vector([value]),
    })),
  );
  const predictions = { name: 'predictions', port: ours.predictions!, original: theirs.predictions! };
  const count = theirs.steps.length;
  const limits = replicaLimits;
  return [
    closely('replicas', `float64: weights on every device after each of ${count} steps`, held(true), limits.weights),
    closely(
      'replicas',
      `float64: moving averages of every device after each of ${count} steps`,
      held(false),
      limits.statistics,
    ),
    closely('replicas', 'float64: moving averages as they are saved', saved, limits.statistics),
    closely('replicas', "float64: Adam's moments after each step", moments, limits.moments),
    closely(
      'replicas',
      'float64: loss and accuracy of all samples, in training and validation',
      figures,
      limits.figures,
    ),
    closely('replicas', `float64: predictions of ${validationSamples} samples`, [predictions], limits.outputs),
  ];
}

/**
 * How several devices affect the original (Quirk Q60). Its trainers open a MirroredStrategy, which uses every device. On tf_keras all
 * devices hold the same trainable weights. With Keras 3 each device trains its own network on its share of each batch, so the port, trained
 * on that share alone, must end with the same weights.
 */
function separateCase(): SuiteCase {
  const [devices, steps, batchSize] = [2, 2, 4];
  return {
    name: 'two devices exchange nothing on Keras 3',
    on: { arch: 'resnet18', task: 'finetuning' },
    run: async (context) => {
      const { original, seed } = context;
      const samples = samplesOf(context, network, steps * batchSize);
      const port = buildPort(samples, { ...network, precision: 'float64', seed });
      try {
        const weights = startingWeights(port.session.model, (await port.read()).weights, seed);
        const options = originalOptions(samples, network, 'float64');
        const found = await original.replicas.train({
          network: options,
          weights,
          fits: [{ ...samples, batchSize }],
          devices,
        });
        const held = found.steps.at(-1)!.devices;
        const { keras } = await original.facts();
        if (String(keras).startsWith('2.')) {
          const [first, second] = held.map((copies) => copies.filter((_, i) => port.trainable.includes(port.names[i])));
          const title = 'tf_keras: trainable weights of device 1 and of device 2';
          return [exactly('replicas', title, pairUp(port.trainable, first, second))];
        }
        const rows: Row[] = [];
        for (const [device, theirs] of held.entries()) {
          await port.write({ weights });
          const share = batchSize / devices;
          const shares = batchesOf(samples, batchSize).map((batch) => cut(batch, device * share, (device + 1) * share));
          await port.trainSteps(shares);
          const { weights: ours } = await port.read();
          const title = `Keras 3, float64: weights of device ${device + 1} after ${steps} steps on its share of each batch`;
          rows.push(closely('replicas', title, pairUp(port.names, ours, theirs), freeLimitsOf(network).freeWeights));
        }
        return rows;
      } finally {
        port.dispose();
      }
    },
  };
}

/** So many samples of a network. */
function samplesOf({ data, seed }: SuiteContext, compared: ComparedNetwork, count: number): Samples {
  const batches = networkBatches(data, compared, Math.ceil(count / batchSizes.classifier.records), seed);
  const joined = (arrays: readonly NdArray[]): NdArray => {
    const values = arrays.flatMap(({ data: part }) => Array.from(part as Float32Array));
    const rows = arrays.reduce((sum, { shape }) => sum + shape[0], 0);
    return ndarray('float32', [rows, ...arrays[0].shape.slice(1)], Float32Array.from(values));
  };
  const all = { x: joined(batches.map(({ x }) => inputsByName(x).x)), y: joined(batches.map(({ y }) => y)) };
  return cut(all, 0, count);
}

function batchesOf(samples: Samples, batchSize: number): Samples[] {
  const count = samples.y.shape[0];
  const starts = Array.from({ length: Math.ceil(count / batchSize) }, (_, i) => i * batchSize);
  return starts.map((start) => cut(samples, start, Math.min(start + batchSize, count)));
}

/** Samples `from … to − 1`. */
function cut({ x, y, sampleWeight }: Samples, from: number, to: number): Samples {
  const kept = Array.from({ length: to - from }, (_, i) => from + i);
  const part = (array: NdArray): NdArray => arrayRows(array).take(kept);
  return { x: part(x), y: part(y), ...(sampleWeight && { sampleWeight: part(sampleWeight) }) };
}

/** Weights of losses: 0.5, 1 and 2 in turn. */
function weightsFor(samples: number): NdArray {
  return ndarray(
    'float64',
    [samples],
    Float64Array.from({ length: samples }, (_, i) => [0.5, 1, 2][i % 3]),
  );
}
