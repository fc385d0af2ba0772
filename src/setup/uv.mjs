// Installs the packages of a lock with uv, in less than half of pip's time.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCheckout, root, stateFolder } from '../lib/installation.mjs';
import { isolated, isolatedEnvironment } from '../lib/python/isolated.mjs';
import { SetupFailure } from './failure.mjs';
import { outputOf } from './programs.mjs';

/** The hashed lock of uv itself; `uv.in` beside it says what it is made from. */
export const uvLock = join(root, isCheckout ? 'src' : 'dist', 'setup', 'uv.lock');

/** What both installers check: only what the lock names, with its hashes, and no build. */
export const checks = ['--require-hashes', '--only-binary', ':all:', '--no-deps'];

/** Settings of pip that choose nothing of what is installed. With any other one, such as an index of its own or a proxy, pip has to do it. */
const harmless = new Set([
  ...['timeout', 'default-timeout', 'retries', 'disable-pip-version-check', 'no-python-version-warning', 'no-input'],
  ...['cache-dir', 'no-cache-dir', 'progress-bar', 'no-color', 'quiet', 'verbose', 'root-user-action'],
  // The lock's hashes say what a wheel has to be, wherever it comes from.
  ...['require-virtualenv', 'break-system-packages', 'find-links', 'cert'],
]);

/**
 * Installs a lock into a fresh environment, with compiled bytecode, as pip leaves it. uv reads no configuration, and leaves no cache.
 *
 * @param {import('./stages.mjs').Stages} stages
 * @param {string} folder the environment
 * @param {string} lock
 * @param {(output: string) => SetupFailure | undefined} explain what an output of pip says, as a failure for people
 * @returns {Promise<'done' | 'not used' | 'failed'>} `failed`: packages may have been left in the environment
 * @throws {SetupFailure} if pip cannot fetch uv, for a reason that would stop pip too
 */
export async function installWithUv(stages, folder, lock, explain) {
  const python = join(folder, 'bin', 'python');
  const settings = pipSettings(python);
  if (settings === undefined || [...settings.keys()].some((name) => !harmless.has(name))) return 'not used';
  // A killed set-up leaves it behind; the next one removes all folders with such names.
  const state = join(stateFolder(), `trash-uv-${process.pid}`);
  const certificates = process.env.SSL_CERT_FILE ?? settings.get('cert') ?? process.env.REQUESTS_CA_BUNDLE;
  try {
    const target = join(state, 'program');
    const fetched = await succeeds(
      stages,
      python,
      isolated('-m', 'pip', 'install', '--quiet', ...checks, '--target', target, '-r', uvLock),
      {
        env: { ...isolatedEnvironment(), PIP_USER: '0' },
        // There is no uv for every platform.
        explain: (output) => (output.includes('No matching distribution') ? undefined : explain(output)),
      },
    );
    if (!fetched) return 'not used';
    const places = ['--cache-dir', join(state, 'cache'), '--python', python];
    const args = ['pip', 'install', '--no-config', ...places, '--compile-bytecode', ...checks, '-r', lock];
    const env = Object.fromEntries(Object.entries(isolatedEnvironment()).filter(([name]) => !name.startsWith('UV_')));
    if (certificates) env.SSL_CERT_FILE = certificates;
    return (await succeeds(stages, join(target, 'bin', 'uv'), args, { env })) ? 'done' : 'failed';
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

/** Whether a program succeeds. Why not is in the log; only what `explain` knows, and a set-up that is being stopped, end set-up. */
async function succeeds(stages, command, args, { env, explain = () => undefined }) {
  let known;
  try {
    await stages.program(command, args, { env, explain: (output) => (known = explain(output)) });
    return true;
  } catch (error) {
    if (known !== undefined || stages.stopped) throw error;
    return false;
  }
}

/** pip's settings by their names, from its files and the variables; undefined if it does not say. */
function pipSettings(python) {
  const text = outputOf(python, isolated('-m', 'pip', 'config', 'list'), isolatedEnvironment());
  if (text === undefined) return undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return new Map(
    lines.map((line) => {
      const [, name, value] = /^[^=]*\.([^.=]+)=(.*)$/.exec(line) ?? [undefined, line, ''];
      return [name, value.trim().replace(/^(['"])(.*)\1$/, '$2')];
    }),
  );
}
