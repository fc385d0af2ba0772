import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shellCommand } from '../../text.ts';

/** The interpreter of the project's own environment, whether set-up has made it or not. */
export function projectPython(): string {
  return join(resolve(import.meta.dirname, '..', '..', '..'), '.venv', 'bin', 'python');
}

/** The interpreter for a command that the user is to type: one that has NumPy and wfdb, if it is there. */
export function pythonToType(): string {
  const own = process.env.ECG_PYTHON ?? projectPython();
  return existsSync(own) ? shellCommand([own]) : 'python';
}
