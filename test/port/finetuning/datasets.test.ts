import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { IndexError, RuntimeError, ValueError } from '../../../src/lib/python/errors.ts';
import { dumps, loads } from '../../../src/lib/python/pickle.ts';
import { openResampler, type Resampler } from '../../../src/lib/samplerate/resample.ts';
import { dataSetFromPickle, dataSetToPickle } from '../../../src/port/finetuning/datasets/data_set.ts';
import {
  type DataOptions,
  getChallenge17Data,
  getChallenge20Data,
  getPtbXlData,
} from '../../../src/port/finetuning/datasets.ts';
import {
  copyChallenge17,
  copyPtbXl,
  writeChallenge17,
  writeChallenge20,
  writePtbXl,
} from '../../prepare/collections.ts';
import { callPython, type PythonCall, tell } from '../../prepare/prepare_python.ts';
import { proves } from '../../proofs/proves.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'finetuning-datasets-'));
const at = (name: string): string => join(folder, name);
let resampler: Resampler;
beforeAll(async () => {
  resampler = await openResampler();
  writeChallenge17(at('c17'), { A1: 'N', A2: 'A', A3: 'N', A4: '~', A5: 'O' });
  writeChallenge17(at('equal'), { B1: 'N' });
  writeChallenge20(at('c20'), { Q2: '59118001', Q1: '426783006,164889003', Q3: '59118001, 164889003' });
  writePtbXl(at('ptb'), [
    { id: 7, patient: 3, fold: 1, codes: "{'SR': 0.0, 'NORM': 100.0}" },
    { id: 2, patient: 4, fold: 2, codes: "{'AFIB': 100.0, 'SR': 15.0}" },
    { id: 5, patient: 3, fold: 10, codes: "{'PVC': 100.0}" },
    { id: 9, patient: 5, fold: 10, codes: '{}' },
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

type Case = [call: string, dir: string, options: DataOptions & { category?: string; folds?: number[] }];
const readers: Record<string, (dir: string, options: DataOptions) => ReturnType<typeof getChallenge17Data>> = {
  get_challenge17_data: getChallenge17Data,
  get_challenge20_data: getChallenge20Data,
  get_ptb_xl_data: getPtbXlData,
};

async function compare(cases: readonly Case[], alsoPython: readonly PythonCall[] = []): Promise<unknown[]> {
  const python = await callPython([
    ...cases.map(([call, dir, kwargs]): PythonCall => ({ call, args: [dir], kwargs })),
    ...alsoPython,
  ]);
  for (const [i, [call, dir, options]] of cases.entries()) {
    const got = await readers[call](dir, { ...options, resampler });
    expect(tell(got), `${call} ${dir} ${JSON.stringify(options)}`).toEqual(python[i]);
  }
  return python.slice(cases.length);
}

describe('finetuning.datasets', () => {
  it('finetuning.datasets.get_challenge17_data, get_challenge20_data, get_ptb_xl_data: every option as Python', async () => {
    proves('finetuning.datasets.get_challenge17_data', 'finetuning.datasets.get_challenge20_data');
    proves('finetuning.datasets.get_ptb_xl_data');
    const cases: Case[] = [
      ['get_challenge17_data', at('c17'), { fs: 250, pad: 1024, normalize: true }],
      ['get_challenge17_data', at('c17'), { fs: 250, pad: 400 }],
      ['get_challenge17_data', at('c17'), { fs: 300, pad: 'max', normalize: true }],
      ['get_challenge17_data', at('c17'), { pad: 'max' }],
      ['get_challenge17_data', at('equal'), { normalize: true }],
      ['get_challenge17_data', at('equal'), { fs: 250 }],
      ['get_challenge20_data', at('c20'), { fs: 250, pad: 'max', normalize: true }],
      ['get_challenge20_data', at('c20'), { pad: 2000 }],
      ['get_ptb_xl_data', at('ptb'), { fs: 250, pad: 700, normalize: true }],
      ['get_ptb_xl_data', at('ptb'), { normalize: true, category: 'form' }],
      ['get_ptb_xl_data', at('ptb'), { folds: [1, 10], category: 'diagnostic' }],
    ];
    const unpadded: PythonCall = { call: 'get_challenge17_data', args: [at('c17')], kwargs: { fs: 250 } };
    expect(await compare(cases, [unpadded])).toEqual([{ error: 'ValueError' }]);
  });

  it.skipIf(!haveSharedData)('finetuning.datasets: the recipe on real records of all three collections', async () => {
    copyChallenge17(at('real17'), 20);
    copyPtbXl(at('realptb'));
    const recipe = { fs: 250, pad: 16384, normalize: true } as const;
    await compare([
      ['get_challenge17_data', at('real17'), recipe],
      ['get_challenge20_data', join(sharedData, 'challenge2020', 'cpsc2018'), recipe],
      ['get_challenge20_data', join(sharedData, 'challenge2020', 'labelled'), recipe],
      ['get_ptb_xl_data', at('realptb'), recipe],
    ]);
  });

  it('finetuning.datasets: Quirk Q34: without padding, lengths have to be equal', async () => {
    await expect(getChallenge17Data(at('c17'), { fs: 250, resampler })).rejects.toThrow(ValueError);
  });
});

describe('finetuning.datasets: bad options', () => {
  it('rates and lengths that cannot be used: the types of errors of Python, before any record is read', async () => {
    const refused: [options: object, type: new (...args: never[]) => Error, message: RegExp][] = [
      [{ pad: -5 }, ValueError, /pad must be 'max' or a whole number of samples, got -5/],
      [{ pad: 2 ** 62 }, ValueError, /got 4611686018427388000/],
      [{ pad: 40.5 }, TypeError, /got 40\.5/],
      [{ pad: '40' }, TypeError, /got "40"/],
      [{ fs: '250' }, TypeError, /fs must be a number \(Hz\), got "250"/],
      [{ fs: Number.NaN }, ValueError, /got NaN/],
    ];
    for (const [options, type, message] of refused) {
      const call = (): Promise<unknown> => getChallenge17Data(at('c17'), { resampler, ...options });
      await expect(call()).rejects.toThrow(type);
      await expect(call()).rejects.toThrow(message);
    }
    await expect(getChallenge17Data(at('c17'), { fs: 1, resampler })).rejects.toThrow(RuntimeError);
  });

  it('no records: IndexError or ValueError, as the padding of Python', async () => {
    writeChallenge20(at('none'), {});
    await expect(getChallenge20Data(at('none'), { pad: 100, resampler })).rejects.toThrow(IndexError);
    await expect(getChallenge20Data(at('none'), { pad: 'max', resampler })).rejects.toThrow(ValueError);
  });
});

describe('data files', () => {
  it('a data set survives a pickle round trip', async () => {
    const dataSet = await getPtbXlData(at('ptb'), { fs: 250, pad: 'max', resampler });
    expect(dataSetFromPickle(loads(dumps(dataSetToPickle(dataSet))), 'x.pkl')).toEqual(dataSet);
  });

  it('refuses a pickle that is not a data set, and names file and key', () => {
    const x = ndarray('float32', [1, 2, 1], new Float32Array(2));
    const y = ndarray('int64', [1, 2], new BigInt64Array(2));
    const good = { x, y, recordIds: ['a'], classes: ['N', 'A'] };
    const load = (value: unknown): unknown => dataSetFromPickle(value, 'x.pkl');
    const without = (change: object): Map<string, unknown> =>
      new Map(Object.entries({ ...dataSetToPickle(good), ...change }));
    expect(() => load(5)).toThrow(InputError);
    expect(() => load(without({ y: undefined }))).toThrow(/x\.pkl, y: this is not a data set; got nothing/);
    expect(() => load(without({ x: y }))).toThrow(/x cannot be used; got int64 \(1, 2\)/);
    expect(() => load(without({ y: ndarray('int64', [2, 1], new BigInt64Array(2)) }))).toThrow(
      /y cannot be used; got int64 \(2, 1\); expected numbers \(1, classes\)/,
    );
    expect(() => load(without({ record_ids: y }))).toThrow(/record_ids cannot be used/);
  });
});
