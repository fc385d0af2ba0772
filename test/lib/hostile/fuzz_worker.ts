/** Child of the fuzzer: reads mutants one by one, and says after each batch what became of them. A mutant that ends this process lies in its file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../src/errors.ts';
import * as python from '../../../src/lib/python/errors.ts';
import { mutantOf, type ReaderName, readerOf, scratch } from './readers.ts';

/** What the parent asks for. */
export interface Order {
  readonly reader: ReaderName;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly folder: string;
}

/** What became of the mutants `first` to `next` − 1. */
export interface Report {
  readonly next: number;
  readonly accepted: number;
  readonly refused: number;
  /** Mutants that were refused with an error of another type, with its text. */
  readonly untyped: readonly (readonly [index: number, error: string])[];
  /** Slowest of them: its number and its milliseconds. */
  readonly slowest: readonly [index: number, ms: number];
  /** The most memory that this process has had, in bytes, and the number of the mutant at which it rose last. */
  readonly peak: readonly [index: number, bytes: number];
}

const typed = [InputError, ...Object.values(python)];

process.on('message', (order: Order) => {
  run(order).then(
    () => process.disconnect(),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function run({ reader: name, seed, first, count, folder }: Order): Promise<void> {
  const reader = readerOf(name);
  const own = scratch(folder, name);
  const seeds = await reader.seeds(own);
  const path = join(own, reader.file);
  for (const original of seeds) {
    writeFileSync(path, original);
    await reader.read(path);
  }
  let peak: [number, number] = [first, process.resourceUsage().maxRSS * 1024];
  const newBatch = () => ({
    accepted: 0,
    refused: 0,
    untyped: [] as [index: number, error: string][],
    slowest: [first, 0] as [index: number, ms: number],
  });
  let batch = newBatch();
  let told = Date.now();
  for (let index = first; index < first + count; index++) {
    writeFileSync(path, mutantOf(reader, seeds, seed, index));
    const start = performance.now();
    try {
      await reader.read(path);
      batch.accepted++;
    } catch (error) {
      batch.refused++;
      if (!typed.some((type) => error instanceof type))
        batch.untyped.push([index, String((error as Error)?.stack ?? error)]);
    }
    const ms = performance.now() - start;
    if (ms > batch.slowest[1]) batch.slowest = [index, ms];
    const bytes = process.resourceUsage().maxRSS * 1024;
    if (bytes > peak[1]) peak = [index, bytes];
    const now = Date.now();
    if (now - told > 200 || index === first + count - 1 || batch.untyped.length > 0) {
      told = now;
      const report: Report = { next: index + 1, ...batch, peak };
      batch = newBatch();
      await new Promise((resolve) => process.send!(report, resolve));
    }
  }
}
