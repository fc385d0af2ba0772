import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Full path of an executable in PATH, or undefined. */
export function findProgram(name) {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (folder && isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Standard output of a short program, or undefined if it cannot be run or fails. */
export function outputOf(command, args, env = process.env) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env, timeout: 20_000 });
  return status === 0 ? stdout.trim() : undefined;
}
