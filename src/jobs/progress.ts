import { UsageError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Model } from '../graph/model.ts';
import { flagOf } from '../lib/argparse/flags.ts';

/** Number formats that `--precision` offers. */
export const precisions = ['float32', 'bfloat16', 'float64'] as const;

/** Throws a UsageError for numbers that are no counts or no seeds, and for an unknown precision. */
export function checkCounts({
  precision,
  seed,
  initSeed,
  ...counts
}: Readonly<Record<string, number | string | undefined>>): void {
  if (precision !== undefined && !(precisions as readonly unknown[]).includes(precision)) {
    throw new UsageError(`--precision: got ${precision}, expected one of ${precisions.join(', ')}`);
  }
  for (const [name, value] of Object.entries({ seed, initSeed })) {
    if (value === undefined || (Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32)) continue;
    throw new UsageError(`${flagOf(name)}: got ${value}, expected a whole number from 0 to ${2 ** 32 - 1}`);
  }
  for (const [name, value] of Object.entries(counts)) {
    if (value === undefined || (Number.isInteger(value) && Number(value) > 0)) continue;
    throw new UsageError(`${flagOf(name)}: got ${value}, expected a whole number of at least 1`);
  }
}

/** Number of a model's weights, the ones that are not trained included. */
export function parametersOf(model: Model): number {
  return model.variables.reduce((sum, { shape }) => sum + shape.reduce((size, extent) => size * extent, 1), 0);
}

/** Says so if one batch takes all samples of an epoch. */
export function tellFewSamples(batchSize: number, samples: number, unit: string, report: Reporter): void {
  if (batchSize <= samples) return;
  report({ kind: 'message', text: `--batch-size ${batchSize}: each epoch is one step of all ${samples} ${unit}` });
}

/** A share as a text such as `0.4 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
