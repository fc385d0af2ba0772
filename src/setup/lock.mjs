import { createServer } from 'node:net';
import { sha256 } from '../lib/installation.mjs';

/**
 * Holds the one set-up lock of a folder until `release()`; a second caller waits. The lock is a Unix socket of the abstract
 * namespace: the kernel frees it with its last holder, so a killed set-up leaves no stale lock. Its descriptor `fd` is handed to
 * the children, so that a pip which outlives a killed set-up still holds it.
 *
 * @param {string} folder what is locked
 * @param {() => void} onWait called once if another process holds the lock
 */
export async function acquireLock(folder, onWait) {
  const path = `\0ecg-transplant/${sha256(folder).slice(0, 32)}`;
  for (let waited = false; ; ) {
    const server = await listen(path);
    // Node has no public name for a server's descriptor.
    if (server) return { fd: server._handle.fd, release: () => server.close() };
    if (!waited) onWait();
    waited = true;
    await new Promise((done) => setTimeout(done, 200));
  }
}

function listen(path) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => resolve(server.unref()));
  });
}
