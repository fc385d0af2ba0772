import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { endingSignals, keptSignals } from '../../src/lib/first_signals.mjs';
import { root } from '../../src/lib/installation.mjs';
import { SetupFailure } from '../../src/setup/failure.mjs';

/**
 * Installs what a command of this project needs, runs the command, and resolves to its exit code; 2 if the installation fails. SIGINT, SIGTERM,
 * SIGUSR1 and SIGUSR2 are passed on to the command. During the installation they end the script. The script must call `keepSignals` first.
 *
 * @param {string} name of the command
 * @param {readonly string[]} args
 * @param {() => Promise<void>} install
 * @param {{ paused?: number }} [options] exit code after a signal during the installation; default 128 + its number
 */
export async function runInstalled(name, args, install, { paused } = {}) {
  const end = (signal) => process.exit(paused ?? 128 + constants.signals[signal]);
  for (const signal of endingSignals) process.on(signal, end);
  for (const signal of keptSignals()) end(signal);
  try {
    await install();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`set-up: ${error.message}`);
    return 2;
  }
  const child = spawn(process.execPath, [join(root, 'bin', 'ecg-transplant.mjs'), name, ...args], { stdio: 'inherit' });
  for (const signal of endingSignals) process.off(signal, end).on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** The arguments of a script that runs under node, or under a program such as zx whose own arguments include the script. */
export function argumentsOf(script) {
  return process.argv.slice(process.argv.findLastIndex((argument) => argument.split('/').at(-1) === script) + 1);
}
