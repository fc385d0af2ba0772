import { join } from 'node:path';
import { object } from 'valibot';
import { finiteNumber, mapOf, name } from '../../lib/json/fields.ts';
import { readJsonIfSound, writeJson } from '../../lib/json/file.ts';
import type { SuiteName } from '../suite.ts';

const schema = object({ seconds: mapOf(name, finiteNumber) });

/** Seconds of a typical case on two cores, for suites whose cases take longer than a few. */
const typical: { readonly [suite in SuiteName]?: number } = {
  outcome: 600,
  training: 60,
  optimiser: 40,
  gradients: 30,
  activations: 20,
  resume: 20,
  predictions: 20,
  initialisers: 15,
  weights: 10,
};
const short = 5;

/** How long cases take, as the last comparison in a folder measured it. Losing the file costs only a good order. */
export class KnownSeconds {
  readonly #file: string;
  readonly #known: Map<string, number>;

  constructor(folder: string) {
    this.#file = join(folder, 'seconds.json');
    this.#known = new Map(Object.entries(readJsonIfSound(this.#file, schema)?.seconds ?? {}));
  }

  /** Expected seconds of a case. */
  of(suite: SuiteName, one: string): number {
    return this.#known.get(`${suite}: ${one}`) ?? typical[suite] ?? short;
  }

  measured(suite: SuiteName, one: string, seconds: number): void {
    this.#known.set(`${suite}: ${one}`, seconds);
  }

  /** Writes what was measured beside what was known. */
  write(): void {
    writeJson(this.#file, { seconds: Object.fromEntries(this.#known) });
  }
}
