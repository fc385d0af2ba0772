import { existsSync } from 'node:fs';
import { environmentFolder, root } from '../lib/installation.mjs';
import { packagesFault } from './environment.mjs';
import { SetupFailure } from './failure.mjs';
import { acquireLock } from './lock.mjs';
import { findProgram } from './programs.mjs';
import { Stages } from './stages.mjs';

/** The npm packages alone, for a script that needs no more. */
export async function installMissing() {
  if (!packagesFault()) return;
  const lock = await acquireLock(environmentFolder(), () => console.log('Waiting for a set-up of this folder.'));
  try {
    await installPackages(new Stages(lock.fd));
  } finally {
    lock.release();
  }
}

/** Stage 1: node_modules as the lock file says, by `npm ci`. */
export async function installPackages(stages) {
  const fault = packagesFault();
  if (!fault) return;
  const [command, ...first] = npm();
  await stages.run('npm packages', `${fault}; npm ci`, async () => {
    await stages.program(command, [...first, 'ci', '--no-audit', '--no-fund'], { cwd: root, explain });
    return 'installed as package-lock.json says';
  });
}

function npm() {
  const script = process.env.npm_execpath;
  if (script?.endsWith('npm-cli.js') && existsSync(script)) return [process.execPath, script];
  const program = findProgram('npm');
  if (program) return [program];
  throw new SetupFailure('npm is not in PATH.', 'install Node 20.11 or newer with its npm, then run set-up again.');
}

function explain(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|network/.test(output)) {
    return new SetupFailure(
      'The npm registry cannot be reached.',
      'check the network and `npm config get registry`, or copy node_modules from another machine, then run set-up again.',
    );
  }
  if (/EUSAGE/.test(output)) {
    return new SetupFailure(
      'package-lock.json does not fit package.json.',
      'npm install --package-lock-only, then run set-up again.',
    );
  }
  if (/ENOSPC/.test(output)) return new SetupFailure('The disk is full.', 'free 1 GB, then run set-up again.');
  return undefined;
}
