import { describe, expect, it } from 'vitest';
import { pairedDifference, summarise } from '../../../src/compare/statistics/trials.ts';

describe('summarise', () => {
  it('divides by n - 1', () => {
    expect(summarise([1, 2, 3, 4])).toEqual({ trials: 4, mean: 2.5, std: Math.sqrt(5 / 3) });
  });

  it('knows no spread of one trial', () => {
    expect(summarise([0.7]).std).toBeNaN();
  });

  it.each([[[]], [[0.5, Number.NaN]]])('refuses %j', (values) => {
    expect(() => summarise(values)).toThrow(RangeError);
  });
});

describe('pairedDifference', () => {
  const margin = 0.01;
  const random = [0.7, 0.72, 0.71, 0.73, 0.69];
  const plus = (...differences: number[]): number[] => random.map((value, i) => value + differences[i]);

  it('has the interval of a paired t test', () => {
    // scipy.stats.ttest_rel(a, b).confidence_interval()
    const found = pairedDifference(plus(0.01, 0.03, 0.02, 0.05, 0.04), random, { margin });
    expect(found.mean).toBeCloseTo(0.03, 12);
    expect(found.low).toBeCloseTo(0.010367568385224393, 9);
    expect(found.high).toBeCloseTo(0.04963243161477561, 9);
  });

  it.each([
    [[0.04, 0.05, 0.04, 0.05, 0.04], 'higher by more than the margin'],
    [[0.01, 0.02, 0.01, 0.02, 0.005], 'higher'],
    [[-0.04, -0.05, -0.04, -0.05, -0.04], 'lower by more than the margin'],
    [[-0.01, -0.02, -0.01, -0.02, -0.005], 'lower'],
    [[0.001, -0.001, 0.002, 0, 0.001], 'equal within the margin'],
    [[0.05, -0.04, 0.03, -0.05, 0.02], 'open'],
  ])('says of %j: %s', (differences, conclusion) => {
    expect(pairedDifference(plus(...differences), random, { margin }).conclusion).toBe(conclusion);
  });

  it('says nothing on fewer than five trials, however clear they are', () => {
    const found = pairedDifference([0.9, 0.91, 0.9, 0.91], [0.1, 0.11, 0.1, 0.1], { margin });
    expect(found.conclusion).toBe('too few trials');
    expect(pairedDifference([0.9], [0.1], { margin })).toMatchObject({ low: -Infinity, high: Infinity });
  });

  it('refuses sides that are no pairs', () => {
    expect(() => pairedDifference([1, 2], [1], { margin })).toThrow('2 and 1 trials cannot be paired');
  });
});
