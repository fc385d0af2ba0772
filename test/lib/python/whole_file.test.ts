import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { readWholeFile } from '../../../src/lib/python/whole_file.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-whole-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

describe("open(path, 'rb').read()", () => {
  it('reads all bytes', () => {
    writeFileSync(at('bytes'), Uint8Array.of(0, 1, 255));
    expect(readWholeFile(at('bytes'))).toEqual(Uint8Array.of(0, 1, 255));
    writeFileSync(at('empty'), '');
    expect(readWholeFile(at('empty'))).toEqual(new Uint8Array(0));
  });

  it('refuses anything that is not a file, and never waits for a pipe', () => {
    expect(() => readWholeFile(at('missing'))).toThrow(FileNotFoundError);
    expect(() => readWholeFile(folder)).toThrow(/not a regular file; got a folder/);
    execFileSync('mkfifo', [at('pipe')]);
    expect(() => readWholeFile(at('pipe'))).toThrow(/not a regular file; got a device or pipe/);
    expect(() => readWholeFile('/dev/zero')).toThrow(/not a regular file; got a device or pipe/);
  });

  it('refuses a file that does not fit in memory before it reads', () => {
    writeFileSync(at('sparse'), '');
    truncateSync(at('sparse'), 2 ** 32);
    expect(() => readWholeFile(at('sparse'))).toThrow(InputError);
    expect(() => readWholeFile(at('sparse'))).toThrow(/the file is too large; got 4294967296 bytes/);
  });
});
