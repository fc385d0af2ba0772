import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { fileDigests } from '../../src/jobs/library_digests.ts';
import { temporaryFolder } from '../port/training_data.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const [library, cache] = [at('library.so'), at('cache/digests.json')];

describe('checksums of libraries', () => {
  beforeEach(() => {
    writeFileSync(library, 'one');
    utimesSync(library, 1000, 1000);
  });

  test('are those of the files', () => {
    writeFileSync(at('empty.so'), '');
    expect(fileDigests([library, at('empty.so')], cache)).toEqual({
      [library]: sha256('one'),
      [at('empty.so')]: sha256(''),
    });
  });

  test('are not computed again while size and modification time stay the same', () => {
    fileDigests([library], cache);
    writeFileSync(library, 'two');
    utimesSync(library, 1000, 1000);
    const written = statSync(cache).mtimeMs;
    expect(fileDigests([library], cache)).toEqual({ [library]: sha256('one') });
    expect(statSync(cache).mtimeMs).toBe(written);
  });

  test('are computed again for a file that has changed, and kept for the others', () => {
    writeFileSync(at('other.so'), 'other');
    fileDigests([library, at('other.so')], cache);
    writeFileSync(library, 'two');
    utimesSync(library, 2000, 2000);
    expect(fileDigests([library], cache)).toEqual({ [library]: sha256('two') });
    const kept = JSON.parse(readFileSync(cache, 'utf8')) as Record<string, { sha256: string }>;
    expect(kept[at('other.so')].sha256).toBe(sha256('other'));
  });

  test('survive a cache that is damaged or not writable', () => {
    writeFileSync(at('damaged.json'), '{"a":');
    expect(fileDigests([library], at('damaged.json'))).toEqual({ [library]: sha256('one') });
    mkdirSync(at('occupied'), { recursive: true });
    expect(fileDigests([library], at('occupied'))).toEqual({ [library]: sha256('one') });
  });
});
