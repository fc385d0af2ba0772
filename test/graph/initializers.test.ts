import { describe, expect, it } from 'vitest';
import { glorotUniform, ones, truncatedNormal, varianceScaling, zeros } from '../../src/graph/initializers.ts';
import { Generator } from '../../src/graph/random.ts';
import type { Initializer } from '../../src/graph/variable.ts';

const draw = (initializer: Initializer, shape: number[], name = 'a', seed = 1): number[] =>
  Array.from(initializer({ name, shape, dtype: 'float64' }, seed).data, Number);

/** Cumulative distribution of the standard normal cut at ±2, by Simpson's rule. */
function truncatedNormalCdf(z: number): number {
  const integral = (end: number): number => {
    const pieces = 400;
    const width = (end + 2) / pieces;
    let sum = 0;
    for (let i = 0; i <= pieces; i++) {
      const t = -2 + i * width;
      sum += Math.exp((-t * t) / 2) * (i === 0 || i === pieces ? 1 : i % 2 === 1 ? 4 : 2);
    }
    return (sum * width) / 3;
  };
  return integral(z) / integral(2);
}

/** Largest distance between the empirical distribution and `cdf`. */
function kolmogorovSmirnov(values: readonly number[], cdf: (value: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.max(
    ...sorted.map((value, i) => {
      const p = cdf(value);
      return Math.max(Math.abs(p - i / sorted.length), Math.abs(p - (i + 1) / sorted.length));
    }),
  );
}

// At 20,000 draws the distance exceeds 1.95/√n in one of a thousand experiments; the seeds are fixed.
const size = 20_000;
const limit = 1.95 / Math.sqrt(size);

describe('initializers', () => {
  it('keras.initializers.VarianceScaling', () => {
    const sigma = Math.sqrt(1 / (5 * 40)) / 0.87962566103423978;
    const values = draw(varianceScaling, [5, 40, 100]);
    expect(kolmogorovSmirnov(values, (value) => truncatedNormalCdf(value / sigma))).toBeLessThan(limit);
    const variance = values.reduce((sum, value) => sum + value * value, 0) / size;
    // The law's variance is 1 / fan-in; the relative standard error is about 0.8 %.
    expect(Math.abs(variance * 200 - 1)).toBeLessThan(0.03);
  });

  it('keras.initializers.GlorotUniform', () => {
    const bound = Math.sqrt(6 / 300);
    const values = draw(glorotUniform, [100, 200]);
    expect(kolmogorovSmirnov(values, (value) => (value / bound + 1) / 2)).toBeLessThan(limit);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
  });

  it('keras.initializers.TruncatedNormal', () => {
    const values = draw(truncatedNormal(1), [size]);
    expect(kolmogorovSmirnov(values, truncatedNormalCdf)).toBeLessThan(limit);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(2);
  });

  it('keras.initializers.Zeros and Ones', () => {
    expect(draw(zeros, [3])).toEqual([0, 0, 0]);
    expect(draw(ones, [2])).toEqual([1, 1]);
    expect(zeros({ name: 'n', shape: [], dtype: 'int64' }, 0).data).toEqual(BigInt64Array.of(0n));
  });

  it('depend on seed and name, and on nothing else', () => {
    const first = draw(varianceScaling, [3, 4, 5]);
    expect(draw(varianceScaling, [3, 4, 5])).toEqual(first);
    expect(draw(varianceScaling, [3, 4, 5], 'b')).not.toEqual(first);
    expect(draw(varianceScaling, [3, 4, 5], 'a', 2)).not.toEqual(first);
  });
});

describe('Generator', () => {
  it('is xoshiro128**: the reference recurrence from the same state', () => {
    const generator = new Generator(5, 'check');
    const state = stateOf(5, 'check');
    for (let i = 0; i < 1000; i++) expect(generator.bits()).toBe(Number(next(state)));
  });
});

const mask = 0xffffffffn;

/** State after seeding, in exact integers. */
function stateOf(seed: number, stream: string): bigint[] {
  let hash = 0x811c9dc5n;
  for (const byte of new TextEncoder().encode(`${seed}/${stream}`)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & mask;
  return Array.from({ length: 4 }, () => {
    hash = (hash + 0x9e3779b9n) & mask;
    let mixed = ((hash ^ (hash >> 16n)) * 0x21f0aaadn) & mask;
    mixed = ((mixed ^ (mixed >> 15n)) * 0x735a2d97n) & mask;
    return mixed ^ (mixed >> 15n);
  });
}

/** One step of xoshiro128** as published by Blackman and Vigna. */
function next(s: bigint[]): bigint {
  const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask;
  const result = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
  const shifted = (s[1] << 9n) & mask;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate(s[3], 11n);
  return result;
}
