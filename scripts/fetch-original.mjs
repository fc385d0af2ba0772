#!/usr/bin/env node
// The command `ecg-transplant fetch-original`; needs the npm packages alone, so on a bare clone it installs these and nothing else.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packagesFault, root } from './lib/environment.mjs';

const own = process.argv.findLastIndex((argument) => /(^|\/)fetch-original\.mjs$/.test(argument));
process.exitCode = packagesFault() ? install() || fetchOriginal() : fetchOriginal();

function install() {
  return spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function fetchOriginal() {
  const program = join(root, 'bin', 'ecg-transplant.mjs');
  const args = [program, 'fetch-original', ...process.argv.slice(own + 1)];
  // Ctrl-C reaches the child by itself; this process waits for its answer.
  process.on('SIGINT', () => {});
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}
