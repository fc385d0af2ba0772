import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Original } from '../src/bridge/original.ts';
import type { OriginalNetwork } from '../src/bridge/original_network.ts';
import { networkBatches } from '../src/compare/batches.ts';
import type { Row } from '../src/compare/closeness.ts';
import { generatedCollections, openCollections } from '../src/compare/data.ts';
import { type ComparedNetwork, networks, otherKernels } from '../src/compare/networks/compared.ts';
import { inLastPlace, mapInputs, reversed } from '../src/compare/networks/rounding.ts';
import * as mathematics from '../src/compare/networks/rows.ts';
import {
  buildModel,
  buildOriginal,
  type NetworkSide,
  settledMoments,
  settledSteps,
  startingWeights,
} from '../src/compare/networks/sides.ts';
import {
  type Family,
  type FreeLimits,
  familyOf,
  type Limits,
  type Quantity,
  quantities,
} from '../src/compare/tolerances.ts';
import { initialValue } from '../src/graph/variable.ts';
import { wholeNumber } from '../src/lib/argparse/types.ts';
import { pythonExecutable, root } from '../src/lib/installation.mjs';
import type { Inputs } from '../src/lib/keras/inputs.ts';
import { type NdArray, zeros } from '../src/lib/numpy/ndarray.ts';
import { writeFileAtomic } from '../src/lib/python/atomic_file.ts';
import { readOptions } from './lib/read_options.ts';

const steps = { taught: 3, free: 10 };
type Noise = Partial<Record<Quantity, number>>;

const { values: options } = readOptions({
  program: 'node --import tsx scripts/measure_noise.ts',
  about: `Measures the noise from which the limits of the comparison follow: how far the original is from itself. Compares float32 with float64, and
float64 with float64 where the records of each batch are in reverse order, which changes only the order of sums. Writes
src/compare/noise.json: the largest value of each family over its networks and seeds. Takes about half an hour on two cores.`,
  flags: {
    Options: {
      data: { value: 'DIR', help: 'real recordings', defaultText: 'recordings generated once in data/generated' },
      network: { value: 'TEXT', repeated: true, help: 'networks whose name contains the text', defaultText: 'all' },
      seed: { value: 'N', type: wholeNumber(0), repeated: true, help: 'seeds', defaultText: '1 and 2' },
    },
  },
  notes: `Values of a family only grow. To start anew, empty noise and measured in the file. If a free-running training turns chaotic within
its ten steps, move it to notCounted by hand: a limit that follows from it would let everything pass.`,
});
const seeds = options.seed ?? [1, 2];
const data = options.data
  ? openCollections(resolve(options.data))
  : await generatedCollections(join(root, 'data', 'generated', 'compare'), 2021);
const chosen = options.network
  ? options.network.flatMap((text) => networks.filter(({ name }) => name.includes(text)))
  : networks;
