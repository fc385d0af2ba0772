import { UsageError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Model } from '../graph/model.ts';
import { flagOf } from '../lib/argparse/flags.ts';

/** Throws a UsageError for an option, by its name in the API, whose value is not one of those listed. */
export function checkChoices(
  options: Readonly<Record<string, readonly [string | undefined, readonly string[]]>>,
): void {
  for (const [name, [value, known]] of Object.entries(options)) {
    if (value === undefined || known.includes(value)) continue;
    throw new UsageError(`${flagOf(name)}: got ${value}, expected one of ${known.join(', ')}`);
  }
}

/** Throws a UsageError for an option that must be a seed, or a count of at least 1, and is not. */
export function checkCounts({ seed, initSeed, ...counts }: Readonly<Record<string, number | undefined>>): void {
  const check = (
    options: Readonly<Record<string, number | undefined>>,
    least: number,
    most: number,
    expected: string,
  ) => {
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue;
      throw new UsageError(`${flagOf(name)}: got ${value}, expected a whole number ${expected}`);
    }
  };
  check({ seed, initSeed }, 0, 2 ** 32 - 1, `from 0 to ${2 ** 32 - 1}`);
  check(counts, 1, Number.POSITIVE_INFINITY, 'of at least 1');
}

/** Throws a UsageError for an option, by its name in the API, that is not a finite number above 0. */
export function checkAmounts(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new UsageError(`${flagOf(name)}: got ${value}, expected a number above 0`);
  }
}

/** Number of a model's weights, including those that are not trained. */
export function parametersOf(model: Model): number {
  return model.variables.reduce((sum, { shape }) => sum + shape.reduce((size, extent) => size * extent, 1), 0);
}

/** Reports that each epoch is a single step, if one batch takes all samples. */
export function tellFewSamples(batchSize: number, samples: number, unit: string, report: Reporter): void {
  if (batchSize <= samples) return;
  report({ kind: 'message', text: `--batch-size ${batchSize}: each epoch is one step of all ${samples} ${unit}` });
}

/** A share as a text such as `0.4 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
