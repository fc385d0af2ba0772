#!/usr/bin/env node
// The command `ecg-transplant fetch-data` on a bare clone too: of set-up it needs the npm packages alone, and installs no more.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { environmentFolder, packagesFault, root } from './lib/environment.mjs';
import { SetupFailure } from './lib/failure.mjs';
import { acquireLock } from './lib/lock.mjs';
import { installPackages } from './lib/packages.mjs';
import { Stages } from './lib/stages.mjs';

const own = process.argv.findLastIndex((argument) => /(^|\/)fetch-data\.mjs$/.test(argument));
const args = process.argv.slice(own + 1);

process.exitCode = await main();

async function main() {
  try {
    await installMissing();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`set-up: ${error.message}`);
    return 2;
  }
  const program = join(root, 'bin', 'ecg-transplant.mjs');
  const child = spawn(process.execPath, [program, 'fetch-data', ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself; this process only waits for its answer.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

async function installMissing() {
  if (!packagesFault()) return;
  const lock = await acquireLock(environmentFolder(), () =>
    console.log('A set-up of this folder is running: waiting.'),
  );
  try {
    await installPackages(new Stages(lock.fd));
  } finally {
    lock.release();
  }
}
