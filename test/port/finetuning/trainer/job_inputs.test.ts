import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { ProgressEvent } from '../../../../src/events.ts';
import { type NdArray, ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { random } from '../../../../src/lib/numpy/random.ts';
import { fileDigest } from '../../../../src/lib/python/hashlib.ts';
import { dataSetToPickle } from '../../../../src/port/finetuning/datasets/data_set.ts';
import type { DataSet, PreparedSet } from '../../../../src/port/finetuning/datasets.ts';
import { createClassifier } from '../../../../src/port/finetuning/trainer/classifier.ts';
import { type JobSetOptions, type JobSets, withJobSets } from '../../../../src/port/finetuning/trainer/sets.ts';
import { finetune } from '../../../../src/port/finetuning/trainer.ts';
import { savePkl } from '../../../../src/port/transplant/utils.ts';
import { Predictor } from '../../../../src/predict/predict.ts';
import type { Preprocessing } from '../../../../src/prepare/preprocessing.ts';
import { saveSession } from '../../../../src/weights/model_weights.ts';
import { smallSet, temporaryFolder } from '../../training_data.ts';

// The backbone is cut to its first stage, which the command line cannot: the files are small, the jobs short.
vi.mock('../../../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** A preparation such as prepare-data describes; the file's name is filled in. */
const preparation: Preprocessing = {
  format: 1,
  collection: 'wfdb-csv',
  source: { folder: '/recordings', records: 24, index: {} },
  samplingRate: 250,
  leads: ['I'],
  units: 'mV',
  normalization: { mean: [0.1], std: [0.5] },
  resampling: { library: 'libsamplerate', converter: 'sinc_best', targetRate: 250 },
  padding: { samples: 64, side: 'front', value: 0 },
  dtype: 'float32',
  classes: ['A', 'N', 'O', '~'],
  multiLabel: false,
  split: { by: 'record', testSize: 0.2, testFolds: null, stratified: true, seed: 1 },
  files: {},
};

let written = 0;

/** Writes a set into a folder of its own, with its description if there is one. */
async function write(set: DataSet, described?: Partial<Preprocessing>): Promise<string> {
  const dir = at(`set-${written++}`);
  mkdirSync(dir);
  await savePkl(join(dir, 'set.pkl'), dataSetToPickle(set));
  if (described) {
    const files = { all: { file: 'set.pkl', records: set.recordIds.length, sha256: '0'.repeat(64) } };
    writeFileSync(join(dir, 'preprocessing.json'), JSON.stringify({ set: { ...preparation, ...described, files } }));
  }
  return join(dir, 'set.pkl');
}

/** The set under other record names, so that it shares none with the training set. */
function renamed(set: DataSet): DataSet {
  return { ...set, recordIds: set.recordIds.map((id) => `T${id}`) };
}

/** Takes records out of a set. */
function without(set: DataSet, drop: (record: number) => boolean): DataSet {
  const kept = set.recordIds.map((_, i) => i).filter((i) => !drop(i));
  const rows = (array: NdArray): NdArray => {
    const width = array.data.length / array.shape[0];
    const data = array.data.slice(0, kept.length * width) as Float32Array;
    for (const [to, from] of kept.entries()) {
      data.set((array.data as Float32Array).subarray(from * width, (from + 1) * width), to * width);
    }
    return ndarray(array.dtype, [kept.length, ...array.shape.slice(1)], data as never);
  };
  return {
    x: rows(set.x) as DataSet['x'],
    y: rows(set.y),
    classes: set.classes,
    recordIds: kept.map((i) => set.recordIds[i]),
    ...(set.patientIds && { patientIds: kept.map((i) => set.patientIds![i]) }),
  };
}

/** Labels with the columns in another order. */
function columns({ y }: DataSet, order: readonly number[]): NdArray<'bool'> {
  const data = y.data as Uint8Array;
  return ndarray(
    'bool',
    y.shape,
    data.map((_, i) => data[i - (i % 4) + order[i % 4]]),
  );
}

const labelsOf = (set: PreparedSet | undefined): string[] =>
  set!.recordIds.map((_, i) => {
    const width = set!.classes.length;
    return set!.classes.filter((__, k) => Number(set!.y.data[i * width + k]) === 1).join('+');
  });

/** What a job is given, and what is said on the way. */
async function open(options: JobSetOptions): Promise<{ sets: JobSets; said: string[] }> {
  const said: string[] = [];
  const report = (event: ProgressEvent): void => {
    if (event.kind === 'message' || event.kind === 'warning') said.push(`${event.kind}: ${event.text}`);
  };
  const sets = await withJobSets(options, { folder, report }, async (all) => all);
  return { sets, said };
}

const train = smallSet({ records: 24 });
const test12 = renamed(smallSet({ records: 12, seed: 2 }));

describe('inputs of a finetuning job are checked against each other before anything is trained', () => {
  test('classes in another order are put in order, with a message', async () => {
    const order = [2, 0, 3, 1];
    const y = columns(test12, order);
    const shuffled = { ...test12, y, classes: order.map((k) => test12.classes[k]) };
    const files = { train: await write(train), test: await write(shuffled), val: await write(shuffled) };
    const { sets, said } = await open(files);
    expect(sets.test!.classes).toEqual(['A', 'N', 'O', '~']);
    expect(labelsOf(sets.test)).toEqual(test12.recordIds.map((_, i) => ['A', 'N', 'O', '~'][i % 4]));
    expect(labelsOf(sets.val)).toEqual(labelsOf(sets.test));
    expect(said).toContain(
      `message: ${files.test}: classes O, A, ~, N are put in the order of ${files.train}: A, N, O, ~`,
    );
  });

  const flat = (values: ArrayLike<number>): Uint8Array => Uint8Array.from(values);
  const cases: Record<string, [DataSet, string]> = {
    'other classes': [
      { ...test12, classes: ['A', 'N', 'O', 'P'] },
      'has other classes than TRAIN; got 4: A, N, O, P; expected 4: A, N, O, ~',
    ],
    'fewer classes': [
      {
        ...test12,
        classes: ['A', 'N', 'O'],
        y: ndarray(
          'bool',
          [12, 3],
          flat(Array.from({ length: 36 }, (_, i) => Number(Math.floor(i / 3) % 3 === i % 3))),
        ),
      },
      'has other classes than TRAIN; got 3: A, N, O; expected 4: A, N, O, ~',
    ],
    'several labels': [
      { ...test12, y: ndarray('bool', [12, 4], flat(new Array(48).fill(1))) },
      'record TA00000: has records with several labels or none, TRAIN has exactly one for each; got 4 labels; expected 1',
    ],
    'other length': [
      renamed(smallSet({ records: 12, samples: 60 })),
      'does not fit TRAIN; got samples 60; expected samples 64',
    ],
    'more leads': [
      renamed(smallSet({ records: 12, leads: 2 })),
      'does not fit TRAIN; got number of leads 2; expected number of leads 1',
    ],
    float64: [
      { ...test12, x: ndarray('float64', test12.x.shape, Float64Array.from(test12.x.data)) },
      'does not fit TRAIN; got type of x float64; expected type of x float32',
    ],
    'no records': [without(test12, () => true), 'the set has no records'],
    'one record': [without(test12, (i) => i > 0), 'one PART record is too few; expected at least 2'],
    'one class alone': [
      { ...test12, classes: ['A'], y: ndarray('int32', [12, 1], new Int32Array(12).fill(1)) },
      'the set has one class; got A; expected at least two classes',
    ],
    'a class twice': [{ ...test12, classes: ['A', 'N', 'A', '~'] }, 'two classes have the same name; got A'],
    'soft labels': [
      {
        ...test12,
        y: ndarray(
          'float32',
          [12, 4],
          Float32Array.from({ length: 48 }, (_, i) => (i === 7 ? 0.3 : Number(Math.floor(i / 4) % 4 === i % 4))),
        ),
      },
      'record TA00001, class ~: a label is not 0 or 1; got 0.30000001192092896',
    ],
    'labels of -1': [
      {
        ...test12,
        y: ndarray(
          'int64',
          [12, 4],
          BigInt64Array.from({ length: 48 }, () => -1n),
        ),
      },
      'record TA00000, class A: a label is not 0 or 1; got -1',
    ],
    NaN: [
      {
        ...test12,
        x: ndarray(
          'float32',
          test12.x.shape,
          Float32Array.from(test12.x.data, (v, i) => (i === 70 ? Number.NaN : v)),
        ),
      },
      'samples are missing (NaN) or infinite; got 1 of 12 records: TA00001',
    ],
    infinity: [
      {
        ...test12,
        x: ndarray(
          'float32',
          test12.x.shape,
          Float32Array.from(test12.x.data, (v, i) => (i % 64 === 9 ? -1 / 0 : v)),
        ),
      },
      'samples are missing (NaN) or infinite; got 12 of 12 records: TA00000, TA00001, TA00002, …',
    ],
  };
  test.for(Object.entries(cases))(
    '%s: refused in --val and --test, and both files are named',
    async ([, [set, message]]) => {
      const file = await write(set);
      const first = await write(train);
      for (const [part, name] of [
        ['val', 'validation'],
        ['test', 'test'],
      ] as const) {
        const expected = message.replace('TRAIN', first).replace('PART', name);
        await expect(open({ train: first, [part]: file })).rejects.toThrow(expected);
        await expect(open({ train: first, [part]: file })).rejects.toThrow(file);
      }
    },
  );

  const preparations: Record<string, [Partial<Preprocessing>, string, string]> = {
    rate: [{ samplingRate: 500 }, 'sampling rate 500 Hz', 'sampling rate 250 Hz'],
    leads: [{ leads: ['V1'] }, 'lead names V1', 'lead names I'],
    units: [{ units: 'V' }, 'unit V', 'unit mV'],
    normalisation: [
      { normalization: { mean: 0.2, std: 0.5 } },
      'normalisation mean 0.2 std 0.5',
      'normalisation mean 0.1 std 0.5',
    ],
    'no normalisation': [{ normalization: null }, 'normalisation none', 'normalisation mean 0.1 std 0.5'],
    resampling: [{ resampling: null }, 'resampling none', 'resampling to 250 Hz'],
    padding: [{ padding: null }, 'padding none', 'padding to 64 samples'],
  };
  test.for(Object.entries(preparations))(
    'another preparation is refused by its description: %s',
    async ([, [other, got, expected]]) => {
      const [first, second] = [await write(train, {}), await write(test12, other)];
      const message = `${second}: does not fit ${first}; got ${got}; expected ${expected}. Prepare it as the training set was: ecg-transplant prepare-data --like`;
      await expect(open({ train: first, test: second })).rejects.toThrow(message);
      await expect(open({ train: first, val: second })).rejects.toThrow(message);
    },
  );

  test('one number equals the same number for each lead; lead names ignore case', async () => {
    const [first, second] = [
      await write(train, {}),
      await write(test12, { leads: ['i'], normalization: { mean: 0.1, std: 0.5 } }),
    ];
    await expect(open({ train: first, test: second })).resolves.toBeDefined();
  });

  test('--channel compares only the lead that is used', async () => {
    const two = { leads: ['I', 'V1'], normalization: { mean: [0.1, 0.2], std: [1, 2] } };
    const first = await write(smallSet({ records: 24, leads: 2 }), two);
    const second = await write(renamed(smallSet({ records: 12, leads: 2 })), {
      ...two,
      normalization: { mean: [0.1, 0.3], std: [1, 2] },
    });
    await expect(open({ train: first, test: second, channel: 0 })).resolves.toBeDefined();
    await expect(open({ train: first, test: second, channel: 1 })).rejects.toThrow(
      'got normalisation mean 0.3 std 2; expected normalisation mean 0.2 std 2',
    );
    await expect(open({ train: first, test: second })).rejects.toThrow(
      'got normalisation mean [0.1 0.3] std [1 2]; expected normalisation mean [0.1 0.2] std [1 2]',
    );
  });

  test('the same file twice is refused; shared records and patients are counted', async () => {
    const first = await write(train);
    await expect(open({ train: first, test: join(first, '..', 'set.pkl') })).rejects.toThrow(
      '--test is the training set',
    );
    await expect(open({ train: first, val: first })).rejects.toThrow('--val is the training set');
    const part = without(train, (i) => i < 20);
    const patients = (set: DataSet, count: number): DataSet => ({
      ...set,
      patientIds: set.recordIds.map((_, i) => i % count),
    });
    const { said } = await open({ train: first, test: await write(part) });
    expect(said).toContainEqual(expect.stringContaining('4 of the 4 records of'));
    expect(said).toContainEqual(expect.stringContaining('(4 also its samples)'));
    const known = await open({ train: await write(patients(train, 6)), test: await write(patients(test12, 3)) });
    expect(known.said).toEqual([
      expect.stringMatching(/^warning: 3 patients of .* \(12 of its 12 records\) are in the training set too/),
    ]);
    const twice = await open({ train: await write({ ...train, recordIds: train.recordIds.map((_, i) => i % 20) }) });
    expect(twice.said).toEqual([
      expect.stringContaining('4 of 24 records have the same name as another record of the set'),
    ]);
    const unknown = await open({ train: await write(train), test: await write(test12) });
    expect(unknown.said).toEqual([]);
  });

  test('warns about a class without records; refuses training records that all have the same labels', async () => {
    const first = await write(train);
    const { said } = await open({ train: first, test: await write(without(test12, (i) => i % 4 > 1)) });
    expect(said).toEqual([expect.stringMatching(/^warning: .*: no test record has the classes O, ~$/)]);
    await expect(open({ train: await write(without(train, (i) => i % 4 !== 2)) })).rejects.toThrow(
      'all training records have the same labels, so there is nothing to learn; got O',
    );
  });

  test('--val-metric auc needs records with and without each class (Quirk Q9)', async () => {
    const first = await write(train);
    const val = await write(without(test12, (i) => i % 4 === 3));
    const message = `${val}, class ~: --val-metric auc needs validation records with and without each class; got 0 of 9 validation records. Choose --val-metric f1 or loss, or another --val.`;
    await expect(open({ train: first, val, valMetric: 'auc' })).rejects.toThrow(message);
    await expect(open({ train: first, val, valMetric: 'f1' })).resolves.toBeDefined();
    const multi = smallSet({ records: 20, multiLabel: true });
    const always = {
      ...multi,
      y: ndarray(
        'int32',
        multi.y.shape,
        (multi.y.data as Int32Array).map((v, i) => (i % 3 === 0 ? 1 : v)),
      ),
    };
    await expect(open({ train: await write(always), valMetric: 'auc' })).rejects.toThrow(
      'class SR: --val-metric auc needs training records with and without each class; got 20 of 20 training records',
    );
  });
});

describe('--val-size and --subset', () => {
  const rare = without(smallSet({ records: 24 }), (i) => i % 4 === 3 && i > 3);
  test.for([
    [
      rare,
      { valSize: 0.2 },
      'class ~: --val-size 0.2 needs 2 records of each class, one for each part; got 1 record: A00003. Leave out --val-size, or give a validation set: --val FILE',
      {},
    ],
    [
      rare,
      { subset: 0.5 },
      'class ~: --subset 0.5 needs 2 records of each class, one for each part; got 1 record: A00003. Leave out --subset',
      {},
    ],
    [
      train,
      { valSize: 0.1 },
      '--val-size 0.1 leaves too few records for 4 classes; got 21 and 3 of 24 records; expected at least 4 in both parts. Try --val-size 4.',
      { valSize: 4 },
    ],
    [
      train,
      { valSize: 22 },
      'got 2 and 22 of 24 records; expected at least 4 in both parts. Try --val-size 20.',
      { valSize: 20 },
    ],
    [
      train,
      { subset: 3 },
      'got 3 and 21 of 24 records; expected at least 4 in both parts. Try --subset 4.',
      { subset: 4 },
    ],
    [
      train,
      { subset: 0.95 },
      'got 22 and 2 of 24 records; expected at least 4 in both parts. Try --subset 20.',
      { subset: 20 },
    ],
    [
      train,
      { valSize: 24 },
      '--val-size 24 does not divide 24 records; expected a fraction below 1 that leaves records in both parts, or a whole number of 1 to 23',
      {},
    ],
    [train, { valSize: -0.5 }, '--val-size -0.5 does not divide 24 records', {}],
  ] as const)('%# says what cannot be divided, and how it can', async ([set, options, message, works]) => {
    const file = await write(set);
    await expect(open({ train: file, ...options })).rejects.toThrow(message);
    await expect(open({ train: file, ...works })).resolves.toBeDefined();
  });

  const withPatients = (set: DataSet): DataSet => ({ ...set, patientIds: set.recordIds.map((_, i) => `P${i % 8}`) });

  test('keep known patients together, and report it', async () => {
    const file = await write(withPatients(train), {});
    random.seed(1);
    const { sets, said } = await open({ train: file, valSize: 0.25, subset: 0.5 });
    const [trained, held] = [sets.train, sets.val!].map((set) => new Set(set.patientIds));
    expect([trained.size, held.size]).toEqual([3, 2]);
    expect([...held].filter((id) => trained.has(id))).toEqual([]);
    expect([sets.train.recordIds.length, sets.val!.recordIds.length]).toEqual([9, 6]);
    expect(said).toContain('message: --val-size 0.25 by patient: 2 of 8 patients, 6 of 24 records');
    expect(said).toContain('message: --subset 0.5 by patient: 3 of 6 patients, 9 of 18 records');
    await expect(open({ train: file, valSize: 9 })).rejects.toThrow('--val-size 9 does not divide 8 patients');
  });

  test('published collections are divided by record as in the original, with a warning; --split decides otherwise', async () => {
    const splitOf = async (set: DataSet, collection: string | undefined, split?: 'record' | 'patient') => {
      const file = await write(set, collection ? { collection } : undefined);
      random.seed(7);
      const { sets, said } = await open({ train: file, valSize: 0.25, split });
      return { val: sets.val!.recordIds, said: said.join('\n').replaceAll(file, 'FILE') };
    };
    const original = await splitOf(train, undefined);
    const published = await splitOf(withPatients(train), 'ptb-xl');
    expect(published.val).toEqual(original.val);
    expect(published.said).toMatch(/patients have records in both .* \(Quirk Q62\)/);
    expect(await splitOf(withPatients(train), 'wfdb-csv', 'record')).toEqual(published);
    const byPatient = await splitOf(withPatients(train), 'ptb-xl', 'patient');
    expect(byPatient.said).toContain('by patient: 2 of 8 patients');
    expect(await splitOf(withPatients(train), undefined)).toEqual(byPatient);
    await expect(splitOf(train, undefined, 'patient')).rejects.toThrow('--split patient: the patients are not known');
  });
});

describe('weights of a job', () => {
  test('are refused for another architecture, other leads or another number of classes; the suggested command works', async () => {
    const file = await write(train);
    const weights = async (name: string, arch: 'resnet18', leads: number, classes: string[]): Promise<string> => {
      const session = createClassifier({ arch, initSeed: 1 }, { x: { shape: [1, 64, leads] }, classes }, false);
      await saveSession(session, at(name));
      session.dispose();
      return at(name);
    };
    const one = await weights('one.weights.h5', 'resnet18', 1, train.classes as string[]);
    await expect(open({ train: file, weightsFile: one, arch: 'resnet34' })).rejects.toThrow(
      `${one}: the weights are of another architecture; got resnet18 classifier, 1 lead, 4 classes; expected --arch resnet34. Finetune their network: --arch resnet18`,
    );
    const three = await weights('three.weights.h5', 'resnet18', 1, ['A', 'B', 'C']);
    await expect(open({ train: file, weightsFile: three })).rejects.toThrow(
      `${three}: the weights do not fit ${file}; got a classifier of 3 classes; expected 4: A, N, O, ~. Take the backbone without its classes: ecg-transplant adjust-network --weights-file ${three} --channels 1 --arch resnet18`,
    );
    const twelve = await write(smallSet({ records: 24, leads: 12 }));
    await expect(open({ train: twelve, weightsFile: one })).rejects.toThrow(
      `${one}: the weights do not fit ${twelve}; got weights for 1 lead; expected 12 leads. Spread them over the leads first`,
    );
    await expect(open({ train: file, weightsFile: one })).resolves.toBeDefined();
  });
});

test('a job that has only predictions left, and predict --data, go through the same checks', async () => {
  const first = await write(train, {});
  const other = await write(test12, { samplingRate: 500 });
  const jobDir = at('job');
  await finetune({ jobDir, train: first, batchSize: 12, seed: 1 });
  const predictor = Predictor.open(jobDir);
  try {
    const said: string[] = [];
    await expect(predictor.predictFile(other, 8)).rejects.toThrow(
      `${other}: does not fit the network of ${jobDir}; got sampling rate 500 Hz; expected sampling rate 250 Hz. Prepare the file in the same way as the training data`,
    );
    const nan = { ...test12, x: ndarray('float32', test12.x.shape, new Float32Array(12 * 64).fill(Number.NaN)) };
    await expect(predictor.predictFile(await write(nan), 8)).rejects.toThrow(
      'samples are missing (NaN) or infinite; got 12 of 12',
    );
    const reversed = columns(test12, [3, 2, 1, 0]);
    const file = await write({ ...test12, y: reversed, classes: [...test12.classes].reverse() });
    const report = (event: ProgressEvent): void => void said.push('text' in event ? event.text : '');
    const { truth } = await predictor.predictFile(file, 8, report);
    expect(truth!.data).toEqual(test12.y.data);
    expect(said).toContainEqual(expect.stringContaining('are put in the order of the network'));
  } finally {
    predictor.dispose();
  }
  // What is refused leaves a complete job as it was, also with --force.
  const files = ['config.json', 'complete.json', 'history.csv', 'checkpoint.npz', 'model.json'].map((name) =>
    join(jobDir, name),
  );
  const before = await Promise.all(files.map(fileDigest));
  await expect(finetune({ jobDir, train: first, test: other, force: true })).rejects.toThrow('does not fit');
  expect(await Promise.all(files.map(fileDigest))).toEqual(before);
  const config = JSON.parse(readFileSync(join(jobDir, 'config.json'), 'utf8'));
  config.options.test = other;
  writeFileSync(join(jobDir, 'config.json'), JSON.stringify(config));
  await expect(finetune({ ...config.options, resume: true })).rejects.toThrow(`${other}: does not fit ${first}`);
});
