import { expect, it } from 'vitest';
import { fuzz, readerNames, summary } from './fuzz.ts';

// Another seed each day, named in the line that is printed, so that every run of the long tests tries what none before it has.
const seed = Math.floor(Date.now() / 86_400_000);

it.each(readerNames)('%s: a minute of damaged files', async (name) => {
  const outcome = await fuzz(name, { seed, count: Number.MAX_SAFE_INTEGER, minutes: 1 });
  console.log(`${summary(outcome)}, seed ${seed}`);
  expect(outcome.faults).toEqual([]);
  expect(outcome.mutants).toBeGreaterThan(1000);
});
