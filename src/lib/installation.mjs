// Plain JavaScript: set-up uses it on a bare clone.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of this package: the checkout, or `node_modules/ecg-transplant`. */
export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** A checkout has a lock file of its own; npm leaves it out of an installed package. */
export const isCheckout = existsSync(join(root, 'package-lock.json'));

/** Where commands put `jobs/` and `data/` by default: the checkout; for an installed package, the folder where the user stands. */
export const workFolder = isCheckout ? root : process.cwd();

/** How set-up is started here. */
export const setupCommand = isCheckout ? 'npm run setup --' : 'npx ecg-transplant setup';

/** `cuda` on a machine with an NVIDIA driver, else `cpu`; `ECG_TRANSPLANT_GPU=0` or `1` overrides. */
export function flavour() {
  const choice = process.env.ECG_TRANSPLANT_GPU;
  if (choice === '0') return 'cpu';
  if (choice === '1') return 'cuda';
  return existsSync('/proc/driver/nvidia/version') || existsSync('/usr/lib/wsl/lib/libcuda.so.1') ? 'cuda' : 'cpu';
}

/** The hashed lock file of a flavour. */
export function lockFile(kind = flavour()) {
  return join(root, 'original', kind === 'cuda' ? 'requirements-cuda.lock' : 'requirements.lock');
}

export function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * Folder that holds set-up's log, and the environment of an installed package: a cache folder named after the lock, so that
 * packages with the same lock share one environment.
 */
export function stateFolder() {
  if (isCheckout) return join(root, '.setup');
  return join(cacheFolder(), sha256(readFileSync(lockFile())).slice(0, 12));
}

/** Folder for what can be made or fetched again. */
export function cacheFolder() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ecg-transplant');
}

/** The Python environment: `.venv` of a checkout, else in the cache folder, never in `node_modules`. */
export function environmentFolder() {
  return isCheckout ? join(root, '.venv') : join(stateFolder(), 'venv');
}

/** The Python environment of the bench's rows against PyTorch, beside the other one. */
export function peersFolder() {
  return `${environmentFolder()}-peers`;
}

/** The interpreter that runs `original/`; `ECG_PYTHON` overrides. A path is absolute: Python is started in other folders than the user's. */
export function pythonExecutable() {
  const chosen = process.env.ECG_PYTHON;
  if (!chosen) return join(environmentFolder(), 'bin', 'python');
  return chosen.includes('/') ? resolve(chosen) : chosen;
}
