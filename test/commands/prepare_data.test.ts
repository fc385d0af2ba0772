import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { help, run } from '../../src/commands/prepare_data.ts';
import { readPreprocessing } from '../../src/prepare/preprocessing.ts';
import { writeChallenge17 } from '../prepare/collections.ts';

const folder = mkdtempSync(join(tmpdir(), 'prepare-command-'));
beforeAll(() =>
  writeChallenge17(
    join(folder, 'c17'),
    Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`A${i}`, i % 2 ? 'N' : 'A'])),
  ),
);
afterAll(() => rmSync(folder, { recursive: true }));

const base = ['--format', 'challenge17', '--source', join(folder, 'c17'), '--target', join(folder, 'out')];

describe('ecg-transplant prepare-data', () => {
  it('passes every option on', async () => {
    const options = [
      '--name',
      'small',
      '--fs',
      '125',
      '--pad',
      '300',
      '--normalize',
      'measured',
      '--test-size',
      '2',
      '--seed',
      '7',
      '--threads',
      '1',
    ];
    expect(await run([...base, ...options])).toBe(0);
    const contract = readPreprocessing(join(folder, 'out', 'small_train.pkl'))!;
    expect(contract).toMatchObject({
      samplingRate: 125,
      padding: { samples: 300 },
      split: { testSize: 2, seed: 7 },
      files: { test: { records: 2 } },
    });
    expect((contract.normalization!.mean as number[]).length).toBe(1);
  });

  it.each([
    [[], /the following arguments are required: --format, --source, --target/],
    [[...base, '--fs', 'fast'], /--fs: invalid value; got fast/],
    [[...base, '--pad', '0'], /--pad: invalid value; got 0/],
    [[...base, '--test-size', '1.5'], /--test-size: invalid value/],
    [[...base, '--split', 'half'], /--split: invalid value; got half; expected record, patient or fold/],
    [[...base, '--seed', '-1'], /--seed/],
    [[...base, '--format', 'mitdb'], /--format: unknown format; got mitdb; expected challenge17/],
    [[...base, '--source', join(folder, 'none')], /--source is not a directory/],
    [[...base, '--name', '../x'], /--name is not valid/],
  ] as [string[], RegExp][])('refuses %j', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  it('explains itself', () => {
    for (const word of ['challenge17', 'ptb-xl', 'wfdb-csv', '--force', 'labels.csv']) expect(help()).toContain(word);
  });
});
