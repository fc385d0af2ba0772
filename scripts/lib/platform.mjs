import { SetupFailure } from './failure.mjs';

/** Refuses platforms that the locked TensorFlow wheel or Node cannot serve. */
export function checkPlatform(platform = process.platform, architecture = process.arch, node = process.versions.node) {
  const docker = 'use the Dockerfile: docker build -t ecg-transplant . && docker run --rm -it ecg-transplant';
  if (Number(node.split('.')[0]) < 20) {
    throw new SetupFailure(
      `Node ${node} is too old: Node 20 or newer is needed.`,
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

function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}
