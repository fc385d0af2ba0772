import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { annotationSymbols, rdann } from '../../../src/lib/wfdb/annotation.ts';
import { wrann } from '../../../src/lib/wfdb/write.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-annotation-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: readonly number[]): string {
  writeFileSync(join(folder, `${name}.atr`), Buffer.from(bytes));
  return join(folder, name);
}

describe('wfdb.rdann', () => {
  it('wfdb.rdann: fields, notes, steps of time and descriptions as wfdb-python', async () => {
    const note = (text: string): number[] => [
      text.length,
      252,
      ...Buffer.from(text, 'latin1'),
      ...(text.length % 2 ? [0] : []),
    ];
    const skip = (step: number): number[] => [
      0,
      236,
      (step >> 16) & 255,
      (step >> 24) & 255,
      step & 255,
      (step >> 8) & 255,
    ];
    const paths = [
      file('plain', [5, 4, 255, 7, 100, 21, 0, 0]),
      file('fields', [5, 4, 254, 244, 3, 248, 255, 240, 6, 4, 7, 4, 1, 244, 0, 248, 8, 4, 0, 0]),
      file('notes', [
        5,
        112,
        ...note('(AFIB'),
        6,
        4,
        ...note('None'),
        7,
        112,
        ...note('(N\0'),
        8,
        88,
        ...note('é'),
        0,
        0,
      ]),
      file('steps', [
        ...skip(100_000),
        5,
        4,
        ...skip(-50),
        6,
        4,
        ...skip(2 ** 31 - 1),
        ...skip(2 ** 31 - 1),
        7,
        4,
        0,
        0,
      ]),
      file('described', [0, 88, ...note('## time resolution: 360.25'), ...skip(-1), 1, 0, 18, 4, 0, 0]),
      file('remarks', [0, 88, ...note('hello'), 0, 88, ...note('## time resolution: 250'), 18, 4, 0, 0]),
      file('nothing', [0, 0]),
      file('unmarked', [7, 0, 5, 4, 0, 0, 9, 4, 0, 0]),
      file('symbols', [...annotationSymbols.keys()].flatMap((code) => [1, code << 2]).concat([0, 0])),
    ];
    writeFileSync(join(folder, 'plain.hea'), 'plain 1 128.5 10\nplain.dat 16 200\n');
    const python = await readWithPython({ annotations: paths.map((path) => [path, 'atr']) });
    expect(paths.map((path) => rdann(path, 'atr'))).toEqual(python.annotations);
    expect(rdann(paths[0], 'atr').fs).toBe(128.5);
  });

  it.skipIf(!haveSharedData)('wfdb.rdann: real annotations as wfdb-python', async () => {
    const names = ['mitdb/100', 'icentia11k/p00/p00000/p00000_s00', 'icentia11k/p00/p00000/p00000_s08'].map((name) =>
      join(sharedData, name),
    );
    const python = await readWithPython({ annotations: names.map((path) => [path, 'atr']) });
    expect(names.map((path) => rdann(path, 'atr'))).toEqual(python.annotations);
  });

  const damaged: [title: string, bytes: readonly number[], message: RegExp][] = [
    ['empty', [], /this is no annotation file; got 0 bytes/],
    ['odd', [5, 4, 0], /this is no annotation file; got 3 bytes/],
    ['no end mark', [5, 4, 6, 4], /no end mark/],
    ['note past the end', [5, 4, 200, 252, 65, 66, 0, 0], /ends inside of an annotation/],
    ['step past the end', [0, 236, 0, 0], /ends inside of an annotation/],
    ['a field twice', [5, 4, 1, 248, 2, 248, 0, 0], /two values of chan/],
    ['undefined type', [5, 60, 0, 0], /byte 0: the annotation type is not defined by WFDB; got type 15/],
    ['own types', [0, 88, 30, 252, ...Buffer.from('## annotation type definitions'), 0, 0], /types of their own/],
  ];
  it.each(damaged)('bad input: %s', (title, bytes, message) => {
    const path = file(title.replaceAll(' ', '_'), bytes);
    expect(() => rdann(path, 'atr')).toThrow(InputError);
    expect(() => rdann(path, 'atr')).toThrow(message);
  });

  it('bad input: a missing file', () => {
    expect(() => rdann(join(folder, 'none'), 'atr')).toThrow(FileNotFoundError);
  });
});

describe('wfdb.wrann', () => {
  it('wfdb.wrann: wfdb-python reads what was written', async () => {
    const written = {
      sample: [0, 5, 5, 1028, 100_000, 3_000_000_000],
      symbol: ['N', '+', 'V', 'S', 'Q', '+'],
      auxNote: ['', '(AFIB', '', 'note', '', ')'],
      fs: 250,
    };
    wrann(folder, 'written', 'atr', written);
    const python = await readWithPython({ annotations: [[join(folder, 'written'), 'atr']] });
    expect(python.annotations[0]).toMatchObject(written);
    expect(rdann(join(folder, 'written'), 'atr')).toEqual(python.annotations[0]);
  });

  it.skipIf(!haveSharedData)('wfdb.wrann: a real file written again has the same bytes', () => {
    const path = join(sharedData, 'icentia11k', 'p00', 'p00000', 'p00000_s00');
    const { sample, symbol, auxNote, fs } = rdann(path, 'atr');
    wrann(folder, 'again', 'atr', { sample, symbol, auxNote, fs: fs! });
    expect(readFileSync(join(folder, 'again.atr'))).toEqual(readFileSync(`${path}.atr`));
  });

  it('refuses what the format cannot hold', () => {
    expect(() => wrann(folder, 'x', 'atr', { sample: [5, 4], symbol: ['N', 'N'] })).toThrow(
      /annotation 1 stands at 4, before 5/,
    );
    expect(() => wrann(folder, 'x', 'atr', { sample: [5], symbol: ['µ'] })).toThrow(/no WFDB annotation symbol/);
    expect(() => wrann(folder, 'x', 'atr', { sample: [5], symbol: ['+'], auxNote: ['a'.repeat(256)] })).toThrow(
      /at most 255/,
    );
  });
});
