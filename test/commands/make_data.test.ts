import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import * as convert from '../../src/commands/convert_icentia.ts';
import * as makeData from '../../src/commands/make_data.ts';
import { InputError } from '../../src/errors.ts';
import { readDescription } from '../../src/prepare/icentia11k/description.ts';
import { formatIds, parseIds } from '../../src/prepare/icentia11k/patient_ids.ts';

const folder = mkdtempSync(join(tmpdir(), 'commands-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command without its progress lines; resolves to what it prints. */
async function output(
  command: { run(args: readonly string[]): Promise<number> },
  args: readonly string[],
): Promise<string> {
  const out: string[] = [];
  const streams = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  try {
    expect(await command.run(args)).toBe(0);
    return out.join('');
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}

describe('make-data and convert-icentia', () => {
  test('make generated patients, then convert their WFDB form', async () => {
    const size = ['--patients', '2', '--segments', '2', '--samples', '2000', '--records', '8', '--seconds', '3'];
    const made = await output(makeData, [
      '--target',
      folder,
      ...size,
      '--sets',
      'icentia,challenge17',
      '--forms',
      'wfdb',
    ]);
    expect(made).toBe(`icentia: ${join(folder, 'icentia')}\nchallenge17: ${join(folder, 'challenge17')}\n`);
    expect(existsSync(join(folder, 'challenge17', 'A00008.mat'))).toBe(true);
    expect(existsSync(join(folder, 'icentia', 'zipped'))).toBe(false);
    const target = join(folder, 'converted');
    const source = join(folder, 'icentia', 'wfdb');
    const args = [
      '--source',
      source,
      '--target',
      target,
      '--patients',
      '1',
      '--segments',
      '0',
      '--unzipped',
      '--dtype',
      'float64',
    ];
    expect(await output(convert, args)).toMatch(/1 patients, mean -?\d.* mV, standard deviation \d.* mV\n$/);
    expect(readDescription(target)).toMatchObject({
      unit: 'mV',
      dtype: 'float64',
      unzipped: true,
      patients: { 1: { segments: 1, samples: 2000 } },
    });
    expect(existsSync(join(target, '00001_batched.npy'))).toBe(true);
  });

  test.each([
    ['no folder', makeData, []],
    ['an unknown set', makeData, ['--target', folder, '--sets', 'mitdb']],
    ['no number', makeData, ['--target', folder, '--records', 'many']],
    ['no folders', convert, ['--source', folder]],
    ['an unknown type', convert, ['--source', folder, '--target', folder, '--dtype', 'int16']],
    ['a folder without patients', convert, ['--source', join(folder, 'challenge17'), '--target', join(folder, 'none')]],
  ] as const)('%s is an InputError', async (_, command, args) => {
    await expect(command.run(args)).rejects.toThrow(InputError);
  });

  test('an unknown option is refused by its name', async () => {
    await expect(makeData.run(['--taget', folder])).rejects.toThrow(/--taget/);
  });
});

describe('parseIds', () => {
  test('numbers and ranges', () => expect(parseIds('5-7, 3,6', '--patients')).toEqual([3, 5, 6, 7]));

  test('formatIds writes what it reads', () => {
    for (const text of ['', '0', '0-1', '0-19,25', '3,5-7']) {
      const ids = text === '' ? [] : parseIds(text, '--patients');
      expect(formatIds(ids)).toBe(text);
    }
  });

  test.each(['', '7-5', 'a', '1,,2', '-3', '1.5', '0-9999999'])('%j is an InputError', (text) => {
    expect(() => parseIds(text, '--patients')).toThrow(InputError);
  });
});
