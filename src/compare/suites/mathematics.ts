import type { Original } from '../../bridge/original.ts';
import { inputsByName } from '../../lib/keras/inputs.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { closely, type Pair, type Row, vector } from '../closeness.ts';
import { tolerances } from '../tolerances.ts';
import { buildTwins, type LabelledBatch, type NetworkCase, readAll, type Twins, teach } from './network.ts';

/**
 * Same mathematics: activations of every layer in both modes, gradients, and the losses and weights of a free-running training, all in
 * float64. Catches a wrong formula, which float32's noise would hide.
 */
export async function sameMathematics(
  original: Original,
  batches: readonly LabelledBatch[],
  kind: Omit<NetworkCase, 'precision'>,
): Promise<Row[]> {
  const twins = await buildTwins(original, batches[0], { ...kind, precision: 'float64' });
  const { session, network, names } = twins;
  try {
    const rows = await stepRows('float64', twins, batches[0], {
      activations: tolerances.activations64,
      outputs: tolerances.activations64,
      gradients: tolerances.gradients64,
    });
    const ours = batches.map(({ x, y }) => session.train(x, y).loss);
    const theirs = await network.trainSteps(batches);
    rows.push(
      closely(
        'float64',
        `${batches.length} free-running losses`,
        ours.map((loss, i) => ({ name: `step ${i + 1}`, port: vector([loss]), original: vector([theirs[i]]) })),
        tolerances.losses64,
      ),
    );
    const state = await network.read();
    const weights = readAll(session, names);
    rows.push(closely('float64', 'weights after them', pairUp(names, weights, state.weights), tolerances.weights64));
    return rows;
  } finally {
    session.dispose();
  }
}

/**
 * Same values: float32, teacher-forced. Before each step the port takes over the original's weights and moments, so that the step's own
 * difference shows, not the chaos of all steps before it.
 */
export async function sameValues(
  original: Original,
  batches: readonly LabelledBatch[],
  kind: Omit<NetworkCase, 'precision'>,
): Promise<Row[]> {
  const twins = await buildTwins(original, batches[0], { ...kind, precision: 'float32' });
  const { session, network, names, trainable } = twins;
  try {
    const rows = await stepRows('float32', twins, batches[0], {
      activations: tolerances.activations32,
      outputs: tolerances.outputs32,
      gradients: tolerances.gradients32,
    });
    await network.write(settled(twins));
    const losses: Pair[] = [];
    const updates: Pair[] = [];
    const statistics: Pair[] = [];
    for (const [step, batch] of batches.entries()) {
      await teach(twins);
      const before = readAll(session, names);
      const { loss } = session.train(batch.x, batch.y);
      const [expected] = await network.trainSteps([batch]);
      const label = `step ${step + 1}`;
      losses.push({ name: label, port: vector([loss], 'float32'), original: vector([expected], 'float32') });
      const ours = readAll(session, names);
      const theirs = (await network.read()).weights;
      for (const [i, name] of names.entries()) {
        const pair = { name: `${label} ${name}`, port: ours[i], original: theirs[i] };
        if (!trainable.includes(name)) statistics.push(pair);
        else updates.push({ ...pair, port: minus(ours[i], before[i]), original: minus(theirs[i], before[i]) });
      }
    }
    const steps = `${batches.length} taught steps`;
    rows.push(closely('float32', `losses of ${steps}`, losses, tolerances.losses32));
    rows.push(closely('float32', `updates of ${trainable.length} weights in ${steps}`, updates, tolerances.updates32));
    rows.push(closely('float32', `moving averages after ${steps}`, statistics, tolerances.statistics32));
    return rows;
  } finally {
    session.dispose();
  }
}

/**
 * Adam in the middle of a training: after 1,000 steps, with second moments well above zero. Fresh moments would turn the noise of every
 * tiny gradient into a full step.
 */
function settled({ session, names, trainable }: Twins): Parameters<Twins['network']['write']>[0] {
  const weights = readAll(session, names);
  const moments = trainable.flatMap((name) => {
    const { shape, data } = weights[names.indexOf(name)];
    const fill = (value: number): NdArray => ({
      dtype: 'float32',
      shape,
      data: new Float32Array(data.length).fill(value),
    });
    return [fill(0), fill(1e-6)];
  });
  return { weights, moments, iterations: 1000 };
}

function minus(a: NdArray, b: NdArray): NdArray<'float64'> {
  return {
    dtype: 'float64',
    shape: a.shape,
    data: Float64Array.from(a.data as Float32Array, (value, i) => value - Number(b.data[i])),
  };
}

async function stepRows(
  suite: string,
  { session, network, trainable }: Twins,
  { x, y }: LabelledBatch,
  limits: Record<'activations' | 'outputs' | 'gradients', (typeof tolerances)[keyof typeof tolerances]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  // The contrastive model applies its backbone twice: a layer has no single activation.
  for (const training of 'x' in inputsByName(x) ? [false, true] : []) {
    const theirs = await network.activations(x, training);
    const ours = session.activations(x, { training });
    const pairs = [...theirs].map(([name, original]) => ({ name, port: required(ours, name), original }));
    const mode = training ? 'training' : 'inference';
    rows.push(closely(suite, `activations of ${pairs.length} layers, ${mode}`, pairs, limits.activations));
  }
  const probabilities = { name: 'outputs', port: session.predict(x), original: await network.predict(x) };
  rows.push(closely(suite, 'predictions', [probabilities], limits.outputs));
  const expected = await network.gradients(x, y);
  const found = session.gradients(x, y);
  const gradients = trainable.map((name, i) => ({
    name,
    port: required(found.gradients, name),
    original: expected.gradients[i],
  }));
  rows.push(closely(suite, `gradients of ${gradients.length} weights`, gradients, limits.gradients));
  return rows;
}

function pairUp(names: readonly string[], ours: readonly NdArray[], theirs: readonly NdArray[], prefix = ''): Pair[] {
  return names.map((name, i) => ({ name: `${prefix}${name}`, port: ours[i], original: theirs[i] }));
}

function required(values: ReadonlyMap<string, NdArray>, name: string): NdArray {
  const value = values.get(name);
  if (!value) throw new Error(`the port has no ${name}; it has ${[...values.keys()].join(', ')}`);
  return value;
}
