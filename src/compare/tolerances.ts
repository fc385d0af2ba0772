import type { Arch } from '../port/finetuning/utils.ts';
import type { Tolerance } from './closeness.ts';
import measured from './noise.json' with { type: 'json' };
import type { TaskName } from './suite.ts';

/** What is compared of a network's step. */
export const quantities = {
  activations: { what: 'outputs of the layers' },
  outputs: { what: 'probabilities or logits' },
  // A loss near 0 has the absolute rounding error of its logits.
  losses: { what: 'losses', floor: 0.01 },
  gradients: { what: 'gradients', floor: 1e-3 },
  inputGradients: { what: 'gradients of an output with respect to the recordings, and integrated gradients' },
  updates: { what: 'changes of the weights in a teacher-forced step', floor: 1e-3 },
  moments: { what: "Adam's moments after a teacher-forced step", floor: 1e-3 },
  statistics: { what: 'moving averages of batch normalisation after a teacher-forced step' },
  freeLosses: { what: 'ten free-running losses', floor: 0.01 },
  freeWeights: { what: 'weights after ten free-running steps', floor: 1e-3 },
} as const satisfies Record<string, { what: string; floor?: number }>;
export type Quantity = keyof typeof quantities;

/** The limits of one network in one precision. */
export type Limits = Readonly<Record<Exclude<Quantity, keyof FreeLimits>, Tolerance>>;

/** The limits of free-running steps. */
export type FreeLimits = Readonly<Record<'freeLosses' | 'freeWeights', Tolerance>>;

/**
 * Networks that share limits: a classifier, or contrastive predictive coding with its transformer; on resnet18, or on resnet34 and
 * resnet50, whose depth amplifies rounding.
 */
export type Family = `${'resnet18' | 'deeper'} ${'classifier' | 'cpc'}`;

/** Families by name, with the noise that `scripts/measure_noise.ts` has found. */
export const families = Object.keys(measured.noise) as readonly Family[];

type Measured = Record<Family, Record<'float32' | 'float64', Partial<Record<Quantity, number>>>>;
const noise = measured.noise as Measured;

/** How the original differs from itself where the order of the records changes no bit: in inference mode. */
const inLastPlace = 'from weights one unit in the last place off';

/** Ratio of limit to noise. It leaves room for other processors, thread counts, networks and recordings, whose noise differs. */
const factors = { float64: 10, float32: 5 } as const;

/** Upper bound of every limit. At 1, a side that does nothing would pass. */
const highest = 0.5;

/** The properties of a network on which its limits depend. Default: finetuning of resnet18. */
export interface Limited {
  readonly arch?: Arch;
  readonly task?: TaskName;
}

/** The family of a network. */
export function familyOf({ arch = 'resnet18', task }: Limited): Family {
  return `${arch === 'resnet18' ? arch : 'deeper'} ${task === 'cpc' ? task : 'classifier'}`;
}

/**
 * Limits of a step of a network. Free-running training has no limit in float32, because it is chaotic: the report shows it beside its
 * noise, without a verdict.
 */
export function limitsOf(network: Limited, precision: 'float32' | 'float64'): Limits {
  return familyLimits(familyOf(network), precision) as Limits;
}

/**
 * Limits of ten free-running steps of a network in float64. How far rounding propagates depends on the start. `here`, the noise measured
 * from the same start, replaces the family's noise where it is larger.
 */
export function freeLimitsOf(network: Limited, here?: Readonly<Record<keyof FreeLimits, number>>): FreeLimits {
  const limits = familyLimits(familyOf(network), 'float64') as FreeLimits;
  if (!here) return limits;
  const { freeLosses, freeWeights } = limits;
  return {
    freeLosses: raised('freeLosses', freeLosses, here.freeLosses),
    freeWeights: raised('freeWeights', freeWeights, here.freeWeights),
  };
}

function raised(quantity: Quantity, tolerance: Tolerance, noise: number): Tolerance {
  if (!Number.isFinite(noise) || noise <= tolerance.noise) return tolerance;
  const limit = Math.min(rounded(factors.float64 * noise), highest);
  const how = 'records in another order, weights one unit in the last place off';
  const what = quantities[quantity].what;
  const reason = `${what}: the original in float64 against itself, measured in this run from the same start (${how})`;
  return { ...tolerance, noise, limit, reason };
}

/** Limits of a family, for every quantity that has a noise. */
export function familyLimits(family: Family, precision: 'float32' | 'float64'): Partial<Limits & FreeLimits> {
  const values = precision === 'float32' ? shared(noise[family].float32) : noise[family].float64;
  const found = Object.entries(values) as [Quantity, number][];
  return Object.fromEntries(found.map(([quantity, value]) => [quantity, toleranceOf(quantity, precision, value)]));
}

/**
 * In float32, gradients (with respect to weights and to recordings) and moments all get the largest noise of the three, and updates get at least as
 * much. The noise comes from single roundings that turn a ReLU on or off: rare events that affect one measurement and not the other.
 */
