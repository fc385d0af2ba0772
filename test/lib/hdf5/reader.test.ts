import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readHdf5 } from '../../../src/lib/hdf5/reader.ts';
import { writeHdf5 } from '../../../src/lib/hdf5/writer.ts';
import { parseWeightsH5 } from '../../../src/lib/keras/weights_h5.ts';
import { bytesOf, type NdArray, ndarray, sizeOf } from '../../../src/lib/numpy/ndarray.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

const fixtures = join(root, 'test/fixtures/hdf5');
const plain = readFileSync(join(fixtures, 'plain.h5'));
const folder = mkdtempSync(join(tmpdir(), 'ecg-hdf5-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The error which an action ends in. */
function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

describe('h5py.File', () => {
  it('reads what h5py wrote', () => {
    const { groups, arrays } = readHdf5('plain.h5', plain);
    expect(groups).toEqual(['', 'layers', 'layers/dense', 'layers/dense/vars', 'vars']);
    expect([...arrays]).toEqual([
      ['layers/dense/vars/0', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) }],
      ['layers/dense/vars/1', { dtype: 'float32', shape: [3], data: Float32Array.of(0, 1, 2) }],
    ]);
  });

  it('reads every type of number, scalars, empty and compact arrays, and groups with many names', async () => {
    const script = `
import h5py, numpy as np, sys
with h5py.File(sys.argv[1], "w") as file:
    for name in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split():
        file[name] = np.array([[0, 1], [2, 100]], "<" + name)
    file["scalar"] = np.float32(1.5)
    file["empty"] = np.zeros((0, 3), "<f8")
    file["attributed"] = np.zeros(1, "<f4")
    file["attributed"].attrs["note"] = "text"
    for i in range(500):
        file[f"many/{i}"] = np.full(i % 3, i, "<i4")
    space = h5py.h5s.create_simple((2,))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F64LE, space, creation).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.array([3.25, -0.0])
    )
`;
    const file = join(folder, 'types.h5');
    await runPython(['-c', script, file]);
    const { arrays } = readHdf5(file, readFileSync(file));
    const values = (name: string) => [arrays.get(name)!.dtype, arrays.get(name)!.shape, [...arrays.get(name)!.data]];
    const names = { i1: 'int8', i2: 'int16', i4: 'int32', u1: 'uint8', u2: 'uint16', u4: 'uint32', f4: 'float32' };
    for (const [name, dtype] of Object.entries(names)) expect(values(name)).toEqual([dtype, [2, 2], [0, 1, 2, 100]]);
    expect(values('i8')).toEqual(['int64', [2, 2], [0n, 1n, 2n, 100n]]);
    expect(values('u8')).toEqual(['uint64', [2, 2], [0n, 1n, 2n, 100n]]);
    expect(values('f8')).toEqual(['float64', [2, 2], [0, 1, 2, 100]]);
    expect(values('f2')).toEqual(['float16', [2, 2], [0, 0x3c00, 0x4000, 0x5640]]);
    expect(values('scalar')).toEqual(['float32', [], [1.5]]);
    expect(values('empty')).toEqual(['float64', [0, 3], []]);
    expect(values('compact')).toEqual(['float64', [2], [3.25, -0]]);
    expect([...arrays.keys()].filter((name) => name.startsWith('many/'))).toHaveLength(500);
    expect(values('many/497')).toEqual(['int32', [2], [497, 497]]);
  });

  it('is written so that h5py reads the same bits', async () => {
    const arrays = new Map<string, NdArray>([
      ['a/b/0', ndarray('float32', [2, 2], Float32Array.of(-0, 1e-45, Number.NaN, Number.NEGATIVE_INFINITY))],
      ['a/b/1', ndarray('float64', [], Float64Array.of(Math.PI))],
      ['a/1', ndarray('int64', [1], BigInt64Array.of(-(2n ** 63n)))],
      ['n', ndarray('int32', [3], Int32Array.of(-1, 0, 1))],
    ]);
    const bytes = await writeHdf5({ groups: ['empty/inside'], arrays });
    const file = join(folder, 'written.h5');
    writeFileSync(file, bytes);
    const script = `
import h5py, sys
with h5py.File(sys.argv[1]) as file:
    assert list(file["empty/inside"]) == []
    for name in sys.argv[2:]:
        data = file[name][()]
        print(name, data.dtype, data.shape, data.tobytes().hex(), file[name].chunks)
`;
    const output = await runPython(['-c', script, file, ...arrays.keys()]);
    const expected = [...arrays].map(([name, array]) => {
      const shape = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(', ');
      return `${name} ${array.dtype} (${shape}) ${Buffer.from(bytesOf(array)).toString('hex')} None`;
    });
    expect(output.trim().split('\n')).toEqual(expected);
  });

  it('refuses to write values that no weight has', async () => {
    const text = new Map<string, NdArray>([['a', ndarray('uint8', [1], Uint8Array.of(1))]]);
    await expect(writeHdf5({ groups: [], arrays: text })).rejects.toThrow(/a: uint8 values cannot be written/);
  });
});

