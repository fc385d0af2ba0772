import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { asType } from '../../src/graph/arrays.ts';
import { batchesOf } from '../../src/jobs/batches.ts';
import { readHdf5 } from '../../src/lib/hdf5/reader.ts';
import { astype, toFloat32, toFloat64 } from '../../src/lib/numpy/convert.ts';
import { bytesOf, type DType, type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { readNpy } from '../../src/lib/numpy/npy.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { readCheckpoint } from '../../src/lib/tensorflow/checkpoint.ts';
import { samplesOf } from '../../src/port/finetuning/trainer/classifier.ts';
import { getBeatLabel, loadLabels, loadSignal } from '../../src/port/transplant/datasets/icentia11k.ts';
import { openPreparedSet } from '../../src/prepare/prepared_set.ts';
import { readRecording } from '../../src/recordings/recordings.ts';
import { runJobs } from '../fixtures/icentia11k/python.ts';
import { openStream, type StreamCase, streamJob, takeStream } from '../fixtures/icentia11k/streams.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';
import { temporaryFolder } from './training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const names: Readonly<Record<string, DType>> = {
  bool: 'bool',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};
const types = Object.keys(names).flatMap((name) => [`${name}<`, `${name}>`]);
const others = [
  'complex64',
  'complex128',
  'longdouble',
  'datetime',
  'timedelta',
  'bytes',
  'void',
  'structured',
  'str',
  'object',
];
let python: Record<string, string> & { casts: Record<string, string>; others: Record<string, string> };

beforeAll(async () => {
  python = JSON.parse(await runPython([join(root, 'test/fixtures/numpy/element_types.py'), folder]));
}, 120_000);

const hex = (array: NdArray): string => Buffer.from(bytesOf(array)).toString('hex');
const read = (file: string): NdArray => readNpy(at(`${file}.npy`)) as NdArray;

describe('numpy.ndarray.astype', () => {
  test.each(types)('%s to every type, bit for bit', (type) => {
    const isFloat = type.startsWith('f');
    for (const [target, dtype] of Object.entries(names)) {
      const source = read(isFloat && /^[iu]/.test(target) ? `cast_${type}_to_${target}` : `cast_${type}`);
      const expected = python.casts[`${type} ${target}`];
      const found = astype(source, dtype);
      expect(found.dtype).toBe(dtype);
      // A NaN has many patterns of bits.
      const values = Buffer.from(expected, 'hex');
      const theirs = ndarray(dtype, found.shape, found.data.slice() as never);
      bytesOf(theirs).set(values);
      if (dtype.startsWith('float')) expect(toFloat64(found), target).toEqual(toFloat64(theirs));
      else expect(hex(found), target).toBe(expected);
      if (dtype === 'float32') expect(toFloat32(source)).toEqual(found.data);
    }
  });

  test('the graph takes every type for floats, and for labels what has the same value', () => {
    for (const type of types) {
      const source = read(`recording_${type}`);
      expect(asType(source, 'float32')).toEqual(astype(source, 'float32'));
      const labels = ndarray('float32', [3], Float32Array.of(0, 1, 5));
      if (names[type.slice(0, -1)] !== 'bool')
        expect(asType(astype(labels, source.dtype), 'int32').data).toEqual(Int32Array.of(0, 1, 5));
    }
    expect(() => asType(ndarray('float32', [2], Float32Array.of(1, 1.5)), 'int64')).toThrow(ValueError);
    expect(() => asType(ndarray('int64', [1], BigInt64Array.of(2n ** 40n)), 'int32')).toThrow(
      /1099511627776 \(element 0\) does not fit into int32/,
    );
  });
});

describe('prepared sets', () => {
  test.each(types)('x, y and patients of %s are what NumPy makes of them', async (type) => {
    const sets = [await openPreparedSet(at(`prepared_${type}.pkl`))];
    // Large sets are unpacked to a file.
    sets.push(await openPreparedSet(at(`prepared_${type}.pkl`), { folder, threshold: 200 }));
    for (const set of sets) {
      const x = set.x.take([0, 1, 2, 3, 4, 5]);
      expect(x.dtype).toBe(type.startsWith('f8') ? 'float64' : 'float32');
      expect(set.x.dtype).toBe(x.dtype);
      expect(hex(x)).toBe(python[`x ${type}`]);
      const { y } = [...batchesOf(samplesOf(set), 6)][0];
      expect([y.dtype, hex(y)]).toEqual(['float32', python[`y ${type}`]]);
      expect(set.patientIds).toEqual(type.startsWith('bool') ? [0, 1, 1, 1, 1, 1] : [0, 1, 2, 3, 4, 5]);
      set.close();
    }
  });

  test.each(others)('%s is refused by its name', async (type) => {
    for (const key of ['x', 'y']) await refused(() => openPreparedSet(at(`other_${key}_${type}.pkl`)), type);
  });
});

describe('recordings', () => {
  test.each(types)('.npy of %s', (type) => {
    const { signal } = readRecording(at(`recording_${type}.npy`), { kind: 'any', fs: 100, leads: ['I'] });
    expect(hex(signal)).toBe(python[`recording ${type}`]);
  });

  test.each(others)('.npy of %s is refused by its name', async (type) => {
    await refused(
      () => readRecording(at(`other_${type}.npy`), { kind: 'any', fs: 100, leads: ['I', 'II', 'III'] }),
      type,
    );
  });
});

