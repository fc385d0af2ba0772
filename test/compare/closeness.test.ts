import { describe, expect, it } from 'vitest';
import { closely, differences, exactly, type Pair, sameText, vector } from '../../src/compare/closeness.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';

const pair = (port: NdArray, original: NdArray): Pair[] => [{ name: 'a', port, original }];
const f32 = (...values: number[]): NdArray => ndarray('float32', [values.length], Float32Array.from(values));
const tolerance = { rung: 'float32' as const, limit: 1e-3, noise: 1e-4, reason: 'test' };

describe('exactly', () => {
  it('passes equal bits, NaN included, and counts the values', () => {
    expect(exactly('s', 'n', pair(f32(1, Number.NaN, -0), f32(1, Number.NaN, -0)))).toMatchObject({
      passed: true,
      values: 3,
      difference: 0,
    });
  });

  it.each([
    ['one unit in the last place', f32(1, 2), f32(1, 2.000000238418579), /^1$/],
    ['the sign of zero', f32(0), f32(-0), /^0$/],
  ])('fails on %s', (_title, port, original) => {
    const row = exactly('s', 'n', pair(port, original));
    expect(row).toMatchObject({ passed: false, difference: 1 });
    expect(row.worst?.index).toEqual([port.shape[0] - 1]);
  });

  it('reports the ulps between neighbouring floats', () => {
    expect(exactly('s', 'n', pair(f32(2), f32(2.000000238418579))).worst?.ulps).toBe(1);
    expect(exactly('s', 'n', pair(vector([5e-324]), vector([-5e-324]))).worst?.ulps).toBe(2);
  });

  it.each([
    ['shape', ndarray('float32', [1, 2], new Float32Array(2)), ndarray('float32', [2], new Float32Array(2))],
    ['dtype', ndarray('int32', [2], new Int32Array(2)), ndarray('float32', [2], new Float32Array(2))],
    ['emptiness', f32(), f32()],
  ])('fails on %s', (_title, port, original) => {
    expect(exactly('s', 'n', pair(port, original)).passed).toBe(false);
  });

  it('fails on nothing at all', () => {
    expect(exactly('s', 'n', []).passed).toBe(false);
  });
});

describe('closely', () => {
  it('measures in the scale of the original array', () => {
    const row = closely('s', 'n', pair(f32(1000, 0.5), f32(1000, 0)), tolerance);
    expect(row.passed).toBe(true);
    expect(row.difference).toBeCloseTo(5e-4, 10);
    expect(closely('s', 'n', pair(f32(1, 0.5), f32(1, 0)), tolerance)).toMatchObject({
      passed: false,
      worst: { index: [1] },
    });
  });

  it.each(['max', 'l2'] as const)(
    '%s: an array that holds only rounding is measured against its neighbours',
    (norm) => {
      const pairs: Pair[] = [
        { name: 'kernel', port: f32(1000, -1000), original: f32(1000, -1000) },
        { name: 'bias', port: f32(3e-4, 1e-4), original: f32(1e-4, 1e-4) },
      ];
      expect(closely('s', 'n', pairs, { ...tolerance, norm }).passed).toBe(false);
      expect(closely('s', 'n', pairs, { ...tolerance, norm, floor: 1e-3 })).toMatchObject({ passed: true });
      const found = differences(pairs, { ...tolerance, norm, floor: 1e-3 });
      expect(found.map(({ name }) => name)).toEqual(['kernel', 'bias']);
      expect(found[1].difference).toBeCloseTo(norm === 'max' ? 2e-4 : Math.SQRT2 * 1e-4, 6);
      const large = [{ name: 'kernel', port: f32(1000), original: f32(1002) }];
      expect(closely('s', 'n', large, { ...tolerance, norm, floor: 1e-3 }).passed).toBe(false);
    },
  );

  it('takes the worst of several arrays and names it', () => {
    const row = closely(
      's',
      'n',
      [...pair(f32(1), f32(1)), { name: 'b', port: f32(1.5), original: f32(1) }],
      tolerance,
    );
    expect(row).toMatchObject({ passed: false, values: 2, worst: { array: 'b' } });
  });

  it.each([
    ['NaN in the port', [Number.NaN], [1]],
    ['NaN in the original', [1], [Number.NaN]],
    ['NaN in both', [Number.NaN], [Number.NaN]],
    ['infinity in both', [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]],
    ['opposite infinities', [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]],
  ])('never passes %s', (_title, port, original) => {
    expect(closely('s', 'n', pair(f32(...port), f32(...original)), tolerance).passed).toBe(false);
  });

  it('passes the same non-finite value on both sides where the tolerance says so', () => {
    const lenient = { ...tolerance, allowNonFinite: true };
    expect(closely('s', 'n', pair(f32(Number.NaN, 1), f32(Number.NaN, 1)), lenient).passed).toBe(true);
    expect(closely('s', 'n', pair(f32(Number.NaN), f32(Number.POSITIVE_INFINITY)), lenient).passed).toBe(false);
  });
});

describe('sameText', () => {
  it('names the first line that differs', () => {
    expect(sameText('s', 'n', 'a\nb\n', 'a\nb\n').passed).toBe(true);
    expect(sameText('s', 'n', 'a\nb\n', 'a\r\nb\n')).toMatchObject({ passed: false, note: 'line 1 differs' });
    expect(sameText('s', 'n', '', '').passed).toBe(false);
  });
});
