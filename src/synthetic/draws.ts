import type { RandomState } from '../lib/numpy/random.ts';

/** Uniform number of [low, high). */
export function uniform(random: RandomState, low: number, high: number): number {
  return low + (high - low) * random.randomSample();
}

/** Normal deviate with mean 0 and standard deviation 1 (Box and Muller). */
export function normal(random: RandomState): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.randomSample()));
  return radius * Math.cos(2 * Math.PI * random.randomSample());
}

/** One of the keys, with a probability in proportion to its weight. */
export function pick<T extends string>(random: RandomState, weights: Readonly<Record<T, number>>): T {
  const keys = Object.keys(weights) as T[];
  const total = keys.reduce((sum, key) => sum + weights[key], 0);
  let left = random.randomSample() * total;
  for (const key of keys) {
    left -= weights[key];
    if (left < 0) return key;
  }
  return keys[keys.length - 1]!;
}
