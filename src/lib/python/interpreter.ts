import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shellCommand } from '../../text.ts';

/** The Python interpreter of the project's environment, which set-up may not have made yet. */
export function projectPython(): string {
  return join(resolve(import.meta.dirname, '..', '..', '..'), '.venv', 'bin', 'python');
}

/** The Python interpreter for a command that the user should type: the project's, which has NumPy and wfdb, if it exists. */
export function pythonToType(): string {
  const own = process.env.ECG_PYTHON ?? projectPython();
  return existsSync(own) ? shellCommand([own]) : 'python';
}
