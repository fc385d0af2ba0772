import { describe, expect, it } from 'vitest';
import { compareRounds, median } from '../../src/bench/statistics.ts';

describe('median', () => {
  it('is the middle value, or the mean of the two middle ones', () => {
    expect(median([3, 1, 10])).toBe(3);
    expect(median([4, 1, 10, 2])).toBe(3);
  });

  it('refuses nothing and NaN', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => median([1, Number.NaN, 2])).toThrow('a median needs numbers; got [1, NaN, 2]');
  });
});

describe('compareRounds', () => {
  it('divides the medians, and ranges over the rounds', () => {
    const { port, original, ratio, ratioRange } = compareRounds([1, 2, 9], [4, 5, 6]);
    expect([port, original, ratio]).toEqual([2, 5, 0.4]);
    expect(ratioRange).toEqual([0.25, 1.5]);
  });

  it('has no ratio without an original', () => {
    expect(compareRounds([2, 4], null)).toEqual({ port: 3, original: null, ratio: null, ratioRange: null });
  });

  it('refuses rounds that were not run in turn', () => {
    expect(() => compareRounds([1, 2], [1])).toThrow('2 rounds of the port, 1 of the original');
  });
});
