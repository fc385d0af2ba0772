import { isCheckout } from '../lib/installation.mjs';
import { SetupFailure } from './failure.mjs';

/** Refuses platforms that the locked TensorFlow wheel or Node cannot serve. */
export function checkPlatform(platform = process.platform, architecture = process.arch, node = process.versions.node) {
  const docker = isCheckout
    ? 'use the Dockerfile: docker build -t ecg-transplant . && docker run --rm -it ecg-transplant'
    : 'install the package in a container: docker run --platform linux/amd64 --rm -it node:20-bookworm bash';
  if (isOlder(node)) {
    throw new SetupFailure(
      `Node ${node} is too old: Node 20.11 or newer is needed.`,
      'install a current Node from nodejs.org.',
    );
  }
  if (platform !== 'linux') {
    const name = { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform;
    throw new SetupFailure(`${name} is not supported: the TensorFlow library is taken from the Linux wheel.`, docker);
  }
  if (architecture !== 'x64') {
    throw new SetupFailure(`${architecture} processors are not supported: the lock file holds x86-64 wheels.`, docker);
  }
  if (isMusl()) {
    throw new SetupFailure('This Linux uses musl (Alpine), for which TensorFlow has no wheel.', docker);
  }
}

/** Whether a version of Node lacks what this package uses: `import.meta.dirname` came with 20.11. */
function isOlder(node) {
  const [major, minor] = node.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 11);
}

function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}
