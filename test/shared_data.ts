import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Project root. */
export const root: string = resolve(import.meta.dirname, '..');

/** Folder of real recordings for tests (`ECG_SHARED_DATA`, else `../shared/data`); tests that need it are skipped without it. */
export const sharedData: string = resolve(process.env.ECG_SHARED_DATA ?? join(root, '..', 'shared', 'data'));

/** Whether the real recordings are there. */
export const haveSharedData: boolean = existsSync(join(sharedData, 'cinc2017', 'RECORDS'));

/** The Python of the project's environment. */
export const python: string = process.env.ECG_PYTHON ?? join(root, '.venv', 'bin', 'python');