/** What the refusal of each file of the corpus has to say. */
const refusals: Readonly<Record<string, RegExp>> = {
  array_type: /vars\/0 holds values of a kind.*got arrays/,
  bit_field: /got bit fields/,
  chunked: /not stored in one piece; got layout chunked/,
  committed_type: /has a message that it shares with another object/,
  compound: /got compound values/,
  enumeration: /got enumerated values/,
  external_link: /layers\/dense\/vars contains an external link, which is never followed/,
  external_storage: /keeps its values in an external file, which is never opened/,
  external_storage_absolute: /keeps its values in an external file, which is never opened/,
  fixed_text: /got strings/,
  fletcher32: /compressed or filtered/,
  gzip: /compressed or filtered/,
  hard_link_cycle: /layers\/dense\/vars\/loop is a second hard link/,
  hard_link_second_name: /layers\/dense\/vars\/1 is a second hard link/,
  keras_2_layout: /layout of Keras 2/,
  libver_latest: /superblock version 3/,
  long_double: /16 bytes that are not IEEE 754/,
  lzf: /compressed or filtered/,
  named_type_only: /neither a group nor a data set/,
  nested_deeply: /nested deeper than 32/,
  never_written: /never written/,
  no_root_vars: /no group "vars"/,
  null_dataspace: /null dataspace/,
  odd_float: /4 bytes that are not IEEE 754/,
  odd_integer: /got integers of 4 bytes/,
  opaque: /got opaque values/,
  outside_vars: /got the data set layers\/dense\/kernel/,
  references: /got references/,
  region_references: /got references/,
  root_is_empty: /no group "vars"/,
  scaleoffset: /compressed or filtered/,
  shuffle: /compressed or filtered/,
  soft_link: /soft link "0", which is never followed/,
  soft_link_dangling: /soft link "0", which is never followed/,
  terabytes_chunked: /claims more values than the file can hold/,
  terabytes_never_written: /claims more values than the file can hold/,
  time: /got times/,
  track_order: /is not of version 1/,
  unlimited: /not stored in one piece/,
  user_block: /not an HDF5 file/,
  variable_length: /got variable-length values/,
  variable_missing: /vars\/0: a variable is missing/,
  variable_text: /got variable-length values/,
  virtual_dataset: /virtual data set, whose sources are never opened/,
};

