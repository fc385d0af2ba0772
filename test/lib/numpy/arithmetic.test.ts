import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { astype, squeeze, toFloat64 } from '../../../src/lib/numpy/convert.ts';
import { fromFloat16, toFloat16 } from '../../../src/lib/numpy/float16.ts';
import { type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { readNpy } from '../../../src/lib/numpy/npy.ts';
import { mean, sum } from '../../../src/lib/numpy/sum.ts';
import { numberText } from '../../../src/lib/numpy/text.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { floatHex } from './plain.ts';

let folder: string;
let reference: {
  sums: { name: string; own: string; float64: string; float32: string }[];
  texts: Record<'float16' | 'float32' | 'float64', string[]>;
  half: number[];
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arithmetic-'));
  reference = JSON.parse(await runPython([join(root, 'test/fixtures/numpy/arithmetic.py'), folder]));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string): NdArray => readNpy(join(folder, `${name}.npy`)) as NdArray;

describe('numpy.sum', () => {
  it('is equal to the last bit for every length and dtype', () => {
    const found = reference.sums.map(({ name }) => {
      const array = read(name);
      const [own, float64, float32] = [sum(array), sum(array, 'float64'), sum(array, 'float32')].map(floatHex);
      return { name, own, float64, float32 };
    });
    expect(found.length).toBe(180);
    expect(found).toEqual(reference.sums);
  });

  it('differs from the sum from left to right', () => {
    const values = read('float64_1000').data as Float64Array;
    expect(values.reduce((total, value) => total + value, 0)).not.toBe(sum(read('float64_1000')));
  });

  it('of integers is exact, or a ValueError', () => {
    expect(sum(ndarray('int64', [2], BigInt64Array.of(2n ** 52n, 3n)))).toBe(2 ** 52 + 3);
    expect(() => sum(ndarray('int64', [2], BigInt64Array.of(2n ** 53n, 3n)))).toThrow(ValueError);
    expect(mean([])).toBeNaN();
  });
});

describe('numpy.ndarray.astype', () => {
  it.each(['float16', 'float32', 'float64'] as const)('(str) of %s', (dtype) => {
    const { data } = read(`text_${dtype}`);
    const texts = reference.texts[dtype];
    const wrong = texts.flatMap((text, i) => (numberText(dtype, data[i]) === text ? [] : [[data[i], text]]));
    expect(texts.length).toBeGreaterThan(9_999);
    expect(wrong).toEqual([]);
  });

  it('(float16) rounds to nearest even, and back', () => {
    const wide = read('wide').data as Float64Array;
    const isNaNPattern = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
    const wrong = reference.half.flatMap((bits, i) => {
      const own = toFloat16(wide[i]);
      return own === bits || (isNaNPattern(own) && isNaNPattern(bits)) ? [] : [[wide[i], own, bits]];
    });
    expect(wrong).toEqual([]);
    for (let bits = 0; bits < 65536; bits++) if (!isNaNPattern(bits)) expect(toFloat16(fromFloat16(bits))).toBe(bits);
  });

  it('converts between all other element types', () => {
    const floats = ndarray('float64', [4], Float64Array.of(1.9, -1.9, 0, 300));
    expect([...astype(floats, 'int32').data]).toEqual([1, -1, 0, 300]);
    expect([...astype(floats, 'int64').data]).toEqual([1n, -1n, 0n, 300n]);
    expect([...astype(floats, 'bool').data]).toEqual([1, 1, 0, 1]);
    expect([...astype(floats, 'float32').data]).toEqual([Math.fround(1.9), Math.fround(-1.9), 0, 300]);
    expect([...toFloat64(astype(floats, 'float16'))]).toEqual([1.900390625, -1.900390625, 0, 300]);
    expect([...astype(astype(floats, 'int64'), 'uint64').data]).toEqual([1n, 2n ** 64n - 1n, 0n, 300n]);
  });

  it('numpy.squeeze drops axes of length 1', () => {
    expect(squeeze(ndarray('int8', [1, 3, 1], new Int8Array(3))).shape).toEqual([3]);
  });
});
