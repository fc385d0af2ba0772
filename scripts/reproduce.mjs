#!/usr/bin/env node
// Runs on a bare clone, under node or under whichever zx npx brings: sets up first, then goes on with the installed packages.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lib/environment.mjs';
import { SetupFailure } from './lib/failure.mjs';
import { setUp } from './setup.mjs';

const own = process.argv.findLastIndex((argument) => /(^|\/)reproduce\.mjs$/.test(argument));
const args = process.argv.slice(own + 1);

process.exitCode = await main();

async function main() {
  try {
    if (!args.includes('--help') && !args.includes('-h')) await setUp();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`set-up: ${error.message}`);
    return 2;
  }
  const child = spawn(process.execPath, [join(root, 'bin', 'ecg-transplant.mjs'), 'reproduce', ...args], {
    stdio: 'inherit',
  });
  // Ctrl-C reaches the child by itself; this process only waits for its answer.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
