import { describe, expect, it } from 'vitest';
import { initialRows, kolmogorovSmirnov } from '../../../../src/compare/suites/initialisers/suite.ts';
import { glorotUniform, truncatedNormal, varianceScaling, zeros } from '../../../../src/graph/initializers.ts';
import type { Initializer } from '../../../../src/graph/variable.ts';
import type { NdArray } from '../../../../src/lib/numpy/ndarray.ts';

const kernel = 'layers/res_net/blocks/residual_block/conv1/vars/0';
const shape = [7, 16, 64];

function draw(initializer: Initializer, seed: number): NdArray {
  return initializer({ name: kernel, shape, dtype: 'float32' }, seed);
}

function passed(port: NdArray, original: NdArray): boolean[] {
  // A comparison without constants would fail for want of values.
  const constant = zeros({ name: 'bias', shape: [4], dtype: 'float32' }, 0);
  const pairs = [
    { name: 'layers/res_net/bn1/vars/1', port: constant, original: constant },
    { name: kernel, port, original },
  ];
  return initialRows(pairs).map((row) => row.passed);
}

const sigma = Math.sqrt(1 / (7 * 16));

describe('comparison of first values', () => {
  it('passes two samples of one law, and names layer and shape', () => {
    expect(passed(draw(varianceScaling, 1), draw(varianceScaling, 2))).toEqual([true, true, true, true, true]);
    const rows = initialRows([{ name: kernel, port: draw(varianceScaling, 1), original: draw(varianceScaling, 2) }]);
    expect(rows[1].name).toBe('convolution (7, 16, 64): distribution');
    expect(rows[1].limit).toBeLessThanOrEqual(10 * rows[1].noise!);
  });

  it.each<[string, Initializer]>([
    ['a standard deviation that is 10 % off', truncatedNormal((1.1 * sigma) / 0.87962566103423978)],
    ['the standard deviation before the cut', truncatedNormal(sigma)],
    ['the law of another layer', glorotUniform],
    ['zeros', zeros],
  ])('fails on %s', (_title, initializer) => {
    expect(passed(draw(initializer, 1), draw(varianceScaling, 2)).slice(1)).not.toEqual([true, true, true, true]);
  });

  it('fails on a range that is a thousandth too small', () => {
    const weight = { name: kernel, shape: [256, 256], dtype: 'float32' } as const;
    const [port, original] = [1, 2].map((seed) => glorotUniform(weight, seed));
    const shrunk = { ...port, data: (port.data as Float32Array).map((value) => value * 0.999) };
    expect(passed(port, original)).toEqual([true, true, true, true, true]);
    expect(passed(shrunk, original)).toEqual([true, true, true, false, false]);
  });

  it('fails on a range that is a thousandth too small in many kinds of few values', () => {
    const shapes = Array.from({ length: 16 }, (_, i) => [64, 64 + i]);
    const rows = (factor: number) => {
      const pairs = shapes.map((shape, i) => {
        const [port, original] = [1, 2].map((seed) =>
          glorotUniform({ name: kernel, shape, dtype: 'float32' }, 10 * i + seed),
        );
        const data = (port.data as Float32Array).map((value) => value * factor);
        return { name: kernel, port: { ...port, data } as NdArray, original };
      });
      return initialRows(pairs)
        .slice(1)
        .filter((row) => !row.passed)
        .map(({ name }) => name);
    };
    expect(rows(1)).toEqual([]);
    expect(rows(0.999)).toEqual(['all draws: values in the outermost thousandth of the range']);
  });

  it('fails on another constant', () => {
    const port: NdArray = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 1) };
    const original: NdArray = { dtype: 'float32', shape: [2], data: Float32Array.of(0, 0) };
    expect(initialRows([{ name: 'layers/res_net/bn1/vars/0', port, original }])[0].passed).toBe(false);
  });

  it('kolmogorovSmirnov: worked examples', () => {
    expect(kolmogorovSmirnov(Float32Array.of(1, 2, 3, 4), Float32Array.of(3, 4, 5, 6))).toBe(0.5);
    expect(kolmogorovSmirnov(Float32Array.of(2, 1), Float32Array.of(1, 2))).toBe(0);
    expect(kolmogorovSmirnov(Float32Array.of(1), Float32Array.of(Number.NaN))).toBeNaN();
  });
});
