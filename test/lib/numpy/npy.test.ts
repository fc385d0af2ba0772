import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { ndarray, zeros } from '../../../src/lib/numpy/ndarray.ts';
import { NpyFile, readNpy, writeNpy } from '../../../src/lib/numpy/npy.ts';
import { formatNpyHeader } from '../../../src/lib/numpy/npy_header.ts';
import { NpzFile, readNpz, writeNpz } from '../../../src/lib/numpy/npz.ts';
import { FileNotFoundError, IndexError, KeyError } from '../../../src/lib/python/errors.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { type Plain, plain } from './plain.ts';

const script = join(root, 'test/fixtures/numpy/files.py');
let folder: string;
let own: string;
let written: Record<string, Plain>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'npy-'));
  own = mkdtempSync(join(tmpdir(), 'npy-own-'));
  written = JSON.parse(await runPython([script, 'write', folder]));
});

afterAll(() => {
  for (const path of [folder, own]) rmSync(path, { recursive: true, force: true });
});

describe('numpy.load', () => {
  it('reads every dtype, byte order and memory order, texts, objects, scalars and empty arrays', () => {
    const read = Object.fromEntries(
      Object.keys(written).map((name) => [name, plain(readNpy(join(folder, `${name}.npy`)))]),
    );
    expect(Object.keys(read).length).toBeGreaterThan(40);
    expect(read).toEqual(written);
  });

  it('reads header formats 2 and 3', () => {
    for (const version of [2, 3]) expect(plain(readNpy(join(folder, `version${version}.npy`)))).toEqual(written.scalar);
  });

  it.each(['stored', 'packed'])('%s .npz', (name) => {
    const arrays = readNpz(join(folder, `${name}.npz`));
    expect(Object.fromEntries([...arrays].map(([key, array]) => [key, plain(array)]))).toEqual(written);
  });
});

