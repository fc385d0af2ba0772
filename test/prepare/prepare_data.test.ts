import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { ProgressEvent } from '../../src/events.ts';
import { zeros } from '../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../src/lib/numpy/npy.ts';
import { loadSync } from '../../src/lib/python/pickle.ts';
import { openResampler } from '../../src/lib/samplerate/resample.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { dataSetFromPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import {
  type DataSet,
  getChallenge17Data,
  getChallenge20Data,
  getPtbXlData,
} from '../../src/port/finetuning/datasets.ts';
import { type PrepareOptions, prepareData } from '../../src/prepare/prepare_data.ts';
import { readPreprocessing } from '../../src/prepare/preprocessing.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';
import { writeChallenge17, writeChallenge20, writePtbXl } from './collections.ts';
import { callPython, tell } from './prepare_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'prepare-data-'));
const at = (...names: string[]): string => join(folder, ...names);
const read = (...names: string[]): DataSet => dataSetFromPickle(loadSync(at(...names)), names.join('/'));

const names = Array.from({ length: 20 }, (_, i) => `A${100 + i}`);
beforeAll(() => {
  writeChallenge17(at('c17'), Object.fromEntries(names.map((name, i) => [name, 'NAO~'[i % 4]])));
  writeChallenge20(
    at('c20'),
    Object.fromEntries(names.slice(0, 10).map((name, i) => [name, i % 3 ? '59118001' : '426783006,164889003'])),
  );
  writePtbXl(
    at('ptb'),
    names.slice(0, 12).map((_, i) => ({
      id: 30 - i,
      patient: i >> 1,
      fold: 1 + (i % 4),
      codes: i % 3 ? "{'SR': 0.0}" : "{'AFIB': 1.0, 'SR': 0.0}",
    })),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Preparation with few samples and a fixed seed. */
function prepare(options: Partial<PrepareOptions> & Pick<PrepareOptions, 'format' | 'source' | 'target'>) {
  return prepareData({ pad: 512, seed: 42, threads: 2, resampler: 'javascript', ...options });
}

describe('prepare-data', () => {
  it('equals get_*_data, train_test_split, save_pkl of the Python original, which loads the files', async () => {
    await prepare({ format: 'challenge17', source: at('c17'), target: at('out') });
    await prepare({ format: 'challenge20', source: at('c20'), target: at('out'), pad: 'max' });
    await prepare({ format: 'ptb-xl', source: at('ptb'), target: at('out'), threads: 1 });
    const recipe = { fs: 250, pad: 512, normalize: true };
    const files = ['physionet', 'challenge20', 'ptbxl'].flatMap((name) => [
      at('out', `${name}_train.pkl`),
      at('out', `${name}_test.pkl`),
    ]);
    const [c17, c20, ptb, ...loaded] = (await callPython([
      {
        call: 'get_challenge17_data',
        args: [at('c17')],
        kwargs: recipe,
        seed: 42,
        split: { test_size: 0.2, stratify: true },
      },
      {
        call: 'get_challenge20_data',
        args: [at('c20')],
        kwargs: { ...recipe, pad: 'max' },
        seed: 42,
        split: { test_size: 0.2 },
      },
      { call: 'get_ptb_xl_data', args: [at('ptb')], kwargs: recipe, seed: 42, split: { test_size: 0.2 } },
      ...files.map((load) => ({ load })),
    ])) as object[][];
    const withoutPatients = loaded.map((data) => {
      const { patient_ids: _, ...rest } = data as unknown as Record<string, object>;
      return rest;
    });
    expect(withoutPatients).toEqual([...c17, ...c20, ...ptb]);
    expect(files.map((file) => tell(dataSetFromPickle(loadSync(file), file)))).toEqual(withoutPatients);
    const patients = read('out', 'ptbxl_test.pkl');
    expect(patients.patientIds).toEqual(patients.recordIds.map((id) => (30 - Number(id)) >> 1));
  });

  it.each([
    ['challenge17', getChallenge17Data, 'c17', {}],
    ['challenge17', getChallenge17Data, 'c17', { fs: null, pad: 'max', normalize: 'none' }],
    ['challenge20', getChallenge20Data, 'c20', { fs: 97, pad: 'max' }],
    ['ptb-xl', getPtbXlData, 'ptb', { fs: 500, pad: 700 }],
    ['ptb-xl', getPtbXlData, 'ptb', { fs: 250, pad: null }],
  ] as const)('gives the recordings of get_*_data to the last bit: %s', async (format, twin, source, change) => {
    const { fs = 250, pad = 512, normalize } = change as Partial<PrepareOptions>;
    await prepare({ format, source: at(source), target: at('twin'), name: 'x', testSize: 0, force: true, ...change });
    const resampler = await openResampler('javascript');
    const data = await twin(at(source), { fs, pad, normalize: normalize !== 'none', resampler });
    expect(tell(read('twin', 'x.pkl'))).toEqual(tell(data));
  });

  it('writes what was done into preprocessing.json, one description for each set of the folder', () => {
    const contract = readPreprocessing(at('out', 'physionet_test.pkl'))!;
    expect(contract).toMatchObject({
      collection: 'challenge17',
      source: { folder: at('c17'), records: 20 },
      samplingRate: 250,
      leads: ['ECG'],
      units: 'mV',
      normalization: { mean: 0.0075, std: 0.2373 },
      resampling: { library: 'libsamplerate', converter: 'sinc_best', targetRate: 250 },
      padding: { samples: 512, side: 'front', value: 0 },
      dtype: 'float32',
      classes: ['A', 'N', 'O', '~'],
      multiLabel: false,
      split: { by: 'record', testSize: 0.2, stratified: true, seed: 42 },
    });
    expect(contract.files.train).toMatchObject({ file: 'physionet_train.pkl', records: 16 });
    expect(contract.files.test.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(contract.source.index['REFERENCE.csv']).toMatch(/^[0-9a-f]{64}$/);
    expect(readPreprocessing(at('out', 'ptbxl_train.pkl'))).toMatchObject({
      collection: 'ptb-xl',
      multiLabel: true,
      split: { stratified: false },
    });
    expect(readPreprocessing(at('out', 'other.pkl'))).toBeUndefined();
    expect(readdirSync(at('out')).sort()).toEqual(
      ['challenge20', 'physionet', 'ptbxl']
        .flatMap((name) => [`${name}_test.pkl`, `${name}_train.pkl`])
        .concat('preprocessing.json')
        .sort(),
    );
  });

  it('refuses to replace files without force', async () => {
    const before = readFileSync(at('out', 'physionet_train.pkl'));
    const again = { format: 'challenge17', source: at('c17'), target: at('out'), seed: 1 };
    await expect(prepare(again)).rejects.toThrow(
      /physionet_train\.pkl: the file already exists\. Replace it with --force/,
    );
    expect(readFileSync(at('out', 'physionet_train.pkl'))).toEqual(before);
    await prepare({ ...again, force: true });
    expect(readFileSync(at('out', 'physionet_train.pkl'))).not.toEqual(before);
  });

  it('continues after an interruption, with the same result', async () => {
    const options = { format: 'challenge17', source: at('c17'), target: at('resumed') };
    const stop = new Error('stopped');
    const interrupted = prepare({
      ...options,
      report: (event) => {
        if (event.kind === 'progress' && event.task === 'preparing records' && event.done === 7) throw stop;
      },
    });
    await expect(interrupted).rejects.toThrow(stop);
    expect(readdirSync(at('resumed'))).toEqual(['.physionet.partial']);
    // As if the machine had stopped while the eighth recording was being written.
    const signals = at('resumed', '.physionet.partial', 'signals.bin');
    writeFileSync(signals, Buffer.concat([readFileSync(signals), Buffer.alloc(100, 7)]));
    const journal = at('resumed', '.physionet.partial', 'journal.jsonl');
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"offset":1`);
    const events: ProgressEvent[] = [];
    await prepare({ ...options, report: (event) => events.push(event) });
    expect(events).toContainEqual({ kind: 'message', text: '7 records were prepared by an earlier run' });
    await prepare({ ...options, target: at('whole') });
    for (const part of ['train', 'test']) {
      expect(tell(read('resumed', `physionet_${part}.pkl`))).toEqual(tell(read('whole', `physionet_${part}.pkl`)));
    }
    expect(existsSync(at('resumed', '.physionet.partial'))).toBe(false);
  });

  it('does not reuse recordings that were prepared with other options', async () => {
    const options = { format: 'challenge17', source: at('c17'), target: at('changed') };
    const stop = (event: ProgressEvent): void => {
      if (event.kind === 'progress' && event.done === 5) throw new Error('stopped');
    };
    await expect(prepare({ ...options, normalize: 'none', report: stop })).rejects.toThrow('stopped');
    await prepare(options);
    expect(tell(read('changed', 'physionet_test.pkl'))).toEqual(tell(read('whole', 'physionet_test.pkl')));
  });

  it('stops at a damaged record and names file and position; the next run continues there', async () => {
    writeChallenge17(at('broken'), { B1: 'N', B2: 'A', B3: 'N', B4: 'A' });
    const file = at('broken', 'B3.mat');
    const good = readFileSync(file);
    writeFileSync(file, good.subarray(0, 500));
    const options = { format: 'challenge17', source: at('broken'), target: at('mended'), testSize: 0.5 };
    await expect(prepare(options)).rejects.toThrow(InputError);
    await expect(prepare(options)).rejects.toThrow(
      /B3\.mat: the signal file is shorter than its header says; got 500 bytes/,
    );
    writeFileSync(file, good);
    const { files } = await prepare(options);
    expect(files.test.records).toBe(2);
  });

  it('splits by patient and by fold', async () => {
    const { split } = await prepare({
      format: 'ptb-xl',
      source: at('ptb'),
      target: at('patients'),
      splitBy: 'patient',
    });
    expect(split).toEqual({ by: 'patient', testSize: 0.2, testFolds: null, stratified: false, seed: 42 });
    const [train, test] = ['train', 'test'].map((part) => new Set(read('patients', `ptbxl_${part}.pkl`).patientIds));
    expect([...train].filter((patient) => test.has(patient))).toEqual([]);
    expect(train.size + test.size).toBe(6);
    await prepare({ format: 'ptb-xl', source: at('ptb'), target: at('folds'), testFolds: [4] });
    expect(read('folds', 'ptbxl_test.pkl').recordIds).toEqual([27, 23, 19]);
  });

  it('test size 0 gives one file', async () => {
    const { files } = await prepare({
      format: 'challenge17',
      source: at('c17'),
      target: at('one'),
      testSize: 0,
      name: 'all',
    });
    expect(files).toMatchObject({ all: { file: 'all.pkl', records: 20 } });
    expect(read('one', 'all.pkl').recordIds).toEqual(names);
  });

  it.skipIf(!haveSharedData)('CPSC 2018 as first published', async () => {
    const { classes, leads } = await prepare({
      format: 'cpsc2018',
      source: join(sharedData, 'cpsc2018_native'),
      target: at('cpsc'),
      testSize: 0,
      pad: 'max',
    });
    const data = read('cpsc', 'cpsc2018.pkl');
    expect(data.x.shape).toEqual([4, 10_750, 12]);
    expect([classes.length, leads[3]]).toEqual([9, 'aVR']);
    expect(
      data.recordIds.map(
        (_, i) => classes[data.y.data.subarray(i * 9, i * 9 + 9).findIndex((one) => Number(one) === 1)],
      ),
    ).toEqual(['PAC', 'I-AVB', 'STD', 'RBBB']);
  });
});

describe('prepare-data --format wfdb-csv', () => {
  const lead = (name: string, length: number, unit: number) => ({
    name,
    gain: 1000 / unit,
    units: unit === 1 ? 'mV' : 'uV',
    samples: Int16Array.from({ length }, (_, i) => 500 * Math.sin(i / 7) + 100),
  });
  beforeAll(() => {
    mkdirSync(at('own'));
    wrsamp(at('own'), { recordName: 'w', fs: 360, signals: [lead('II', 720, 1), lead('V1', 720, 1)] });
    wrsamp(at('own'), {
      recordName: 'u',
      fs: 250,
      signals: [lead('v1', 500, 1), lead('ii', 500, 1), lead('V5', 500, 1)],
    });
    const rows = Array.from({ length: 600 }, (_, i) => `${Math.sin(i / 7) * 500 + 100},${Math.cos(i / 9) * 500}`);
    writeFileSync(at('own', 'c.csv'), `II,V1\n${rows.join('\n')}\n`);
    const array = zeros('float32', [600, 2]);
    array.data.forEach((_, i) => {
      array.data[i] = Math.sin(i / 11) * 400;
    });
    writeNpy(at('own', 'n.npy'), array);
    writeFileSync(at('own', 'labels.csv'), 'record,patient,labels\nw,p1,AF\nu,p1,N\nc,p2,AF;PVC\nn,p3,N\n');
  });
  const options = {
    format: 'wfdb-csv',
    source: at('own'),
    target: at('ownout'),
    recordFs: 300,
    recordUnits: 'uV',
    recordLeads: ['II', 'V1'],
    testSize: 1,
  };

  it('reads WFDB, CSV and npy, matches leads by name, converts units, measures on the training part, divides by patient', async () => {
    const contract = await prepare(options);
    expect(contract).toMatchObject({
      leads: ['II', 'V1'],
      units: 'mV',
      classes: ['AF', 'N', 'PVC'],
      multiLabel: true,
      split: { by: 'patient' },
    });
    const train = read('ownout', 'recordings_train.pkl');
    const test = read('ownout', 'recordings_test.pkl');
    expect([...train.recordIds, ...test.recordIds].sort()).toEqual(['c', 'n', 'u', 'w']);
    const { mean, std } = contract.normalization as { mean: number[]; std: number[] };
    expect([mean.length, std.length]).toEqual([2, 2]);
    // In microvolts the CSV recording would be a thousand times as high.
    expect(Math.max(...mean.map(Math.abs), ...std)).toBeLessThan(1);
    expect(Math.max(...train.x.data)).toBeLessThan(5);
    expect(statSync(at('ownout', 'recordings_train.pkl')).size).toBeGreaterThan(100);
  });

  it('says which file and line is wrong', async () => {
    const cases: [labels: string, change: Partial<PrepareOptions>, message: RegExp][] = [
      ['record,labels\nw,AF\nw,N\n', {}, /labels\.csv, line 3: the record is listed twice; got w/],
      ['record\nw\n', {}, /columns are missing; got record; expected labels/],
      ['record,patient,labels\nw,,AF\nu,p,N\n', {}, /labels\.csv, line 2: the patient is missing/],
      ['record,labels\n../w,AF\n', {}, /labels\.csv, line 2: a record lies outside the folder/],
      [
        'record,labels\nw,AF\nnone,N\n',
        { testSize: 0 },
        /No such file or directory: .*none \(nor with \.hea, \.csv, \.npy, \.mat, \.edf, \.bdf, \.xml or \.dcm\)/,
      ],
      [
        'record,labels\nw,AF\nc,N\n',
        { recordFs: undefined, testSize: 0 },
        /c\.csv: the sampling rate of the recording is not known/,
      ],
      [
        'record,labels\nw,AF\nu,N\n',
        { leads: ['II', 'V9'], testSize: 0 },
        /w\.hea: leads are missing; got II, V1; expected V9\. Name the leads to take in their place: --leads II,V1/,
      ],
      [
        'record,labels\nw,AF\nu,N\n',
        { fs: null, normalize: 'none', testSize: 0 },
        /recordings have different sampling rates; got 250 Hz; expected 360 Hz/,
      ],
      [
        'record,labels\nw,AF\nu,N\n',
        { splitBy: 'patient' },
        /the collection does not say which patients the records are from/,
      ],
    ];
    for (const [labels, change, message] of cases) {
      writeFileSync(at('own', 'labels.csv'), labels);
      await expect(prepare({ ...options, target: at('wrong'), ...change })).rejects.toThrow(message);
    }
  });

  it('refuses missing samples unless they are accepted', async () => {
    mkdirSync(at('nan'));
    const samples = Int16Array.from({ length: 600 }, (_, i) => (i === 300 ? -32768 : i));
    wrsamp(at('nan'), { recordName: 'm', fs: 250, signals: [{ name: 'I', gain: 100, samples }] });
    writeFileSync(at('nan', 'labels.csv'), 'record,labels\nm,N\n');
    const plan = {
      format: 'wfdb-csv',
      source: at('nan'),
      target: at('nanout'),
      testSize: 0,
      normalize: 'none' as const,
    };
    await expect(prepare(plan)).rejects.toThrow(/m\.hea, sample 300 of lead I: a sample is missing or not finite/);
    await prepare({ ...plan, keepMissing: true });
    expect(read('nanout', 'recordings.pkl').x.data.filter(Number.isNaN)).toHaveLength(1);
  });

  it('--keep-missing accepts empty cells and NaN in CSV, and measures without them', async () => {
    mkdirSync(at('gaps'));
    const row = (i: number): string =>
      `${i / 250},${i === 9 ? '' : Math.sin(i / 7)},${i === 11 ? 'NaN' : Math.cos(i / 7)}`;
    writeFileSync(at('gaps', 'r.csv'), `time,I,II\n${Array.from({ length: 500 }, (_, i) => row(i)).join('\n')}\n`);
    writeFileSync(at('gaps', 'labels.csv'), 'record,labels\nr,N\n');
    const plan = { format: 'wfdb-csv', source: at('gaps'), target: at('gapsout'), testSize: 0, pad: 'max' as const };
    await expect(prepare(plan)).rejects.toThrow(/r\.csv, sample 9 of lead I: a sample is missing/);
    const { leads, samplingRate, normalization } = await prepare({ ...plan, keepMissing: true });
    expect({ leads, samplingRate }).toEqual({ leads: ['I', 'II'], samplingRate: 250 });
    expect((normalization!.std as number[]).map((value) => value > 0.6 && value < 0.8)).toEqual([true, true]);
    const { data } = read('gapsout', 'recordings.pkl').x;
    expect([...data.keys()].filter((i) => Number.isNaN(data[i]))).toEqual([2 * 9, 2 * 11 + 1]);
  });
});
