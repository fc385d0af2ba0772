import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experiments } from '../../src/experiments.ts';
import { flagOf } from '../../src/lib/argparse/flags.ts';
import { finetuneFlags } from '../../src/port/finetuning/trainer/flags.ts';
import { pretrainFlags } from '../../src/port/pretraining/trainer/flags.ts';
import { finetuneOptions, flagsOf, pretrainOptions, trialSeed } from '../../src/reproduce/settings.ts';
import { settingsIn } from './run_settings.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function withPatients(count: number): string {
  const place = join(folder, String(count));
  mkdirSync(join(place, 'records', 'icentia11k'), { recursive: true });
  for (let id = 0; id < count; id++) {
    writeFileSync(join(place, 'records', 'icentia11k', `${String(id).padStart(5, '0')}_batched.npy`), '');
  }
  return place;
}

const { quick } = experiments;

describe('flagsOf', () => {
  it('gives the original its own flags only', () => {
    const run = settingsIn(withPatients(3));
    const known = (table: object): string[] =>
      Object.entries(table).flatMap(([name, { addition }]) => (addition ? [] : [flagOf(name)]));
    for (const job of quick.pretraining) {
      const flags = flagsOf(pretrainOptions(run, 'original', job)).filter((word) => word.startsWith('--'));
      expect(known(pretrainFlags)).toEqual(expect.arrayContaining(flags));
    }
    for (const job of quick.finetuning) {
      const flags = flagsOf(finetuneOptions(run, 'original', job, 1)).filter((word) => word.startsWith('--'));
      expect(known(finetuneFlags)).toEqual(expect.arrayContaining(flags));
    }
  });

  it('writes switches without a value', () => {
    const options = pretrainOptions(settingsIn(withPatients(2)), 'original', quick.pretraining[0]);
    const flags = flagsOf(options);
    expect(flags).toEqual(expect.arrayContaining(['--unzipped', '--patients', '--samples-per-patient']));
    expect(flags[flags.indexOf('--unzipped') + 1]).toMatch(/^--/);
    expect(flags[flags.indexOf('--patients') + 1]).toBe('0,1');
  });
});

describe('pretrainOptions', () => {
  it('validates on other patients where there are several, and not at all where there is one', () => {
    const [job] = quick.pretraining;
    expect(pretrainOptions(settingsIn(withPatients(4)), 'port', job)).toMatchObject({ valPatients: 2, valSize: 32 });
    const alone = pretrainOptions(settingsIn(withPatients(1)), 'port', job);
    expect(alone.valPatients).toBeUndefined();
    expect(alone.cacheVal).toBeUndefined();
  });

  it('says so where the folder has no patients', () => {
    expect(() => pretrainOptions(settingsIn(withPatients(0)), 'port', quick.pretraining[0])).toThrow(
      /the folder has no patients.*--from data --force/,
    );
  });
});

describe('finetuneOptions', () => {
  const run = (): ReturnType<typeof settingsIn> => settingsIn(folder, { precision: 'bfloat16' });

  it('pairs the trials of all jobs by their seed', () => {
    for (const job of quick.finetuning) {
      expect(finetuneOptions(run(), 'port', job, 3)).toMatchObject({ seed: 2023, initSeed: 2023 });
      expect(finetuneOptions(run(), 'original', job, 3)).toMatchObject({ seed: 2023, initSeed: 2023 });
    }
    expect(trialSeed(2021, 1)).toBe(2021);
  });

  it('takes the weights of its own side, fitted to the leads of its set', () => {
    const [, beat, hr] = quick.finetuning;
    expect(finetuneOptions(run(), 'port', beat, 1).weightsFile).toBe(
      join(folder, 'port', 'weights', 'beat.weights.h5'),
    );
    expect(finetuneOptions(run(), 'original', hr, 1).weightsFile).toBe(
      join(folder, 'original', 'weights', 'hr.adjusted.weights.h5'),
    );
    expect(finetuneOptions(run(), 'port', quick.finetuning[0], 1).weightsFile).toBeUndefined();
  });

  it('validates the tasks of the PTB-XL benchmark on their own validation part', () => {
    const [job] = experiments['ptb-xl'].finetuning;
    const options = finetuneOptions(settingsIn(folder, { experiment: experiments['ptb-xl'] }), 'original', job, 1);
    const data = join(folder, 'original', 'data');
    expect(options).toMatchObject({ val: join(data, 'ptbxl-all_val.pkl'), test: join(data, 'ptbxl-all_test.pkl') });
    expect(options.valSize).toBeUndefined();
    expect(finetuneOptions(run(), 'port', quick.finetuning[0], 1).val).toBeUndefined();
  });

  it('lowers the precision of the port alone', () => {
    const [job] = quick.finetuning;
    expect(finetuneOptions(run(), 'port', job, 1).precision).toBe('bfloat16');
    expect(finetuneOptions(run(), 'original', job, 1).precision).toBeUndefined();
  });
});
