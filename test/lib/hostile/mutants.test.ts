import { describe, expect, it } from 'vitest';
import { campaign, type Format } from './mutants.ts';

describe("damaged files end in Python's value or in a typed error", () => {
  it.each<Format>(['npy', 'npz', 'pickle', 'gzip', 'csv', 'tar'])('60 mutants of %s', async (format) => {
    const outcome = await campaign(format, 60, 1);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.equal + outcome.refused + outcome.pythonCrashes).toBe(60);
    expect(outcome.refused).toBeGreaterThan(10);
  });
});
