import type { OriginalNetwork } from '../../../bridge/original_network.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { networkBatches } from '../../batches.ts';
import { exactly, type Pair, type Row } from '../../closeness.ts';
import { casesOf, networks } from '../../networks/compared.ts';
import { type PortNetwork, withBoth } from '../../networks/sides.ts';
import type { Suite } from '../../suite.ts';

/** Initial values of the variables of one kind and shape; at most about {@link most} per side. */
interface Draws {
  readonly kind: string;
  readonly port: Float32Array;
  readonly original: Float32Array;
}

/**
 * Critical value and mean of the Kolmogorov–Smirnov statistic, √(n/2) times the largest distance between the distributions of n values
 * each. The probability that two samples of the same distribution fail a row, and the seeds, were fixed in advance.
 */
const level = 1e-4;
const critical = Math.sqrt(-Math.log(level / 2) / 2);
const meanStatistic = 0.8687;
/** Number of standard errors by which a mean, a standard deviation or a count may differ; 5 occur by chance once in 1.7 million figures. */
const standardErrors = 5;
/** Largest number of values per kind and side. More would detect differences that do not matter to training. */
const most = 200_000;

const chosen = networks.filter(
  ({ task, leads, multiLabel, stages }) =>
    stages !== undefined || task === 'cpc' || (task === 'finetuning' && leads === 12 && !multiLabel),
);

/** Initial values of the weights: constants to the last bit, random ones by their distribution. */
export const initialisers: Suite = {
  name: 'initialisers',
  summary: 'first values of every kind of layer: constants (bits), draws by moments and Kolmogorov–Smirnov',
  cases: casesOf(
    async ({ original, data, seed }, network) => {
      const [batch] = networkBatches(data, network, 1, seed);
      const kind = { ...network, precision: 'float32', seed } as const;
      const compare = async (port: PortNetwork, theirs: OriginalNetwork): Promise<Row[]> => {
        const [ours, { weights }] = [(await port.read()).weights, await theirs.read()];
        return initialRows(port.names.map((name, i) => ({ name, port: ours[i], original: weights[i] })));
      };
      return withBoth(original, batch, kind, 'float32', compare, seed);
    },
    { chosen },
  ),
};

/** Rows about initial values. `pairs` are float32. */
export function initialRows(pairs: readonly Pair[]): Row[] {
  const constants = pairs.filter(({ original }) => isConstant(original));
  const groups = new Map<string, { port: Float32Array[]; original: Float32Array[] }>();
  for (const { name, port, original } of pairs.filter((pair) => !isConstant(pair.original))) {
    const kind = kindOf(name, original.shape);
    const group = groups.get(kind) ?? { port: [], original: [] };
    group.port.push(port.data as Float32Array);
    group.original.push(original.data as Float32Array);
    groups.set(kind, group);
  }
  const draws = [...groups].map(([kind, { port, original }]): Draws => {
    return { kind, port: thinned(port), original: thinned(original) };
  });
  return [
    exactly('initialisers', `${constants.length} constant weights`, constants),
    ...draws.flatMap(drawRows),
    edgeRow('all draws', draws),
  ];
}

function isConstant({ data }: NdArray): boolean {
  return data.every((value: number | bigint) => value === data[0]);
}

/** The kind of layer and the shape: variables that share both follow the same distribution. */
function kindOf(name: string, shape: readonly number[]): string {
  const layer = name
    .split('/')
    .at(-3)!
    .replace(/_?\d+$/, '');
  const kinds: Record<string, string> = { conv: 'convolution', proj_conv: 'projection', attn_pooling: 'pool token' };
  return `${kinds[layer] ?? layer} (${shape.join(', ')})`;
}

