import { expect, it } from 'vitest';
import { fuzz, readerNames, summary } from './fuzz.ts';

it.each(readerNames)('%s: damaged files end in a value or a typed error, in bounded time and memory', async (name) => {
  const outcome = await fuzz(name, { seed: 1, count: 150 });
  console.log(summary(outcome));
  expect(outcome.faults).toEqual([]);
  expect(outcome.mutants).toBe(150);
  expect(outcome.accepted).toBeGreaterThan(0);
  expect(outcome.refused).toBeGreaterThan(0);
});
