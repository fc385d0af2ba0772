import type { NetworkState } from '../../bridge/original_network.ts';
import { asType } from '../../graph/arrays.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
import { counted } from '../../text.ts';
import type { LabelledBatch } from '../batches.ts';
import { bothSides } from '../both_sides.ts';
import { closely, differences, type Pair, pairUp, type Row, type Tolerance, vector } from '../closeness.ts';
import type { Observation } from '../observations.ts';
import type { FreeLimits, Limits } from '../tolerances.ts';
import { mapInputs } from './rounding.ts';
import type { NetworkSide } from './sides.ts';

/** Two networks that should compute the same, and the names of their weights. */
export interface Pairing {
  readonly port: NetworkSide;
  readonly network: NetworkSide;
  /** Weights in Keras's order. */
  readonly names: readonly string[];
  /** The trainable ones, in the order of gradients and moments. */
  readonly trainable: readonly string[];
}

type Observe = (observation: Observation) => void;

/** Outputs of every layer, in inference and in training mode. `observe` gets the difference of each layer. */
export async function activationRows(
  { port, network }: Pairing,
  { x }: LabelledBatch,
  limits: Pick<Limits, 'activations'>,
  observe?: { readonly title: string; readonly to: Observe },
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const mode of ['inference', 'training'] as const) {
    const [ours, theirs] = await bothSides(
      () => network.activations(x, mode === 'training'),
      () => port.activations(x, mode === 'training'),
    );
    const pairs = [...theirs].map(([name, original]) => ({ name, port: required(ours, name), original }));
    const { activations } = limits;
    rows.push(closely('activations', `${activations.rung}: ${pairs.length} layers, ${mode}`, pairs, activations));
    observe?.to({
      kind: 'layers',
      title: `${observe.title}, ${activations.rung}, ${mode}`,
      layers: differences(pairs, activations),
      limit: activations.limit,
    });
  }
  return rows;
}

/** Loss of a training-mode pass and its gradient with respect to every trainable weight. */
export async function gradientRows(
  { port, network, trainable }: Pairing,
  { x, y }: LabelledBatch,
  limits: Pick<Limits, 'losses' | 'gradients'>,
): Promise<Row[]> {
  const [ours, theirs] = await bothSides(
    () => network.gradients(x, y),
    () => port.gradients(x, y),
  );
  const { rung } = limits.gradients;
  return [
    lossRow('gradients', `${rung}: loss of the batch`, [ours.loss], [theirs.loss], limits.losses),
    closely(
      'gradients',
      `${rung}: gradients of ${trainable.length} weights`,
      pairUp(trainable, ours.gradients, theirs.gradients),
      limits.gradients,
    ),
  ];
}

/**
 * The output of each record whose gradient is compared: the largest one up to 0.5, else the smallest. In float32, the gradient of a probability that is
 * almost 1 is lost in the difference of 1 and the probability.
 */
export function targetsOf({ shape, data }: NdArray): number[] {
  const [records, width] = shape;
  return Array.from({ length: records }, (_, record) => {
    const row = Array.from({ length: width }, (_, k) => Number(data[record * width + k]));
    const low = row.filter((value) => value <= 0.5);
    return row.indexOf(low.length > 0 ? Math.max(...low) : Math.min(...row));
  });
}

/** Gradient of one output per record with respect to the inputs, in inference mode. */
export async function inputGradientRow(
  { port, network }: Pick<Pairing, 'port' | 'network'>,
  { x }: LabelledBatch,
  { inputGradients }: Pick<Limits, 'inputGradients'>,
): Promise<Row> {
  const { rung } = inputGradients;
  const dtype = rung === 'float64' ? rung : 'float32';
  const inputs = mapInputs(x, (array) => asType(array, dtype));
  const outputs = await network.predict(inputs);
  const weights = zeros(dtype, outputs.shape);
  for (const [row, target] of targetsOf(outputs).entries()) weights.data[row * outputs.shape[1] + target] = 1;
  const [ours, theirs] = await bothSides(
    () => network.inputGradients(inputs, weights),
    () => port.inputGradients(inputs, weights),
  );
  const pairs = [...theirs.gradients].map(([name, original]) => ({
    name,
    port: required(ours.gradients, name),
    original,
  }));
  return closely('gradients', `${rung}: gradient of an output with respect to the recordings`, pairs, inputGradients);
}

/** Outputs in inference mode: probabilities, or logits of a pretraining task. */
export async function outputRow(
  { port, network }: Pick<Pairing, 'port' | 'network'>,
  { x }: LabelledBatch,
  { outputs }: Pick<Limits, 'outputs'>,
): Promise<Row> {
  const [ours, theirs] = await bothSides(
    () => network.predict(x),
    () => port.predict(x),
  );
  const pair = { name: 'outputs', port: ours, original: theirs };
  return closely('predictions', `${outputs.rung}: outputs`, [pair], outputs);
}

/** Results of free-running steps. */
export interface FreeRun extends Pick<NetworkState, 'weights'> {
  readonly losses: readonly number[];
}

