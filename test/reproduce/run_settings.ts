import { experiments } from '../../src/experiments.ts';
import { RunFolder } from '../../src/reproduce/run_folder.ts';
import type { RunSettings } from '../../src/reproduce/settings.ts';
import { root } from '../shared_data.ts';

/** Settings of a run in a folder, with changes. */
export function settingsIn(folder: string, changes: Partial<RunSettings> = {}): RunSettings {
  return {
    experiment: experiments.quick,
    folder: new RunFolder(folder),
    sides: ['port', 'original'],
    trials: 1,
    seed: 2021,
    precision: 'float32',
    original: `${root}/original`,
    python: 'python',
    lock: `${root}/original/requirements.lock`,
    command: 'npm run reproduce --',
    arguments: ['--job-dir', folder],
    ...changes,
  };
}
