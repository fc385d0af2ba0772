import { buildBinding } from './binding.mjs';
import { bindingFault, environmentFault, environmentFolder, packagesFault } from './environment.mjs';
import { explainSystemError } from './failure.mjs';
import { acquireLock } from './lock.mjs';
import { installPackages } from './packages.mjs';
import { checkPlatform } from './platform.mjs';
import { makeEnvironment } from './python.mjs';
import { Stages } from './stages.mjs';

/** Text of `npm run setup -- --help`. */
export const help = `npm run setup -- [--wheelhouse DIR]

Makes what both languages need, in three stages; a stage that is done already is skipped:
  npm packages         node_modules, as package-lock.json says (npm ci)
  Python environment   .venv with the hash-locked packages of original/requirements.lock
  Node binding         tfjs-node compiled against that environment's TensorFlow library

  --wheelhouse DIR     take the Python packages from a folder of wheels instead of PyPI
  --help               this text

  PYTHON=path          the interpreter to make the environment with (3.11; 3.9, 3.10 and 3.12 work too)
  ECG_TRANSPLANT_GPU   1 takes the CUDA packages, 0 the CPU ones; unset, an NVIDIA driver decides

It may be stopped at any point and run again; it needs no root; two at once wait for each other.
`;

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
    lock = await acquireLock(environmentFolder(), () =>
      console.log('Another set-up of this folder is running: waiting for it.'),
    );
    const stages = new Stages(lock.fd);
    const isNeeded = faults().length > 0;
    await installPackages(stages);
    await makeEnvironment(stages, options);
    await buildBinding(stages);
    if (isNeeded) stages.say(`Set-up: done (${stages.total})`);
  } catch (error) {
    throw explainSystemError(error, environmentFolder());
  } finally {
    lock?.release();
  }
}

function faults() {
  return [packagesFault(), environmentFault(), bindingFault()].filter(Boolean);
}
