import { join } from 'node:path';
import { isCheckout, peersFolder, root } from '../lib/installation.mjs';
import { environmentFault } from './environment.mjs';
import { explainSystemError } from './failure.mjs';
import { acquireLock } from './lock.mjs';
import { makeEnvironment } from './python.mjs';
import { Stages } from './stages.mjs';

/** The hashed lock file of the environment; `peers.in` beside it says what it is made from. */
export const peersLock = join(root, isCheckout ? 'src' : 'dist', 'bench', 'peers.lock');

const command = isCheckout ? 'npm run bench -- --peers' : 'npx ecg-transplant bench --peers';

/** PyPI has PyTorch for Linux only as built for CUDA, which does not load without NVIDIA's libraries. */
const environment = {
  title: 'Python environment of the bench',
  folder: peersFolder(),
  lock: peersLock,
  about: 'downloads 3 GB: PyTorch and the NVIDIA libraries that it loads; takes minutes',
  library: 'PyTorch 2.15.0',
  pythons: ['3.11', '3.12'],
  space: 9,
  again: 'run the bench again',
  command,
  fromWheels: `PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels ${command}`,
};

/** The interpreter that runs PyTorch. */
export const peersPython = join(environment.folder, 'bin', 'python');

/**
 * Makes the environment of the bench's rows against PyTorch if it is not whole.
 *
 * @throws {SetupFailure} one sentence and the command that mends it
 */
export async function setUpPeers() {
  if (!environmentFault(environment.folder, environment.lock)) return;
  let lock;
  try {
    lock = await acquireLock(environment.folder, () => console.log('Waiting for another bench that installs PyTorch.'));
    await makeEnvironment(new Stages(lock.fd), { environment });
  } catch (error) {
    throw explainSystemError(error, environment.folder);
  } finally {
    lock?.release();
  }
}
