import { describe, expect, it } from 'vitest';
import { studentCumulative, studentQuantile } from '../../../src/compare/statistics/student.ts';

describe('studentQuantile', () => {
  // scipy.stats.t.ppf
  it.each([
    [0.975, 1, 12.706204736432095],
    [0.95, 4, 2.131846786326649],
    [0.975, 4, 2.7764451051977987],
    [0.975, 9, 2.2621571628540993],
    [0.995, 30, 2.7499956535670305],
    [0.9, 1000, 1.2823987214609247],
  ])('of %f with %i degrees of freedom is that of SciPy', (probability, freedom, expected) => {
    expect(studentQuantile(probability, freedom)).toBeCloseTo(expected, 9);
    expect(studentQuantile(1 - probability, freedom)).toBeCloseTo(-expected, 9);
  });

  it('is the inverse of the cumulative distribution', () => {
    expect(studentCumulative(studentQuantile(0.83, 7), 7)).toBeCloseTo(0.83, 11);
    expect(studentQuantile(0.5, 3)).toBeCloseTo(0, 11);
  });

  it.each([
    [0, 3],
    [1, 3],
    [Number.NaN, 3],
    [0.5, 0],
  ])('refuses probability %f with %i degrees of freedom', (probability, freedom) => {
    expect(() => studentQuantile(probability, freedom)).toThrow(RangeError);
  });
});