/** Free-running steps of one side. */
export async function freeRun(side: NetworkSide, batches: readonly LabelledBatch[]): Promise<FreeRun> {
  const { losses, weights } = await train(side, batches);
  return { losses, weights };
}

async function train(side: NetworkSide, batches: readonly LabelledBatch[]): Promise<FreeRun & NetworkState> {
  const losses = await side.trainSteps(batches);
  return { losses, ...(await side.read()) };
}

/** Losses of free-running steps, and the weights after them. */
export function freeRows(names: readonly string[], ours: FreeRun, theirs: FreeRun, limits: FreeLimits): [Row, Row] {
  const { rung } = limits.freeLosses;
  const steps = theirs.losses.length;
  return [
    lossRow('training', `${rung}: ${steps} free-running losses`, ours.losses, theirs.losses, limits.freeLosses),
    closely(
      'training',
      `${rung}: weights after ${steps} free-running steps`,
      pairUp(names, ours.weights, theirs.weights),
      limits.freeWeights,
    ),
  ];
}

/** Results of teacher-forced steps, as pairs by step: losses, updates of trainable weights, moments, and moving averages. */
export interface TaughtSteps {
  readonly losses: { readonly ours: number[]; readonly theirs: number[] };
  readonly updates: Pair[];
  readonly moments: Pair[];
  readonly statistics: Pair[];
}

/**
 * Runs teacher-forced steps: before each step the port takes over the original's weights and moments, so that only the difference of that
 * step shows, not the chaos of all steps before it.
 */
export async function teacherForcedSteps(
  { port, network, names, trainable }: Pairing,
  batches: readonly LabelledBatch[],
): Promise<TaughtSteps> {
  const found: TaughtSteps = { losses: { ours: [], theirs: [] }, updates: [], moments: [], statistics: [] };
  let before = await network.read();
  for (const [step, batch] of batches.entries()) {
    await port.write(before);
    const start: NetworkState = await port.read();
    const [ours, theirs] = await bothSides(
      () => train(network, [batch]),
      () => train(port, [batch]),
    );
    found.losses.ours.push(...ours.losses);
    found.losses.theirs.push(...theirs.losses);
    const label = `step ${step + 1}`;
    for (const [i, name] of names.entries()) {
      const pair = { name: `${label} ${name}`, port: ours.weights[i], original: theirs.weights[i] };
      if (!trainable.includes(name)) found.statistics.push(pair);
      else {
        found.updates.push({
          ...pair,
          port: minus(ours.weights[i], start.weights[i]),
          original: minus(theirs.weights[i], start.weights[i]),
        });
      }
    }
    for (const [i, original] of theirs.moments.entries()) {
      const name = `${label} ${i % 2 === 0 ? 'm' : 'v'} of ${trainable[Math.floor(i / 2)]}`;
      found.moments.push({ name, port: ours.moments[i], original });
    }
    before = theirs;
  }
  return found;
}

/** Rows about Adam from teacher-forced steps. */
export function optimiserRows(
  { updates, moments, losses }: TaughtSteps,
  limits: Pick<Limits, 'updates' | 'moments'>,
  start: string,
): Row[] {
  const steps = `${limits.updates.rung}: ${counted(losses.ours.length, 'taught step')} from ${start}`;
  return [
    closely('optimiser', `${steps}, updates of the weights`, updates, limits.updates),
    closely('optimiser', `${steps}, moments`, moments, limits.moments),
  ];
}

/** Rows about losses and the moving averages of batch normalisation from teacher-forced steps. */
export function trainingRows(
  { losses, statistics }: TaughtSteps,
  limits: Pick<Limits, 'losses' | 'statistics'>,
): Row[] {
  const steps = `${limits.losses.rung}: ${counted(losses.ours.length, 'taught step')}`;
  return [
    lossRow('training', `${steps}, losses`, losses.ours, losses.theirs, limits.losses),
    closely('training', `${steps}, moving averages`, statistics, limits.statistics),
  ];
}

/** Losses in float64. Each difference is relative to the loss or, if that is close to 0, to a share of the largest loss. */
export function lossRow(
  suite: string,
  name: string,
  ours: readonly number[],
  theirs: readonly number[],
  tolerance: Tolerance,
): Row {
  const pairs = theirs.map((loss, i) => ({
    name: `step ${i + 1}`,
    port: vector([ours[i]]),
    original: vector([loss]),
  }));
  return closely(suite, name, pairs, tolerance);
}

function minus(a: NdArray, b: NdArray): NdArray<'float64'> {
  const [left, right] = [a.data as Float64Array, b.data as Float64Array];
  const data = new Float64Array(left.length);
  for (let i = 0; i < data.length; i++) data[i] = left[i] - right[i];
  return { dtype: 'float64', shape: a.shape, data };
}

function required(values: ReadonlyMap<string, NdArray>, name: string): NdArray {
  const value = values.get(name);
  if (!value) throw new Error(`the port has no ${name}; it has ${[...values.keys()].join(', ')}`);
  return value;
}
