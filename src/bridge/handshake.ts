import { readFileSync } from 'node:fs';
import { mappedLibraries } from '../lib/tensorflow/libraries.ts';
import { ownCommand } from '../text.ts';
import { BridgeStartError } from './errors.ts';
import type { Original, PythonFacts } from './original.ts';

/** Python packages whose version affects results, by their name in the lock file. */
const pinned: { readonly [fact in keyof PythonFacts]?: string } = {
  tensorflow: 'tensorflow',
  keras: 'keras',
  numpy: 'numpy',
  pandas: 'pandas',
  sklearn: 'scikit-learn',
  wfdb: 'wfdb',
  samplerate: 'samplerate',
};

/**
 * Checks that Python runs the locked versions and has mapped the same TensorFlow library as this process, which must have loaded it
 * already. Returns the facts of the Python process. Throws a BridgeStartError that names the first difference.
 */
export async function handshake(original: Original, lock: string): Promise<PythonFacts> {
  const facts = await original.facts();
  const versions = readLock(lock);
  const legacy = facts.keras.startsWith('2.');
  for (const [fact, name] of Object.entries(pinned) as [keyof PythonFacts, string][]) {
    const package_ = fact === 'keras' && legacy ? 'tf-keras' : name;
    const expected = versions.get(package_);
    if (expected !== undefined && facts[fact] !== expected) {
      throw new BridgeStartError(
        `Python has ${package_} ${String(facts[fact])}, ${lock} pins ${expected}. Run: ${ownCommand('setup')}`,
      );
    }
  }
  const ours = mappedLibraries('libtensorflow_cc');
  if (ours.join() !== facts.library.join()) {
    throw new BridgeStartError(
      `Node runs the TensorFlow library ${ours.join(', ') || '(none)'}, Python ${facts.library.join(', ') || '(none)'}; they must be one file. Run: ${ownCommand('doctor')}`,
    );
  }
  return facts;
}

/** Pinned versions in a pip lock file, by package name. Packages pinned twice, for different Python versions, are left out. */
function readLock(path: string): Map<string, string> {
  const versions = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const [, name, version] of readFileSync(path, 'utf8').matchAll(/^([a-z0-9._-]+)==([^ \\\n]+)/gim)) {
    const key = name.toLowerCase().replaceAll('_', '-');
    if (versions.has(key)) ambiguous.add(key);
    versions.set(key, version);
  }
  for (const key of ambiguous) versions.delete(key);
  return versions;
}
