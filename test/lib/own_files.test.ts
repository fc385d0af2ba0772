import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { EventLog } from '../../src/jobs/event_log.ts';
import { CSVLogger } from '../../src/lib/keras/callbacks.ts';
import { TensorBoard } from '../../src/lib/keras/tensorboard.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { appendText, makeOwnFolder, openAnew, openToAppend, openToRead } from '../../src/lib/own_files.ts';
import { copyFileAtomic, writeFileAtomic } from '../../src/lib/python/atomic_file.ts';
import { RecordCache } from '../../src/prepare/record_cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'own-files-'));
  writeFileSync(at('precious'), 'precious');
});
afterEach(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);

/** What can stand in the place of a file. */
const strangers = {
  'a link': (path: string) => symlinkSync(at('precious'), path),
  'a link to nothing': (path: string) => symlinkSync(at('nothing'), path),
  'a pipe': (path: string) => void execFileSync('mkfifo', [path]),
  'a folder': (path: string) => mkdirSync(path),
} as const;

function expectNothingWritten(): void {
  expect(readFileSync(at('precious'), 'utf8')).toBe('precious');
  expect(existsSync(at('nothing'))).toBe(false);
}

describe.each(Object.keys(strangers) as (keyof typeof strangers)[])('with %s in its place', (kind) => {
  it.each([
    ['openToAppend', openToAppend],
    ['openToRead', openToRead],
    ['appendText', (path: string) => appendText(path, 'x')],
    ["a job's journal", (path: string) => new EventLog(path, () => {}).report({ kind: 'message', text: 'x' })],
  ] as const)('%s refuses', (_name, use) => {
    strangers[kind](at('file'));
    expect(() => use(at('file'))).toThrow(InputError);
    expect(() => use(at('file'))).toThrow(at('file'));
    expectNothingWritten();
  });

  it.each([
    ['writeFileAtomic', (path: string) => writeFileAtomic(path, 'x')],
    ['copyFileAtomic', (path: string) => copyFileAtomic(at('precious'), path)],
    ['openAnew', openAnew],
  ] as const)('%s replaces it, unless it is a folder', (_name, use) => {
    strangers[kind](at('file'));
    if (kind === 'a folder') expect(() => use(at('file'))).toThrow();
    else use(at('file'));
    expectNothingWritten();
  });

  it('history.csv, begun and continued', async () => {
    strangers[kind](at('history.csv'));
    const begun = new CSVLogger(at('history.csv')).onEpochEnd(0, { loss: 1 });
    await (kind === 'a folder' ? expect(begun).rejects.toThrow() : begun);
    rmSync(at('history.csv'), { recursive: true });
    strangers[kind](at('history.csv'));
    await expect(new CSVLogger(at('history.csv'), ['loss']).onEpochEnd(1, { loss: 1 })).rejects.toThrow(InputError);
    expectNothingWritten();
  });

  it.each(['signals.bin', 'journal.jsonl', 'lock', 'plan.json'])('%s of the cache of prepared recordings', (name) => {
    mkdirSync(at('partial'));
    strangers[kind](at('partial', name));
    try {
      const cache = RecordCache.open(at('partial'), 1);
      cache.append(ndarray('float32', [2, 1], Float32Array.of(1, 2)));
      expect(cache.read(0).data).toEqual(Float32Array.of(1, 2));
      cache.close();
    } catch (error) {
      expect((error as NodeJS.ErrnoException).path ?? (error as Error).message).toContain(at('partial'));
    }
    expectNothingWritten();
  });
});

describe('makeOwnFolder', () => {
  it('creates folders, and accepts an existing one', () => {
    makeOwnFolder(at('a', 'b'));
    makeOwnFolder(at('a', 'b'));
    expect(existsSync(at('a', 'b'))).toBe(true);
  });

  it('refuses a link to another folder, as the folders of TensorBoard and of a preparation do', () => {
    mkdirSync(at('elsewhere'));
    symlinkSync(at('elsewhere'), at('tensorboard'));
    expect(() => makeOwnFolder(at('tensorboard'))).toThrow(/got a symbolic link; expected a folder, or nothing/);
    expect(() => new TensorBoard(at('tensorboard'))).toThrow(InputError);
    expect(() => RecordCache.open(at('tensorboard'), 1)).toThrow(InputError);
    expect(() => makeOwnFolder(at('precious'))).toThrow(InputError);
  });
});
