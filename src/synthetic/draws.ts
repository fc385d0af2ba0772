import type { RandomState } from '../lib/numpy/random.ts';

/** Uniform random number in [low, high). */
export function uniform(random: RandomState, low: number, high: number): number {
  return low + (high - low) * random.randomSample();
}

/** Standard normal random number (Box–Muller). */
export function normal(random: RandomState): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.randomSample()));
  return radius * Math.cos(2 * Math.PI * random.randomSample());
}

/** Draws one of the keys with a probability proportional to its weight. */
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
