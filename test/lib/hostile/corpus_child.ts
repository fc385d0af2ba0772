/** Reads the files that are named on its input, one `[reader, path]` a line in JSON, and answers with what came of each: error, milliseconds, and the most memory that this process has had so far. */
import { createInterface } from 'node:readline';
import { InputError } from '../../../src/errors.ts';
import * as python from '../../../src/lib/python/errors.ts';
import { type ReaderName, readerOf } from './readers.ts';

/** What came of one file. */
export interface Answer {
  readonly error?: string;
  /** The error is of a type that our readers throw. */
  readonly typed?: boolean;
  readonly ms: number;
  readonly peakBytes: number;
}

const types = [InputError, ...Object.values(python)];

for await (const line of createInterface({ input: process.stdin })) {
  const [reader, path] = JSON.parse(line) as [ReaderName, string];
  const start = performance.now();
  let fault: unknown;
  try {
    await readerOf(reader).read(path);
  } catch (error) {
    fault = error;
  }
  const answer: Answer = {
    ...(fault === undefined
      ? {}
      : { error: String((fault as Error).message ?? fault), typed: types.some((type) => fault instanceof type) }),
    ms: performance.now() - start,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
