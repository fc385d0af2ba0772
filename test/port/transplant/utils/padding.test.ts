import { expect, it } from 'vitest';
import { padRow } from '../../../../src/port/transplant/utils/padding.ts';

it.each([
  ['pre', 5, [0, 0, 1, 2, 3]],
  ['pre', 2, [2, 3]],
  ['post', 5, [1, 2, 3, 0, 0]],
  ['post', 2, [1, 2]],
] as const)('padRow (%s) writes three values into a row of %i', (padding, length, expected) => {
  const row = new Float32Array(length);
  padRow(Float64Array.of(1, 2, 3), row, padding);
  expect([...row]).toEqual(expected);
});
