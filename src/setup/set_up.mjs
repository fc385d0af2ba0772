import { environmentFolder } from '../lib/installation.mjs';
import { buildBinding } from './binding.mjs';
import { bindingFault, environmentFault, packagesFault } from './environment.mjs';
import { explainSystemError } from './failure.mjs';
import { acquireLock } from './lock.mjs';
import { installPackages } from './packages.mjs';
import { checkPlatform } from './platform.mjs';
import { makeEnvironment } from './python.mjs';
import { Stages } from './stages.mjs';

/** What set-up does, for its `--help`. */
export const about = `Installs what both languages need, in three steps, the first two at the same time. A step that is done already is skipped.
  npm packages         node_modules, as package-lock.json says (npm ci)
  Python environment   .venv with the hash-locked packages of original/requirements.lock
  Node binding         tfjs-node, compiled against the TensorFlow library of that environment`;

/** What follows its options there. */
export const notes = `Environment variables:
  PYTHON              Python interpreter to make the environment with (3.11; 3.9, 3.10 and 3.12 work too)
  ECG_TRANSPLANT_GPU  1: install the CUDA packages; 0: install the CPU packages (default: CUDA if there is an NVIDIA driver)

Set-up needs no root, may be stopped at any point and run again, and waits for another set-up of the same folder.`;

/**
 * Brings the machine to the state that the project needs; a second call takes milliseconds.
 *
 * @param {{ wheelhouse?: string }} options
 * @throws {SetupFailure} one sentence and the command that mends it
 */
export async function setUp(options = {}) {
  checkPlatform();
  if (!process.env.PYTHON && !faults().length) return;
  let lock;
  try {
    lock = await acquireLock(environmentFolder(), () => console.log('Waiting for another set-up of this folder.'));
    const stages = new Stages(lock.fd);
    const isNeeded = faults().length > 0;
    await together(stages, [installPackages(stages), makeEnvironment(stages, options)]);
    await buildBinding(stages);
    if (isNeeded) stages.say(`Set-up: done (${stages.total})`);
  } catch (error) {
    throw explainSystemError(error, environmentFolder());
  } finally {
    lock?.release();
  }
}

/** Waits for both. When one fails, the other is stopped, so that nobody waits a minute for the message. */
async function together(stages, installs) {
  try {
    await Promise.all(installs);
  } catch (error) {
    stages.stop();
    await Promise.allSettled(installs);
    throw error;
  }
}

function faults() {
  return [packagesFault(), environmentFault(), bindingFault()].filter(Boolean);
}
