import { expect, it } from 'vitest';
import { campaign } from './mutants.ts';

it('1,500 damaged headers, signals and annotations each: as wfdb-python, or a typed error', async () => {
  const outcome = await campaign(1500, 2);
  for (const [kind, { wrong, ...counts }] of Object.entries(outcome)) {
    console.log(kind, JSON.stringify(counts));
    expect(wrong).toEqual([]);
    expect(counts.mutants).toBe(1500);
    // At least a third gets past the checks of the head and is read.
    expect(counts.equal).toBeGreaterThan(500);
  }
});
