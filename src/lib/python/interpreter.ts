import { existsSync } from 'node:fs';
import { shellCommand } from '../../text.ts';
import { pythonExecutable } from '../installation.mjs';

/** The Python interpreter for a command that the user should type: the project's, which has NumPy and wfdb, if it exists. */
export function pythonToType(): string {
  const own = pythonExecutable();
  return existsSync(own) ? shellCommand([own]) : 'python';
}
