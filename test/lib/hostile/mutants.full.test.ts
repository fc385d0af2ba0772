import { describe, expect, it } from 'vitest';
import { campaign, type Format } from './mutants.ts';

describe("damaged files end in Python's value or in a typed error", () => {
  it.each<Format>(['npy', 'npz', 'pickle', 'gzip', 'csv', 'tar'])('2,000 mutants of %s', async (format) => {
    const outcome = await campaign(format, 2000, 7);
    console.log(format, { ...outcome, wrong: outcome.wrong.length });
    expect(outcome.wrong).toEqual([]);
    expect(outcome.pastTheHead).toBeGreaterThan(600);
    expect(outcome.equal).toBeGreaterThan(0);
    expect(outcome.slowestMs).toBeLessThan(5000);
    expect(process.memoryUsage().rss).toBeLessThan(2 ** 30);
  });
});
