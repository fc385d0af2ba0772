import { existsSync, mkdirSync } from 'node:fs';
import { isoTimestamp, literal, object, optional, picklist, pipe, string } from 'valibot';
import { InputError } from '../errors.ts';
import { amount, anyNumber, name, whole } from '../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../lib/json/file.ts';
import type { RunFolder } from './run_folder.ts';
import type { RunSettings } from './settings.ts';

/** Content of `experiment.json`: what the folder's run is. */
export type RunDescription = Described<typeof descriptionSchema>;

const descriptionSchema = object({
  format: literal(1),
  experiment: name,
  seed: amount,
  trials: whole(1, 100_000),
  precision: name,
  /** The speeds (GFLOP/s) by which `--precision auto` chose. The run keeps the choice. */
  measured: optional(object({ float32: anyNumber, bfloat16: anyNumber })),
  data: picklist(['generated', 'real']),
  /** When the run first began: ISO 8601. */
  begun: pipe(string(), isoTimestamp()),
});

/** Writes the description of a run. A resumed run keeps its start time. */
export function describeRun({ folder, experiment, seed, trials, precision, measured, data }: RunSettings): void {
  const before = existsSync(folder.description) ? readRunDescription(folder) : undefined;
  if (before && before.experiment !== experiment.name) {
    throw new InputError('the folder holds another experiment', {
      file: folder.root,
      got: before.experiment,
      expected: experiment.name,
      next: 'Choose another folder: --job-dir DIR',
    });
  }
  mkdirSync(folder.root, { recursive: true });
  const description: RunDescription = {
    format: 1,
    experiment: experiment.name,
    seed,
    trials,
    precision,
    ...(measured && { measured }),
    data: data === undefined ? 'generated' : 'real',
    begun: before?.begun ?? new Date().toISOString(),
  };
  writeJson(folder.description, description, 1);
}

/** The description of a folder's run. Throws an InputError if it cannot be read. */
export function readRunDescription(folder: RunFolder): RunDescription {
  return readJson(folder.description, descriptionSchema, {
    what: 'the description of the run',
    next: 'Remove the folder, or choose another: --job-dir DIR',
  });
}

/** Refuses to work in a folder that was prepared for a run with other settings, or for none. */
export function requireDescribed({ folder, experiment, seed, precision, data, command }: RunSettings): void {
  if (!existsSync(folder.description)) {
    throw new InputError('the folder was not prepared for this run', {
      file: folder.description,
      got: 'no file',
      next: `Begin the run: ${command}`,
    });
  }
  const found = readRunDescription(folder);
  const wanted: Pick<RunDescription, 'experiment' | 'seed' | 'precision' | 'data'> = {
    experiment: experiment.name,
    seed,
    precision,
    data: data === undefined ? 'generated' : 'real',
  };
  const other = (Object.keys(wanted) as (keyof typeof wanted)[]).find((key) => wanted[key] !== found[key]);
  if (other === undefined) return;
  throw new InputError('the folder was prepared for a run with other options', {
    file: folder.description,
    where: other,
    got: String(found[other]),
    expected: String(wanted[other]),
    next: `To change the run: ${command}`,
  });
}
