import { expect, it } from 'vitest';

it('typed arrays with equal bytes are equal, wherever they lie', () => {
  const all = Float32Array.from([0, 1, Number.NaN, -0]);
  expect(all.slice(1)).toEqual(all.subarray(1));
  expect({ data: [all] }).toStrictEqual({ data: [all.slice()] });
});

it.each([
  ['an element', Float32Array.of(1, 2), Float32Array.of(1, 3)],
  ['a sign of zero', Float32Array.of(0), Float32Array.of(-0)],
  ['the length', Float32Array.of(1), Float32Array.of(1, 0)],
  ['the type', new Int32Array(2), new Uint32Array(2)],
  ['the last of many', new Float64Array(1e5), new Float64Array(1e5).fill(1e-300, -1)],
])('typed arrays that differ in %s are not equal', (_, a, b) => {
  expect(a).not.toEqual(b);
  expect([a]).not.toStrictEqual([b]);
});

it('an array and a typed array are not equal', () => {
  expect([1, 2]).not.toEqual(Float32Array.of(1, 2));
});