function shared(measured: Partial<Record<Quantity, number>>): Partial<Record<Quantity, number>> {
  const { gradients = 0, inputGradients = 0, updates = 0, moments = 0 } = measured;
  const flips = Math.max(gradients, inputGradients, moments);
  return { ...measured, gradients: flips, inputGradients: flips, moments: flips, updates: Math.max(flips, updates) };
}

function toleranceOf(quantity: Quantity, precision: 'float32' | 'float64', value: number): Tolerance {
  const { what, floor } = quantities[quantity] as { what: string; floor?: number };
  const common = { rung: precision, noise: value, ...(floor === undefined ? {} : { floor }) } as const;
  const limit = Math.min(rounded(factors[precision] * value), highest);
  if (precision === 'float32') {
    return { ...common, norm: 'l2', limit, reason: `${what}: the original in float32 against itself in float64` };
  }
  const how = quantity === 'inputGradients' ? inLastPlace : 'with the records of each batch in another order';
  const reason = `${what}: the original in float64 against itself ${how}`;
  return { ...common, limit, reason };
}

/** Rounded to two digits, so that a report shows the exact limit. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

/**
 * Limits of learning rates, relative to the highest one.
 *
 * @param noise distance of Keras's rates in float32 from its own in float64.
 */
export function rateLimits(noise: number): Readonly<Record<'float32' | 'float64', Tolerance>> {
  const single = 'learning rates: Keras in float32 against itself in float64, measured in this run';
  const double = 'learning rates: one unit in the last place of the highest one';
  const ulp = 2 ** -52;
  return {
    float32: { rung: 'float32', noise, limit: Math.min(rounded(factors.float32 * noise), 1e-6), reason: single },
    float64: { rung: 'float64', noise: ulp, limit: rounded(factors.float64 * ulp), reason: double },
  };
}

/**
 * Limit of single operations.
 *
 * @param noiseBy distance of TensorFlow from itself, as the limit measures it: in float32 from float64, in float64 from inputs one unit in the last
 *   place off.
 */
export function operationLimit(precision: 'float32' | 'float64', noiseBy: (limit: Tolerance) => number): Tolerance {
  const what = 'single operations and their gradients: TensorFlow';
  const [highest, how] = {
    float64: [
      1e-12,
      { rung: precision, reason: `${what} in float64 against itself from inputs one unit in the last place off` },
    ],
    float32: [1e-5, { rung: precision, norm: 'l2', reason: `${what} in float32 against itself in float64` }],
  }[precision] as [number, Omit<Tolerance, 'noise' | 'limit'>];
  const noise = noiseBy({ ...how, noise: 0, limit: 0 });
  return { ...how, noise, limit: Math.min(rounded(factors[precision] * noise), highest) };
}

/** Largest limit in float64 where the noise is that of sums in another order alone. */
const highestOfSums = 1e-12;

/**
 * Limits of a network whose gradients of filters are computed as one product for each tap. That changes nothing but the order of sums over the
 * samples of the batch, so they derive from the noise of that order, on the same network.
 */
export const tapLimits = {
  float64: tapLimitsIn('float64'),
  float32: tapLimitsIn('float32'),
};

function tapLimitsIn(precision: 'float32' | 'float64'): Pick<Limits, 'losses' | 'gradients'> {
  const { losses, gradients } = measured.taps.noise[precision];
  return { losses: tapLimit('losses', precision, losses), gradients: tapLimit('gradients', precision, gradients) };
}

function tapLimit(quantity: 'losses' | 'gradients', precision: 'float32' | 'float64', value: number): Tolerance {
  const found = toleranceOf(quantity, precision, value);
  const limit = precision === 'float64' ? Math.min(found.limit, highestOfSums) : found.limit;
  return { ...found, limit, reason: `${found.reason}, on this network` };
}

/** What the suite `replicas` compares. */
export const replicaQuantities = {
  weights: { what: 'weights on each device after each of four free-running steps', floor: 1e-3 },
  statistics: { what: 'moving averages of batch normalisation on each device, and their means' },
  moments: { what: "Adam's moments after each step", floor: 1e-3 },
  figures: { what: 'losses and accuracies of epochs and of validation' },
  outputs: { what: 'probabilities' },
} as const satisfies Record<keyof typeof measured.replicas.noise, { what: string; floor?: number }>;
type ReplicaQuantity = keyof typeof replicaQuantities;

/** Limits of the suite `replicas`, in float64, never above 1e-12. */
export const replicaLimits = Object.fromEntries(
  Object.entries(measured.replicas.noise).map(([name, value]) => [name, replicaLimit(name as ReplicaQuantity, value)]),
) as Readonly<Record<ReplicaQuantity, Tolerance>>;

function replicaLimit(quantity: ReplicaQuantity, value: number): Tolerance {
  const { what, floor } = replicaQuantities[quantity] as { what: string; floor?: number };
  const limit = Math.min(rounded(factors.float64 * value), highestOfSums);
  const reason = `${what}: tf_keras in float64 against itself with the samples of each part in reverse order`;
  return { rung: 'float64', noise: value, limit, reason, ...(floor === undefined ? {} : { floor }) };
}
