import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { loadmat, type MatStruct, type MatValue, parseMat } from '../../../src/lib/matlab/mat5.ts';
import { bytesOf } from '../../../src/lib/numpy/ndarray.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { mutate, seededRandom } from '../../mutation.ts';
import { runPython } from '../../python.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';

const script = join(import.meta.dirname, 'mat_reader.py');
const folder = mkdtempSync(join(tmpdir(), 'mat5-'));
beforeAll(async () => void (await runPython([script, 'write', folder])));
afterAll(() => rmSync(folder, { recursive: true }));

function tell(value: MatValue): unknown {
  if (typeof value === 'string') return value;
  if (value instanceof Map) return struct(value);
  const array = value as Exclude<MatValue, string | MatStruct>;
  return { dtype: array.dtype, shape: array.shape, sha256: createHash('sha256').update(bytesOf(array)).digest('hex') };
}

function struct(value: MatStruct): unknown {
  return Object.fromEntries([...value].map(([name, field]) => [name, tell(field)]));
}

async function python(paths: readonly string[]): Promise<unknown[]> {
  return JSON.parse(await runPython([script, 'read'], { input: JSON.stringify(paths) }));
}

describe('scipy.io.loadmat', () => {
  it('scipy.io.loadmat: numbers of every class, text, structs, packed or not', async () => {
    const paths = ['numbers', 'cube', 'ecg', 'nested']
      .flatMap((name) => [name, `${name}_packed`])
      .map((name) => join(folder, `${name}.mat`));
    expect(paths.map((path) => struct(loadmat(path)))).toEqual(await python(paths));
  });

  it.skipIf(!haveSharedData)('scipy.io.loadmat: recordings of CPSC 2018 as first published', async () => {
    const paths = ['A1980', 'A1982', 'A1984', 'A1986'].map((name) =>
      join(sharedData, 'cpsc2018_native', `${name}.mat`),
    );
    expect(paths.map((path) => struct(loadmat(path)))).toEqual(await python(paths));
  });

  it.each(['complex', 'cell', 'sparse', 'lines', 'structs'])('refuses %s', (name) => {
    expect(() => loadmat(join(folder, `${name}.mat`))).toThrow(/not supported/);
    expect(() => loadmat(join(folder, `${name}_packed.mat`))).toThrow(InputError);
  });

  it('refuses what is no MATLAB 5 file', () => {
    expect(() => loadmat(join(folder, 'none.mat'))).toThrow(FileNotFoundError);
    expect(() => parseMat(Buffer.alloc(0), 'x.mat')).toThrow(
      /x\.mat: this is not a little-endian MATLAB 5 file; got 0 bytes/,
    );
    const matlab4 = Buffer.alloc(40);
    for (const [i, word] of [30, 1, 4, 0, 4].entries()) matlab4.writeInt32LE(word, 4 * i);
    expect(() => parseMat(matlab4, 'dir/x.mat')).toThrow(
      /got a MATLAB 4 file; .* s = load\('x\.mat'\); save\('x\.mat', '-struct', 's', '-v7'\)/,
    );
    const matlab73 = Buffer.alloc(520);
    matlab73.write('\x89HDF\r\n\x1a\n', 512, 'latin1');
    expect(() => parseMat(matlab73, 'x.mat')).toThrow(/got a MATLAB 7\.3 file \(HDF5\)/);
    const bigEndian = Buffer.alloc(136);
    bigEndian.write('\x01\x00MI', 124, 'latin1');
    expect(() => parseMat(bigEndian, 'x.mat')).toThrow(/got a big-endian MATLAB 5 file/);
  });

  it('a variable that unpacks to gigabytes is refused', () => {
    const packed = deflateSync(Buffer.alloc(2 ** 28), { level: 1 });
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15, 0);
    tag.writeUInt32LE(packed.length, 4);
    const head = readFileSync(join(folder, 'ecg.mat')).subarray(0, 128);
    expect(() => parseMat(Buffer.concat([head, tag, packed]), 'x.mat')).toThrow(
      /byte 128: a variable cannot be unpacked/,
    );
  });

  it('structs nested without end are refused', () => {
    const element = (type: number, data: Buffer): Buffer => {
      const tag = Buffer.alloc(8);
      tag.writeUInt32LE(type, 0);
      tag.writeUInt32LE(data.length, 4);
      return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
    };
    const ints = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
    let matrix: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 40; depth++) {
      const parts = [
        element(6, ints(2, 0)),
        element(5, ints(1, 1)),
        element(1, Buffer.alloc(0)),
        element(5, ints(8)),
        element(1, Buffer.from('a\0\0\0\0\0\0\0')),
      ];
      matrix = element(14, Buffer.concat([...parts, matrix]));
    }
    const head = readFileSync(join(folder, 'ecg.mat')).subarray(0, 128);
    expect(() => parseMat(Buffer.concat([head, matrix]), 'x.mat')).toThrow(/nested too deeply/);
  });
});

/** Damaged files: as SciPy reads them, or a typed error. Returns how many were read. */
async function campaign(
  count: number,
  seed: number,
): Promise<{ equal: number; refused: number; scipyCrashes: number; wrong: string[] }> {
  const random = seededRandom(seed);
  const originals = ['numbers', 'cube', 'ecg', 'nested', 'ecg_packed'].map((name) =>
    readFileSync(join(folder, `${name}.mat`)),
  );
  const paths = Array.from({ length: count }, (_, i) => {
    const path = join(folder, `mutant${i}.mat`);
    const from = random() < 0.2 ? 0 : 128;
    writeFileSync(path, mutate(originals[i % originals.length], random, { from, keepLength: random() < 0.7 }));
    return path;
  });
  const expected = await python(paths);
  const outcome = { equal: 0, refused: 0, scipyCrashes: 0, wrong: [] as string[] };
  paths.forEach((path, i) => {
    try {
      const got = JSON.stringify(struct(loadmat(path)));
      if (got === JSON.stringify(expected[i])) outcome.equal++;
      else if (JSON.stringify(expected[i]) === '{"error":"crash"}') outcome.scipyCrashes++;
      else outcome.wrong.push(`${path}: ${got.slice(0, 400)} but SciPy ${JSON.stringify(expected[i]).slice(0, 400)}`);
    } catch (error) {
      if (error instanceof InputError) outcome.refused++;
      else outcome.wrong.push(`${path}: ${error}`);
    }
  });
  return outcome;
}

it('damaged MATLAB files: as SciPy, or a typed error', async () => {
  const count = process.env.ECG_TEST_FULL === '1' ? 1500 : 150;
  const { wrong, ...counts } = await campaign(count, 1);
  console.log(JSON.stringify(counts));
  expect(wrong).toEqual([]);
  expect(counts.equal).toBeGreaterThan(count / 4);
});
