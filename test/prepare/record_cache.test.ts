import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RecordCache } from '../../src/prepare/record_cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'record-cache-'));
  const cache = RecordCache.open(folder, { a: 1 });
  for (const value of [1, 2, 3]) cache.append(ndarray('float32', [2, 1], Float32Array.of(value, -value)));
  cache.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Recordings that are there after the journal was changed. */
function sizeWith(change: (lines: string[]) => void): number {
  const file = join(folder, 'journal.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  change(lines);
  writeFileSync(file, lines.join('\n'));
  const cache = RecordCache.open(folder, { a: 1 });
  try {
    for (let i = 0; i < cache.size; i++) expect(cache.read(i).data).toEqual(Float32Array.of(i + 1, -i - 1));
    return cache.size;
  } finally {
    cache.close();
  }
}

describe('RecordCache', () => {
  it('continues with the same plan and starts again with another one', () => {
    expect(sizeWith(() => {})).toBe(3);
    const other = RecordCache.open(folder, { a: 2 });
    expect(other.size).toBe(0);
    other.close();
  });

  it('lets one process in at a time', () => {
    const cache = RecordCache.open(folder, { a: 1 });
    expect(() => RecordCache.open(folder, { a: 1 })).toThrow(/another process is preparing this set/);
    cache.close();
    expect(sizeWith(() => {})).toBe(3);
  });

  it.each([
    '{"offset":8,"samples":2,"leads":1,"dtype":"float3',
    '{}',
    'null',
    '[]',
    '{"offset":-8,"samples":2,"leads":1,"dtype":"float32"}',
    '{"offset":16,"samples":1,"leads":1,"dtype":"float32"}',
    '{"offset":8,"samples":1e300,"leads":1,"dtype":"float32"}',
    '{"offset":8,"samples":2000000000,"leads":4096,"dtype":"float64"}',
    '{"offset":8,"samples":2,"leads":1,"dtype":"complex"}',
    '{"offset":8,"samples":"2","leads":1,"dtype":"float32"}',
    `{"offset":8,${'"x":{'.repeat(100_000)}`,
  ])('prepares the recordings again from a line of the journal that is %.40s', (line) => {
    expect(sizeWith((lines) => lines.splice(1, 1, line))).toBe(1);
  });
});