describe('hostile HDF5 files of make_hostile.py', () => {
  it.each(Object.entries(refusals))('%s', (name, message) => {
    const error = errorOf(() => parseWeightsH5(`${name}.h5`, readFileSync(join(fixtures, 'hostile', `${name}.h5`))));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect((error as InputError).problem.file).toBe(`${name}.h5`);
  });

  it('covers the whole folder', () => {
    const files = readdirSync(join(fixtures, 'hostile')).filter((file) => !file.startsWith('canary.'));
    expect(files.sort()).toEqual(Object.keys(refusals).map((name) => `${name}.h5`));
  });

  // The kernel's own record of what was opened; the reader alone cannot be trusted to tell.
  const hasStrace = spawnSync('strace', ['-V']).status === 0;
  it.skipIf(!hasStrace)('does not open files that a hostile file names', () => {
    const trace = join(folder, 'trace.txt');
    const program = `
      import { readdirSync } from 'node:fs';
      import { readWeights } from ${JSON.stringify(join(root, 'src/weights/files.ts'))};
      for (const file of readdirSync('.').filter((name) => !name.startsWith('canary'))) {
        try { readWeights(file); console.log('accepted', file); } catch (error) { if (error.name !== 'InputError') throw error; }
      }
      readWeights(${JSON.stringify(join(fixtures, 'plain.h5'))});`;
    const run = spawnSync(
      'strace',
      [
        '-f',
        '-e',
        'trace=open,openat,openat2',
        '-o',
        trace,
        process.execPath,
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        program,
      ],
      {
        cwd: join(fixtures, 'hostile'),
        encoding: 'utf8',
        env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
      },
    );
    expect(run.stdout + run.stderr).toBe('');
    const opened = readFileSync(trace, 'utf8').match(/(?<=")[^"]+(?=", O_)/g)!;
    // A file is opened more than once: first to see what it is.
    const weights = new Set(opened.filter((path) => path.endsWith('.h5')).map((path) => basename(path)));
    expect([...weights].sort()).toEqual([...Object.keys(refusals), 'plain'].map((name) => `${name}.h5`).sort());
    expect(opened.filter((path) => /canary|hostname/.test(path))).toEqual([]);
  });
});

describe('damaged HDF5 files', () => {
  const find = (text: string, nth = 0): number => {
    let at = -1;
    for (let count = 0; count <= nth; count++) at = plain.indexOf(text, at + 1, 'latin1');
    expect(at).toBeGreaterThan(0);
    return at;
  };
  const patched = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = Uint8Array.from(plain);
    copy.set(bytes, at);
    return copy;
  };
  const address = (value: number): number[] => [...Buffer.from(BigInt64Array.of(BigInt(value)).buffer)];
  const rootHeader = Number(plain.readBigUInt64LE(64));
  // Places of the first leaf group's entries and of the header of layers/dense/vars/0.
  const symbols = find('SNOD');
  const vars = find('SNOD', 3);
  const header = Number(plain.readBigUInt64LE(vars + 8 + 8));
  const messagesOf = (at: number): Map<number, number> => {
    const places = new Map<number, number>();
    const end = at + 16 + plain.readUInt32LE(at + 8);
    for (let next = at + 16; next < end; next += 8 + plain.readUInt16LE(next + 2)) {
      places.set(plain.readUInt16LE(next), next + 8);
    }
    return places;
  };
  const messages = messagesOf(header);
  const [dataspace, datatype, layout] = [1, 3, 8].map((type) => messages.get(type)!) as [number, number, number];

  const faults: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['empty', () => new Uint8Array(0), /not an HDF5 file; got 0 bytes/],
    ['another format', () => Buffer.from('PK\x03\x04 a zip file'), /not an HDF5 file/],
    ['cut off after the signature', () => plain.subarray(0, 8), /outside the file/],
    ['cut off in the middle', () => plain.subarray(0, plain.length >> 1), /differs from the length in its header/],
    ['one byte short', () => plain.subarray(0, -1), /differs from the length in its header/],
    ['one byte long', () => Buffer.concat([plain, Buffer.of(0)]), /differs from the length in its header/],
    ['superblock of the future', () => patched(8, 9), /superblock version 9/],
    ['addresses of four bytes', () => patched(13, 4), /addresses and sizes do not have eight bytes each; got 4,8/],
    ['base address', () => patched(24, 1), /user block/],
    ['driver', () => patched(48, ...address(96)), /special driver/],
    ['root outside the file', () => patched(64, ...address(1e6)), /outside the file/],
    ['root nowhere', () => patched(64, ...address(-1)), /has no address/],
    ['root at an absurd address', () => patched(64, 1, 2, 3, 4, 5, 6, 7, 8), /impossible size/],
    ['header of another version', () => patched(rootHeader, 7), /got version 7/],
    [
      'more messages than fit',
      () => patched(rootHeader + 2, 0xff, 0xff),
      /incomplete; got \d+ messages; expected 65535/,
    ],
    ['header longer than the file', () => patched(rootHeader + 8, 0xff, 0xff, 0xff, 0x7f), /outside the file/],
    ['message longer than its header', () => patched(rootHeader + 16 + 2, 0xf8, 0xff), /longer than its block/],
    ['message of unknown type', () => patched(rootHeader + 16, 0x77, 0x07), /unknown type 0x0777/],
    [
      'header that continues in itself',
      () => {
        const block = [...address(header + 16), ...address(plain.readUInt32LE(header + 8))];
        const copy = patched(datatype, ...block);
        copy[datatype - 8] = 0x10;
        return copy;
      },
      /continuation blocks that form a cycle/,
    ],
    [
      'B-tree signature',
      () => patched(find('TREE'), 0x74),
      /B-tree of the root group has a wrong signature; got "tREE"/,
    ],
    ['B-tree of data sets', () => patched(find('TREE') + 4, 1), /node type 1/],
    ['B-tree of absurd height', () => patched(find('TREE') + 5, 200), /level 200/],
    [
      'B-tree that contains itself',
      () => {
        const copy = patched(find('TREE') + 5, 1);
        copy.set(address(find('TREE')), find('TREE') + 32);
        return copy;
      },
      /cycle or a second hard link/,
    ],
    ['symbol table outside the file', () => patched(find('TREE') + 32, ...address(1e7)), /outside the file/],
    ['symbol table signature', () => patched(symbols, 0), /symbol table of .* has a wrong signature/],
    [
      'symbol table of more entries than fit',
      () => patched(vars + 6, 0xff, 0xff),
      /outside the file|impossible name|unknown kind/,
    ],
    ['entry of unknown kind', () => patched(vars + 8 + 16, 3), /unknown kind; got 3/],
    ['entry that is a soft link', () => patched(vars + 8 + 16, 2), /soft link "0", which is never followed/],
    ['entry that leads to the root', () => patched(vars + 8 + 8, ...address(rootHeader)), /second hard link/],
    ['entry that leads into values', () => patched(vars + 8 + 8, ...address(plain.readUInt32LE(layout + 2))), /./],
    ['name outside the heap', () => patched(vars + 8, ...address(1e5)), /no end within/],
    [
      'two entries of one name',
      () => patched(vars + 8 + 40, ...plain.subarray(vars + 8, vars + 16)),
      /the name "0" twice/,
    ],
    ['name with a slash', () => patched(find('dense') + 2, 0x2f), /impossible name; got "de\/se"/],
    ['name ".."', () => patched(find('dense'), 0x2e, 0x2e, 0), /impossible name; got "\.\."/],
    ['empty name', () => patched(find('dense'), 0), /impossible name; got ""/],
    ['name that is not UTF-8', () => patched(find('dense'), 0xff), /not UTF-8; got ff/],
    ['heap signature', () => patched(find('HEAP'), 0), /wrong signature/],
    ['heap of absurd size', () => patched(find('HEAP') + 8, 0, 0, 0, 0, 0, 0, 0, 0x10), /impossible size/],
    ['heap outside the file', () => patched(find('HEAP') + 24, ...address(1e7)), /outside the file/],
    ['rank 255', () => patched(dataspace + 1, 255), /rank 255/],
    ['shape of version 3', () => patched(dataspace, 3), /version 3/],
    ['axis of 2^60', () => patched(dataspace + 8, 0, 0, 0, 0, 0, 0, 0, 0x10), /impossible size/],
    ['axis of 2^40', () => patched(dataspace + 8, 0, 0, 0, 0, 0, 1, 0, 0), /claims more values/],
    ['one row less', () => patched(dataspace + 8, 1), /does not have the size.*got 24 bytes; expected 12 bytes/],
    ['datatype of an unknown class', () => patched(datatype, 0x1f), /datatype class 15/],
    ['floats of 5 bytes', () => patched(datatype + 4, 5), /5 bytes that are not IEEE 754/],
    ['values outside the file', () => patched(layout + 2, ...address(plain.length - 20)), /outside the file/],
    ['values nowhere', () => patched(layout + 2, ...address(-1)), /never written/],
    ['layout of an old version', () => patched(layout, 1), /version 1/],
    ['layout of an unknown class', () => patched(layout + 1, 9), /layout 9/],
    [
      'values that overlap',
      () => {
        const second = messagesOf(Number(plain.readBigUInt64LE(vars + 48 + 8))).get(8)!;
        return patched(second + 2, ...address(plain.readUInt32LE(layout + 2) + 8));
      },
      /overlaps/,
    ],
  ];

  it.each(faults)('%s', (_name, make, message) => {
    const error = errorOf(() => readHdf5('damaged.h5', make()));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect((error as InputError).problem.file).toBe('damaged.h5');
  });

  it('any value of any byte leads to numbers or a typed error', () => {
    let refused = 0;
    for (let at = 0; at < plain.length; at++) {
      for (const value of [0, 0xff, plain[at] ^ 0x10]) {
        try {
          for (const { path, data, shape } of parseWeightsH5('mutant.h5', patched(at, value)).weights) {
            if (data.length !== sizeOf(shape)) throw new Error(`${path} at byte ${at}: ${data.length} values`);
          }
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          refused++;
        }
      }
    }
    // Most bytes of so small a file are unused room in its indices.
    expect(refused).toBeGreaterThan(1000);
  });
});
