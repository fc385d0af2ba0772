import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/commands/predict.ts';
import { finetune } from '../../src/port/finetuning/trainer.ts';
import { Predictor } from '../../src/predict/predict.ts';
import { prepareData } from '../../src/prepare/prepare_data.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { copyChallenge17, copyPtbXl } from '../prepare/collections.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';

// The backbone is cut to its first stage, as in the tests of the trainer.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

interface Collection {
  readonly source: string;
  /** File of a record without ending. */
  readonly record: (id: string | number) => string;
}

/** Every kind of data set that is published, as `prepare-data --format` names it. */
const collections: Readonly<Record<string, Collection>> = {
  challenge17: { source: at('challenge17'), record: (id) => at('challenge17', String(id)) },
  challenge20: {
    source: join(sharedData, 'challenge2020', 'cpsc2018'),
    record: (id) => join(sharedData, 'challenge2020', 'cpsc2018', String(id)),
  },
  'ptb-xl': {
    source: at('ptb-xl'),
    record: (id) => at('ptb-xl', 'records500', '00000', `${String(id).padStart(5, '0')}_hr`),
  },
  cpsc2018: {
    source: join(sharedData, 'cpsc2018_native'),
    record: (id) => join(sharedData, 'cpsc2018_native', String(id)),
  },
};

/** Largest difference of two arrays of probabilities. */
function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))));
}

describe.skipIf(!haveSharedData)('a network of each published collection', () => {
  const predictors = new Map<string, Predictor>();

  beforeAll(async () => {
    copyChallenge17(at('challenge17'), 6);
    copyPtbXl(at('ptb-xl'));
    for (const [format, { source }] of Object.entries(collections)) {
      const target = at(`${format}-data`);
      const set = { source, target, name: 'set', fs: 100, pad: 800, testSize: 0 };
      await prepareData({ ...set, format, threads: 1, resampler: 'javascript' });
      await finetune({
        jobDir: at(`${format}-job`),
        train: join(target, 'set.pkl'),
        batchSize: 4,
        seed: 1,
        initSeed: 1,
      });
      predictors.set(format, Predictor.open(at(`${format}-job`)));
    }
  }, 120_000);

  afterAll(() => {
    for (const predictor of predictors.values()) predictor.dispose();
  });

  test.for(Object.entries(collections))('%s: its recordings get what its prepared file gets', async ([format, own]) => {
    const predictor = predictors.get(format)!;
    const prepared = await predictor.predictFile(at(`${format}-data`, 'set.pkl'), 4);
    const ids = prepared.recordIds.slice(0, 5);
    const { probabilities, decisions } = await predictor.predictRecords(ids.map(own.record));
    const size = probabilities.data.length;
    expect(probabilities.shape[0]).toBe(ids.length);
    expect(
      distance(probabilities.data as Float32Array, (prepared.probabilities.data as Float32Array).subarray(0, size)),
    ).toBeLessThan(1e-6);
    expect(decisions.data).toEqual(prepared.decisions.data.subarray(0, size));
  });

  test('the same twelve leads in other forms: MATLAB struct, Challenge 2020, PTB-XL', async () => {
    const predictor = predictors.get('cpsc2018')!;
    const records = [
      collections['ptb-xl'].record(1),
      collections.challenge20.record('A0001'),
      collections.cpsc2018.record('A1980'),
    ];
    expect((await predictor.predictRecords(records)).probabilities.shape).toEqual([3, 9]);
  });

  test('one lead of a longer recording: Icentia11k by the name of its lead, MIT-BIH by --leads', async () => {
    const predictor = predictors.get('challenge17')!;
    const icentia = join(sharedData, 'icentia11k', 'p00', 'p00000', 'p00000_s00');
    const shape = [1, predictor.model.classes.length];
    expect((await predictor.predictRecords([icentia])).probabilities.shape).toEqual(shape);
    const mitBih = join(sharedData, 'mitdb', '100');
    await expect(predictor.predictRecords([mitBih])).rejects.toThrow('leads are missing; got MLII, V5; expected ECG');
    const named = await predictor.predictRecords([mitBih], { leads: ['MLII'] });
    expect(named.probabilities.shape).toEqual(shape);
    const other = await predictor.predictRecords([mitBih], { leads: ['V5'] });
    expect(distance(other.probabilities.data as Float32Array, named.probabilities.data as Float32Array)).not.toBe(0);
  });

  test('twelve leads are not predicted from one', async () => {
    const record = collections.challenge17.record('A00009');
    await expect(predictors.get('ptb-xl')!.predictRecords([record])).rejects.toThrow(
      'leads are missing; got ECG; expected I, II, III, AVR',
    );
  });

  test('a signal file without its header says what is missing', async () => {
    mkdirSync(at('lone'));
    copyFileSync(join(sharedData, 'cinc2017', 'A00009.mat'), at('lone', 'A00009.mat'));
    await expect(predictors.get('challenge17')!.predictRecords([at('lone', 'A00009')])).rejects.toThrow(
      /A00009\.mat: this is not a recording of CPSC 2018, and has no WFDB header beside it; got a MATLAB 4 file\. .*A00009\.hea/,
    );
  });

  test('ecg-transplant predict draws CPSC 2018 recordings that are named by their files', async () => {
    const say = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const record = `${collections.cpsc2018.record('A1982')}.mat`;
      const out = ['--csv', at('out.csv'), '--picture', at('strips')];
      expect(await run(['--job-dir', at('cpsc2018-job'), ...out, record])).toBe(0);
    } finally {
      say.mockRestore();
    }
    expect(readdirSync(at('strips'))).toEqual(['A1982.svg']);
  });
});