interface Result {
  noise: Record<Family, Record<'float32' | 'float64', Noise>>;
  /** Seeds by network. */
  measured: Record<string, number[]>;
  /** The noise of the network that is also compared with other kernels. */
  taps: { seeds: number[]; noise: Record<'float32' | 'float64', Noise> };
  machine: Record<string, unknown>;
}
const file = join(root, 'src', 'compare', 'noise.json');
const original = await Original.open({ python: pythonExecutable(), original: join(root, 'original') });
try {
  for (const network of chosen) {
    const begun = performance.now();
    const found = await measure(network);
    const family = familyOf(network);
    const result = JSON.parse(readFileSync(file, 'utf8')) as Result;
    result.noise[family] ??= { float32: {}, float64: {} };
    for (const precision of ['float32', 'float64'] as const) {
      const before = result.noise[family][precision];
      for (const [quantity, value] of Object.entries(found[precision]) as [Quantity, number][]) {
        before[quantity] = Number(Math.max(before[quantity] ?? 0, value).toPrecision(2));
      }
    }
    if (network.name === otherKernels.name) {
      const { float32, float64 } = found;
      result.taps = { seeds: [...seeds], noise: { float32: ofGradients(float32), float64: ofGradients(float64) } };
    }
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    process.stdout.write(`${network.name} (${seconds} s)\n  ${JSON.stringify(found)}\n`);
    const facts = await original.facts();
    result.machine = { tensorflow: facts.tensorflow, onednn: facts.onednn, cores: availableParallelism() };
    result.measured[network.name] = [...new Set([...(result.measured[network.name] ?? []), ...seeds])];
    writeFileAtomic(file, `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  await original.close();
}

function ofGradients({ losses = 0, gradients = 0 }: Noise): Noise {
  return { losses: Number(losses.toPrecision(2)), gradients: Number(gradients.toPrecision(2)) };
}

async function measure(network: ComparedNetwork): Promise<Record<'float32' | 'float64', Noise>> {
  const [example] = networkBatches(data, network, 1, 1);
  const model = buildModel(example, { ...network, precision: 'float32' });
  const sides: OriginalNetwork[] = [];
  for (const dtype of ['float32', 'float64', 'float64'] as const) {
    sides.push(await buildOriginal(original, example, network, dtype));
  }
  const [single, double, other] = sides;
  const weightNames = {
    names: model.variables.map(({ name }) => name),
    trainable: model.trainableVariables.map(({ name }) => name),
  };
  const pairings = {
    float32: { port: converted(double, 'float32'), network: single, ...weightNames },
    float64: { port: reversed(converted(other, 'float64')), network: converted(double, 'float64'), ...weightNames },
  };
  const found: Record<'float32' | 'float64', Noise> = { float32: {}, float64: {} };
  try {
    for (const seed of seeds) {
      const batches = networkBatches(data, network, steps.free, seed);
      const initial = model.variables.map((variable) => initialValue(variable, seed));
      const start = { weights: startingWeights(model, initial, seed) };
      const settled = { ...start, moments: settledMoments(model), iterations: settledSteps };
      for (const precision of ['float32', 'float64'] as const) {
        const pairing = pairings[precision];
        const reset = async (state: Parameters<NetworkSide['write']>[0]): Promise<void> => {
          for (const side of [pairing.port, pairing.network]) await side.write(state);
        };
        const add = (quantity: Quantity, rows: readonly Row[]): void => {
          const worst = Math.max(found[precision][quantity] ?? 0, ...rows.map(({ difference }) => difference));
          found[precision][quantity] = worst;
        };
        const limits = boundless(precision);
        await reset(start);
        const activations = await mathematics.activationRows(pairing, batches[0], limits);
        add('activations', activations);
        // In inference the order of the records changes no bit; in training mode it does, of the last layer too.
        if (precision === 'float64') add('outputs', activations);
        add('outputs', [await mathematics.outputRow(pairing, batches[0], limits)]);
        const [loss, gradients] = await mathematics.gradientRows(pairing, batches[0], limits);
        add('losses', [loss]);
        add('gradients', [gradients]);
        // Again, the order of the records changes no bit in inference.
        if (precision === 'float64') await pairing.port.write({ weights: inLastPlace(start.weights, seed) });
        add('inputGradients', [await mathematics.inputGradientRow(pairing, batches[0], limits)]);
        await reset(settled);
        const taught = await mathematics.teacherForcedSteps(pairing, batches.slice(0, steps.taught));
        const [updates, moments] = mathematics.optimiserRows(taught, limits, '');
        const [losses, statistics] = mathematics.trainingRows(taught, limits);
        for (const [quantity, row] of Object.entries({ updates, moments, losses, statistics })) {
          add(quantity as Quantity, [row]);
        }
        if (precision === 'float32') continue;
        await reset(start);
        const again = await mathematics.freeRun(pairing.port, batches);
        const free = await mathematics.freeRun(pairing.network, batches);
        const [freeLosses, freeWeights] = mathematics.freeRows(pairing.names, again, free, limits);
        add('freeLosses', [freeLosses]);
        add('freeWeights', [freeWeights]);
      }
    }
    return found;
  } finally {
    for (const side of sides) await side.dispose();
  }
}

/** Limits that measure as the real ones do and never fail. */
function boundless(rung: 'float32' | 'float64'): Limits & FreeLimits {
  const entries = Object.entries(quantities).map(([quantity, { ...options }]) => {
    const norm = rung === 'float32' ? 'l2' : 'max';
    return [quantity, { rung, norm, limit: Number.POSITIVE_INFINITY, noise: 0, reason: '', ...options }];
  });
  return Object.fromEntries(entries) as Limits & FreeLimits;
}

/** A float64 network whose results are given in another precision. */
function converted(side: OriginalNetwork, precision: 'float32' | 'float64'): NetworkSide {
  const wide = (x: Inputs): Inputs => mapInputs(x, (array) => inType(array, 'float64'));
  const given = (arrays: readonly NdArray[]): NdArray[] => arrays.map((array) => inType(array, precision));
  return {
    activations: async (x, training) => {
      const found = await side.activations(wide(x), training);
      return new Map([...found].map(([name, array]) => [name, inType(array, precision)]));
    },
    predict: async (x) => inType(await side.predict(wide(x)), precision),
    gradients: async (x, y) => {
      const { gradients, ...rest } = await side.gradients(wide(x), y);
      return { ...rest, gradients: given(gradients) };
    },
    inputGradients: async (x, weights) => {
      const { outputs, gradients } = await side.inputGradients(wide(x), inType(weights, 'float64'));
      const converted = [...gradients].map(([name, array]) => [name, inType(array, precision)] as const);
      return { outputs: inType(outputs, precision), gradients: new Map(converted) };
    },
    trainSteps: (batches) => side.trainSteps(batches.map(({ x, y }) => ({ x: wide(x), y }))),
    read: async () => {
      const { weights, moments, iterations } = await side.read();
      return { weights: given(weights), moments: given(moments), iterations };
    },
    write: (state) => side.write(state),
  };
}

function inType(array: NdArray, dtype: 'float32' | 'float64'): NdArray {
  const converted = zeros(dtype, array.shape);
  converted.data.set(array.data as Float64Array);
  return converted;
}