function drawRows(draws: Draws): Row[] {
  const { kind, port: ours, original: theirs } = draws;
  const common = {
    suite: 'initialisers',
    rung: 'outcome',
    kind: 'close',
    values: ours.length + theirs.length,
  } as const;
  const scale = Math.sqrt(ours.length / 2);
  const distance = kolmogorovSmirnov(ours, theirs);
  const [a, b] = [momentsOf(ours), momentsOf(theirs)];
  const mean = Math.abs(a.mean - b.mean) / Math.hypot(a.meanError, b.meanError);
  const deviation = Math.abs(a.deviation - b.deviation) / Math.hypot(a.deviationError, b.deviationError);
  const off = Math.max(mean, deviation);
  return [
    {
      ...common,
      name: `${kind}: distribution`,
      passed: distance * scale <= critical,
      difference: distance,
      limit: critical / scale,
      noise: meanStatistic / scale,
      reason: `largest distance of two samples of one law (Kolmogorov–Smirnov, level ${level}); the noise is its mean`,
    },
    {
      ...common,
      name: `${kind}: mean and standard deviation`,
      passed: off <= standardErrors,
      difference: off,
      limit: standardErrors,
      noise: 1,
      reason: 'in standard errors of the difference of two samples of one law',
    },
    edgeRow(kind, [draws]),
  ];
}

/**
 * How many values of each side lie in the outermost thousandth, below and above, of their kind's range (the largest magnitude on either
 * side). All kinds are counted together, because a single one may have few values there.
 */
function edgeRow(title: string, groups: readonly Draws[]): Row {
  const counts = { port: [0, 0], original: [0, 0] };
  let values = 0;
  for (const { port, original } of groups) {
    let largest = 0;
    for (const side of [port, original]) for (const value of side) largest = Math.max(largest, Math.abs(value));
    for (const [name, side] of Object.entries({ port, original }) as ['port' | 'original', Float32Array][]) {
      counts[name][0] += side.filter((value) => value <= -0.999 * largest).length;
      counts[name][1] += side.filter((value) => value >= 0.999 * largest).length;
      values += side.length;
    }
  }
  const ends = counts.port.map((ours, end) => {
    const theirs = counts.original[end];
    return ours === theirs ? 0 : Math.abs(ours - theirs) / Math.sqrt(ours + theirs);
  });
  const off = Math.max(...ends);
  return {
    suite: 'initialisers',
    rung: 'outcome',
    kind: 'close',
    name: `${title}: values in the outermost thousandth of the range`,
    passed: off <= standardErrors,
    difference: off,
    limit: standardErrors,
    noise: 1,
    reason: 'in standard errors of the difference of two counts, at the end where it is larger; all laws are bounded',
    values,
  };
}

/** All values, or about {@link most} of them at equal intervals. */
function thinned(parts: readonly Float32Array[]): Float32Array {
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const stride = Math.ceil(total / most);
  const kept = parts.map((part) => (stride === 1 ? part : part.filter((_, i) => i % stride === 0)));
  const all = new Float32Array(kept.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of kept) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Largest distance between the distribution functions of two samples; NaN if one holds NaN. */
export function kolmogorovSmirnov(a: Float32Array, b: Float32Array): number {
  if (a.some(Number.isNaN) || b.some(Number.isNaN)) return Number.NaN;
  const [left, right] = [a.toSorted(), b.toSorted()];
  let [i, j, largest] = [0, 0, 0];
  while (i < left.length && j < right.length) {
    const value = Math.min(left[i], right[j]);
    while (i < left.length && left[i] === value) i++;
    while (j < right.length && right[j] === value) j++;
    largest = Math.max(largest, Math.abs(i / left.length - j / right.length));
  }
  return largest;
}

/** Mean and standard deviation with their standard errors. */
function momentsOf(values: Float32Array): {
  mean: number;
  meanError: number;
  deviation: number;
  deviationError: number;
} {
  const count = values.length;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / count;
  let [second, fourth] = [0, 0];
  for (const value of values) {
    const square = (value - mean) ** 2;
    second += square / count;
    fourth += square ** 2 / count;
  }
  const deviation = Math.sqrt(second);
  const deviationError = Math.sqrt((fourth - second ** 2) / count) / (2 * deviation);
  return { mean, meanError: deviation / Math.sqrt(count), deviation, deviationError };
}
