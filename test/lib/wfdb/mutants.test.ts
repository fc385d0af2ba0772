import { expect, it } from 'vitest';
import { campaign } from './mutants.ts';

it('damaged headers, signals and annotations: as wfdb-python, or a typed error', async () => {
  const outcome = await campaign(150, 1);
  for (const { wrong, mutants, equal } of Object.values(outcome)) {
    expect(wrong).toEqual([]);
    expect(mutants).toBe(150);
    expect(equal).toBeGreaterThan(15);
  }
});