describe('numpy.save', () => {
  it('writes the bytes that NumPy writes', () => {
    let compared = 0;
    for (const name of Object.keys(written)) {
      if (/^(big|fortran)_|ragged|text_fortran/.test(name)) continue;
      const path = join(folder, `${name}.npy`);
      writeNpy(join(own, `${name}.npy`), readNpy(path));
      expect(readFileSync(join(own, `${name}.npy`)).equals(readFileSync(path)), name).toBe(true);
      compared++;
    }
    expect(compared).toBeGreaterThan(15);
  });

  it('a header that ends on the boundary has the same length as in NumPy', async () => {
    const lengths = Array.from({ length: 80 }, (_, i) => [...new Array<number>(i % 20).fill(1), 10 ** (i % 7)]);
    const program = `import json, sys, io, numpy as np
out = []
for shape in json.load(sys.stdin):
    f = io.BytesIO()
    np.lib.format.write_array_header_1_0(f, {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)})
    out.append(f.getvalue().hex())
print(json.dumps(out))`;
    const expected = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(lengths) }));
    expect(lengths.map((shape) => formatNpyHeader({ dtype: 'float32', shape }).toString('hex'))).toEqual(expected);
  });

  it('NumPy reads objects and both kinds of .npz back', async () => {
    const folderOfOwn = mkdtempSync(join(tmpdir(), 'npy-back-'));
    try {
      const arrays = readNpz(join(folder, 'stored.npz'));
      writeNpy(join(folderOfOwn, 'ragged.npy'), arrays.get('ragged')!);
      await writeNpz(join(folderOfOwn, 'stored.npz'), arrays);
      await writeNpz(join(folderOfOwn, 'packed.npz'), arrays, { compress: true });
      const found = JSON.parse(await runPython([script, 'check', folderOfOwn]));
      expect(found).toEqual({ 'ragged.npy': written.ragged, 'stored.npz': written, 'packed.npz': written });
    } finally {
      rmSync(folderOfOwn, { recursive: true });
    }
  });

  it('if writing fails, keeps the old file and leaves no temporary file', () => {
    const path = join(own, 'kept.npy');
    writeNpy(path, zeros('int8', [2]));
    const bad = { dtype: 'object' as const, shape: [1], data: [() => 1] };
    expect(() => writeNpy(path, bad)).toThrow(/cannot pickle a function/);
    expect(plain(readNpy(path))).toEqual({ dtype: 'int8', shape: [2], data: ['0', '0'] });
    expect(readdirSync(own).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('numpy.load(mmap_mode="r"): NpyFile', () => {
  it.each(['c', 'big', 'fortran'])('parts of a %s array', (order) => {
    const file = NpyFile.open(join(folder, `${order}_int32.npy`));
    const whole = Array.from(readNpy(join(folder, 'c_int32.npy')).data as Int32Array);
    expect(file.shape).toEqual([3, 4, 5]);
    expect([...(file.read([1, 2], 1, 4).data as Int32Array)]).toEqual(whole.slice(31, 34));
    const rows = file.read([2], 1, 3);
    expect([rows.shape, [...(rows.data as Int32Array)]]).toEqual([[2, 5], whole.slice(45, 55)]);
    expect([...(file.read([], 1, 3).data as Int32Array)]).toEqual(whole.slice(20, 60));
    expect([...(file.read().data as Int32Array)]).toEqual(whole);
    expect(file.read([0], 2, 2).shape).toEqual([0, 5]);
    file.close();
  });

  it('reads a member of an uncompressed .npz, but not of a compressed one', () => {
    const stored = NpzFile.open(join(folder, 'stored.npz'));
    expect(plain(stored.open('c_float64').read()).data).toEqual(written.c_float64.data);
    stored.close();
    const packed = NpzFile.open(join(folder, 'packed.npz'));
    expect(() => packed.open('c_float64')).toThrow(/compressed member/);
    expect(() => packed.read('nothing')).toThrow(KeyError);
    packed.close();
  });

  it('a frame of a sparse file of 8 GiB reads only its own bytes', () => {
    const path = join(own, 'sparse.npy');
    writeFileSync(path, formatNpyHeader({ dtype: 'float64', shape: [1024, 2 ** 20] }));
    truncateSync(path, 128 + 2 ** 33);
    const before = process.memoryUsage().rss;
    const file = NpyFile.open(path);
    for (let i = 0; i < 200; i++) expect(file.read([1023], 2 ** 20 - 2048).data.length).toBe(2048);
    file.close();
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
    expect(() => readNpy(path)).toThrow(/do not fit into one array; read a part/);
  });

  it.each<[string, number[], number, number]>([
    ['index', [3], 0, 1],
    ['negative index', [-1], 0, 1],
    ['slice', [0], 0, 5],
    ['backwards', [0], 3, 2],
    ['too many', [0, 0, 0], 0, 1],
  ])('%s outside the array is an IndexError', (_, leading, start, stop) => {
    const file = NpyFile.open(join(folder, 'c_int8.npy'));
    expect(() => file.read(leading, start, stop)).toThrow(IndexError);
    file.close();
  });
});

describe('files that are refused', () => {
  const header = (text: string): Buffer => {
    const body = Buffer.from(`${text}\n`, 'latin1');
    return Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      Buffer.from([body.length & 255, body.length >> 8]),
      body,
    ]);
  };
  const fields = (descr: string, shape: string): Buffer =>
    header(`{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`);
  it.each<[string, Buffer, RegExp]>([
    ['empty file', Buffer.alloc(0), /an empty file/],
    ['wrong magic', Buffer.from('PK\x03\x04 not an array'), /expected magic 934e554d5059/],
    ['future format', Buffer.from('\x93NUMPY\x09\x00\x00\x00', 'latin1'), /format 9.0/],
    ['cut header', fields("'<f4'", '(3,)').subarray(0, 30), /bytes of header/],
    ['no dict', header('[1, 2]'), /dict of three fields/],
    ['code in the header', header('__import__("os").system("true")'), /not a Python literal/],
    [
      '10^12 values',
      Buffer.concat([fields("'<f8'", '(1000000000000,)'), Buffer.alloc(64)]),
      /shorter than its header says; got 64 bytes/,
    ],
    ['10^30 values', fields("'<f8'", '(10**30,)'), /not a Python literal/],
    ['negative extent', fields("'<f8'", '(-1,)'), /integers of 0 or more/],
    ['list as shape', fields("'<f8'", '[1]'), /a tuple of integers/],
    ['complex', fields("'<c16'", '(1,)'), /element type <c16/],
    ['structure', fields("[('a', '<f4')]", '(1,)'), /element type/],
    ['product overflow', fields("'<f8'", '(4294967296, 4294967296)'), /can be addressed/],
    ['33 axes', fields("'<f8'", `(${'1,'.repeat(33)})`), /33 axes/],
    [
      'impossible character',
      Buffer.concat([fields("'<U1'", '(1,)'), Buffer.from([0, 0, 0x11, 0])]),
      /Invalid code point|code point/,
    ],
  ])('%s', (name, bytes, message) => {
    const path = join(own, 'bad.npy');
    writeFileSync(path, bytes);
    expect(() => readNpy(path), name).toThrow(message);
    expect(() => readNpy(path)).toThrow(InputError);
    expect(() => readNpy(path)).toThrow(path);
  });

  it('refuses missing files and folders', () => {
    expect(() => readNpy(join(own, 'none.npy'))).toThrow(FileNotFoundError);
    expect(() => readNpy(own)).toThrow(/a folder/);
    expect(() => NpzFile.open(join(own, 'none.npz'))).toThrow(FileNotFoundError);
  });

  it('refuses a damaged member of an archive', () => {
    const path = join(own, 'damaged.npz');
    copyFileSync(join(folder, 'stored.npz'), path);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('NUMPY') + 140] ^= 1;
    writeFileSync(path, bytes);
    expect(() => readNpz(path)).toThrow(/another length or checksum/);
    truncateSync(path, statSync(path).size - 30);
    expect(() => readNpz(path)).toThrow(/not a zip archive/);
  });

  it('refuses a shape that does not match the number of elements', () => {
    expect(() => ndarray('int8', [3], new Int8Array(2))).toThrow(RangeError);
  });
});