describe('frames of Icentia11k', () => {
  const stream = {
    task: 'rhythm',
    unzipped: true,
    frameSize: 40,
    samplesPerPatient: 5,
  } satisfies StreamCase;
  const draws = { kind: 'generator', seed: 3, count: 20, chunk: 4 } as const;

  test('frames and labels of every type equal those of the original', { timeout: 180_000 }, async () => {
    const results = await runJobs(types.map((type) => streamJob(stream, at(`frames_${type}`), [0], draws)));
    for (const [i, type] of types.entries()) {
      const options = { ...draws, batchSize: 4, readAhead: 1 };
      expect(await takeStream(stream, at(`frames_${type}`), [0], options), type).toEqual(results[i]);
    }
  });

  test('beats and heart rates too, where the original refuses codes that are floats', async () => {
    const [expected] = await runJobs([streamJob({ ...stream, task: 'beat' }, at('frames_i8<'), [0], draws)]);
    for (const type of types.filter((name) => !name.startsWith('bool'))) {
      const batches = openStream({ ...stream, task: 'beat' }, at(`frames_${type}`), [0], {
        batchSize: 20,
        random: new RandomState(3),
      });
      const counts = new Array<number>(16).fill(0);
      for (const label of (await batches.next()).value!.y.data) counts[label] += 1;
      await batches.close();
      expect(counts, type).toEqual((expected as { labels: number[] }).labels);
    }
  });

  test.each(types.filter((name) => !name.startsWith('bool')))('labels of %s, in lists and in one array', (type) => {
    const lists = loadLabels(at(`frames_${type}`), 0, { unzipped: true });
    expect(lists.size).toBe(2);
    expect(lists.btype.map((marks) => marks.map((part) => Array.from(part)))).toEqual(
      [0, 1].map((s) => [range(s, 11).map((k) => 5 + 10 * k), range(s, 11).map((k) => (k % 2) + 1)]),
    );
    expect(getBeatLabel(lists.btype[0][1])).toBe(2);
  });

  test('codes that are no whole numbers, and signals and labels that are no numbers', async () => {
    for (const type of others) {
      const name = at(`strange_${type}`);
      await runPython(['-c', strange, at(`other_${type}.npy`), name]);
      await refused(() => loadSignal(name, 0, { unzipped: true }), type);
      await refused(
        () => loadLabels(name, 0, { unzipped: true }).btype,
        type === 'object' ? 'not an array of numbers' : type,
      );
    }
    await runPython(['-c', fractions, at('fractions')]);
    expect(() => loadLabels(at('fractions'), 0, { unzipped: true }).btype).toThrow(
      /btype, segment 0: a code is not a whole number; got 0\.5 \(float16\)/,
    );
  });
});

describe('weights', () => {
  test('HDF5: every type in both byte orders, and bfloat16 as Keras stores it', () => {
    const { arrays } = readHdf5('weights.h5', readFileSync(at('weights.h5')));
    expect(arrays.size).toBe(23);
    for (const [name, array] of arrays) {
      if (name === 'bfloat16') expect([array.dtype, hex(array)]).toEqual(['float32', python.bfloat16]);
      else expect([name, array.dtype, ...toFloat64(array)]).toEqual([name, names[name.slice(0, 2)], 0, 1, 2, 100]);
    }
    const opaque = readFileSync(at('opaque.h5'));
    expect(() => readHdf5('opaque.h5', opaque)).toThrow(
      /without_attribute holds values of a kind that weights do not have.*got opaque values/,
    );
  });

  test('TensorFlow checkpoints: every type, bfloat16 as float32', () => {
    const { variables } = readCheckpoint(at('checkpoint'));
    const found = Object.fromEntries(variables.map((variable) => [variable.objectPath, variable]));
    expect(Object.keys(found).length).toBe(13);
    for (const [name, variable] of Object.entries(found)) {
      expect([name, ...asType(variable, 'float32').data]).toEqual([name, 0, 1, 1, 0]);
    }
  });
});

const strange = `
import sys, os, numpy as np
array = np.load(sys.argv[1], allow_pickle=True)
os.mkdir(sys.argv[2])
np.save(sys.argv[2] + "/00000_batched.npy", array)
marks = np.empty((1, 2), object)
marks[0, 0], marks[0, 1] = array[0], array[0]
np.savez(sys.argv[2] + "/00000_batched_lbls.npz", btype=marks, rtype=marks, size=1)
`;
const fractions = `
import sys, os, numpy as np
os.mkdir(sys.argv[1])
marks = np.array([[[10, 20], [0.5, 1]]], np.float16)
np.savez(sys.argv[1] + "/00000_batched_lbls.npz", btype=marks, rtype=marks, size=1)
`;

/** What the messages call a type of NumPy that is not read. */
const calledBy: Readonly<Record<string, RegExp>> = {
  complex64: /c8|complex64/,
  complex128: /c16|complex128/,
  longdouble: /f16|longdouble/,
  datetime: /M8|datetime/,
  timedelta: /m8|timedelta/,
  bytes: /S3|bytes/,
  void: /V2|void/,
  structured: /struct|a,<f4|V8/,
  str: /str/,
  object: /object/,
};

async function refused(action: () => unknown, type: string): Promise<void> {
  const error = await Promise.resolve()
    .then(action)
    .then(
      () => new Error('nothing was refused'),
      (reason: Error) => reason,
    );
  expect(error, `${type}: ${error.message}`).toBeInstanceOf(InputError);
  expect(error.message, type).toMatch(calledBy[type] ?? new RegExp(type));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, k) => from + k);
}
