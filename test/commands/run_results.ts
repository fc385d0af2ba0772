import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf } from '../../src/lib/numpy/ndarray.ts';
import { readWeights } from '../../src/weights/files.ts';

/** What two equal runs of `reproduce` have equal to the last bit: texts of histories, predictions and scores, and all weights (as hashes), by file. */
export function resultsOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/^(port|original)\//.test(name)) continue;
    if (/\.csv$|scores\.json$/.test(name)) found.set(name, readFileSync(join(folder, name), 'utf8'));
    if (/\.weights\.h5$/.test(name)) {
      const { weights, optimizer = [] } = readWeights(join(folder, name));
      const hash = createHash('sha256');
      for (const array of [...weights, ...optimizer]) hash.update(bytesOf(array));
      found.set(name, hash.digest('hex'));
    }
  }
  return found;
}
