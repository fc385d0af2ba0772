import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import type { RunFolder } from './run_folder.ts';
import type { RunSettings } from './settings.ts';

/** Content of `experiment.json`: what the folder's run is. */
export interface Description {
  readonly format: 1;
  readonly experiment: string;
  readonly seed: number;
  readonly trials: number;
  readonly precision: string;
  readonly data: 'generated' | 'real';
  /** When the run first began: ISO 8601. */
  readonly begun: string;
}

/** Writes the description of a run; of one that goes on, the time of its beginning stays. */
export function describeRun({ folder, experiment, seed, trials, precision, data }: RunSettings): void {
  const before = existsSync(folder.description) ? readDescription(folder) : undefined;
  if (before && before.experiment !== experiment.name) {
    throw new InputError('the folder holds another experiment', {
      file: folder.root,
      got: before.experiment,
      expected: experiment.name,
      next: 'Choose another folder: --job-dir DIR',
    });
  }
  mkdirSync(folder.root, { recursive: true });
  const description: Description = {
    format: 1,
    experiment: experiment.name,
    seed,
    trials,
    precision,
    data: data === undefined ? 'generated' : 'real',
    begun: before?.begun ?? new Date().toISOString(),
  };
  writeFileAtomic(folder.description, `${JSON.stringify(description, null, 1)}\n`);
}

/** The description of a folder's run. Throws an InputError if it cannot be read. */
export function readDescription(folder: RunFolder): Description {
  try {
    const description = JSON.parse(readFileSync(folder.description, 'utf8')) as Description;
    if (description.format === 1 && typeof description.experiment === 'string') return description;
  } catch (error) {
    throw new InputError('the description of the run cannot be read', {
      file: folder.description,
      got: error instanceof Error ? error.message : String(error),
      next: 'Remove the folder, or choose another: --job-dir DIR',
    });
  }
  throw new InputError('this is no description of a run', { file: folder.description, expected: 'format 1' });
}
