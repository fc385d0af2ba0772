import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { Budget } from '../../../src/lib/budget.ts';
import { bytesOf, type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { BundleReader, shardName, writeBundle } from '../../../src/lib/tensorflow/bundle.ts';
import { readCheckpoint, writeCheckpoint } from '../../../src/lib/tensorflow/checkpoint.ts';
import { crc32c, maskCrc } from '../../../src/lib/tensorflow/crc32c.ts';
import {
  objectGraphKey,
  readObjectGraph,
  variableKey,
  writeObjectGraph,
} from '../../../src/lib/tensorflow/object_graph.ts';
import { bytesField, concat, fixed32Field, varint, varintField } from '../../../src/lib/tensorflow/protobuf.ts';
import { readTable, type TableEntry, writeTable } from '../../../src/lib/tensorflow/table.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

const fixtures = join(root, 'test/fixtures/tensorflow');
const index = readFileSync(join(fixtures, 'plain.index'));
const kernelKey = variableKey('layer_with_weights-0/kernel');
const folder = mkdtempSync(join(tmpdir(), 'ecg-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was refused');
}

describe('tensorflow crc32c', () => {
  it('has the check values of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('can be continued', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 37);
    for (let cut = 0; cut <= 100; cut++) {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }
  });
});

describe('tf.train.load_checkpoint', () => {
  it('reads what tf_keras wrote', () => {
    expect(readCheckpoint(join(fixtures, 'plain'))).toEqual({
      variables: [
        {
          objectPath: 'layer_with_weights-0/kernel',
          dtype: 'float32',
          shape: [2, 3],
          data: Float32Array.of(1, 2, 3, 4, 5, 6),
        },
        { objectPath: 'layer_with_weights-0/bias', dtype: 'float32', shape: [3], data: Float32Array.of(7, 8, 9) },
      ],
      others: [],
    });
  });

  it('reads the bits that the port wrote, from an index of several blocks', async () => {
    const tensors = new Map<string, NdArray>([
      ['scalar', ndarray('float64', [], Float64Array.of(-0))],
      ['empty', ndarray('float32', [0, 4], new Float32Array(0))],
      ['half', ndarray('float16', [2], Uint16Array.of(0x3c00, 0x7e00))],
      ['flags', ndarray('bool', [2], Uint8Array.of(0, 1))],
      ['unsigned', ndarray('uint64', [1], BigUint64Array.of(2n ** 64n - 1n))],
      ['signed', ndarray('int64', [2], BigInt64Array.of(-1n, 2n ** 62n))],
      ['ümlaut/naïve', ndarray('int8', [3], Int8Array.of(-128, 0, 127))],
    ]);
    // 262,144 bytes fill a block: these names alone take more.
    for (let i = 0; i < 700; i++) tensors.set(`${'long/'.repeat(90)}${i}`, ndarray('int32', [1], Int32Array.of(i)));
    for (let i = 0; i < 700; i++) tensors.set(`${i}${'/long'.repeat(90)}`, ndarray('uint16', [1], Uint16Array.of(i)));
    const prefix = join(folder, 'bits');
    writeBundle(
      prefix,
      tensors,
      new Map([
        ['text', Buffer.from('any\0bytes')],
        ['no text', new Uint8Array(0)],
      ]),
    );
    expect(readFileSync(`${prefix}.index`).length).toBeGreaterThan(262_144);
    const output = await runPython([join(fixtures, 'read_bundle.py'), prefix]);
    const expected = [...tensors].map(
      ([key, array]) =>
        `${key} ${array.dtype} [${array.shape.join(', ')}] ${Buffer.from(bytesOf(array)).toString('hex')}`,
    );
    expected.push(`text string [] ${Buffer.from('any\0bytes').toString('hex')}`, 'no text string [] ');
    const lines = (list: readonly string[]) => list.map((line) => line.replace('half ', '').trimEnd()).sort();
    const typeNames = (line: string) => line.replace(' half [', ' float16 [');
    expect(lines(output.trimEnd().split('\n').map(typeNames))).toEqual(lines(expected));
  });

  it('reads what tf.raw_ops.SaveV2 wrote', async () => {
    const prefix = join(folder, 'raw');
    const program = [
      'import sys, numpy as np, tensorflow as tf',
      'many = {f"layer_{i}/weights": np.arange(i + 1.0) for i in range(300)}',
      'tf.raw_ops.SaveV2(prefix=sys.argv[1], tensor_names=list(many), shape_and_slices=[""] * 300, tensors=list(many.values()))',
    ].join('\n');
    await runPython(['-c', program, prefix]);
    const values = Array.from({ length: 300 }, (_, i) => Float64Array.from({ length: i + 1 }, (_, k) => k));
    const expected = values.map((data, i) => [`layer_${i}/weights`, ndarray('float64', [i + 1], data)] as const);
    expect(new BundleReader(prefix).tensors()).toEqual(new Map(expected));
  });

  it('is recorded as the newest checkpoint of its folder, as save_weights does', () => {
    mkdirSync(join(folder, 'job'), { recursive: true });
    writeCheckpoint(join(folder, 'job', 'model "1".weights'), [{ path: '' }], []);
    expect(readFileSync(join(folder, 'job', 'checkpoint'), 'utf8')).toBe(
      'model_checkpoint_path: "model \\"1\\".weights"\nall_model_checkpoint_paths: "model \\"1\\".weights"\n',
    );
  });

  it('says which files it looked for', () => {
    expect(errorOf(() => readCheckpoint(join(folder, 'missing')))).toEqual(
      new FileNotFoundError(join(folder, 'missing.index')),
    );
  });
});

describe('object graph', () => {
  type Edges = Readonly<Record<string, number>>;
  const graph = (nodes: readonly (Edges | string)[]): Uint8Array =>
    concat(
      nodes.map((node) =>
        bytesField(
          1,
          typeof node === 'string'
            ? bytesField(2, concat([bytesField(1, 'VARIABLE_VALUE'), bytesField(3, node)]))
            : concat(
                Object.entries(node).map(([name, to]) =>
                  bytesField(1, concat([varintField(1, to), bytesField(2, name)])),
                ),
              ),
        ),
      ),
    );

  it('prefers names of attributes, then layer_with_weights', () => {
    // TensorFlow 2.1 lists a model's layers beside its attributes, here one step shorter.
    const bytes = graph([
      { 'layer-0': 1, 'layer_with_weights-0': 1, optimizer: 5, root: 0 },
      { 'layer_with_weights-1': 3, 'layer-2': 3, 'layer-0': 2, 'layer_with_weights-0': 2, conv1: 2, blocks: 4 },
      { kernel: 6 },
      { kernel: 7 },
      { 0: 3 },
      { iter: 8 },
      'first',
      'second',
      'step',
    ]);
    expect([...readObjectGraph('file', bytes)]).toEqual([
      ['layer_with_weights-0/conv1/kernel', 'first'],
      ['layer_with_weights-0/blocks/0/kernel', 'second'],
    ]);
  });

  it('terminates if objects refer to each other', () => {
    expect([...readObjectGraph('file', graph([{ a: 1 }, { back: 0, b: 2, again: 1 }, 'key']))]).toEqual([
      ['a/b', 'key'],
    ]);
  });

  it('is written with every container, alias and variable', () => {
    const bytes = writeObjectGraph(
      [{ path: '' }, { path: 'layer_with_weights-0', alias: 'layer-0' }, { path: 'layer_with_weights-0/blocks/0' }],
      ['layer_with_weights-0/blocks/0/kernel'],
    );
    expect([...readObjectGraph('file', bytes)]).toEqual([
      ['layer_with_weights-0/blocks/0/kernel', variableKey('layer_with_weights-0/blocks/0/kernel')],
    ]);
  });

  const faults: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['nothing', new Uint8Array(0), /no nodes/],
    ['a node that does not exist', graph([{ a: 7 }]), /a leads to node 7 of 1/],
    ['a field longer than its message', Uint8Array.of(0x0a, 0x50, 1), /longer than its message/],
    ['a number that is cut off', Uint8Array.of(0x08, 0xff), /cut off/],
    ['a group', Uint8Array.of(0x0b), /unknown kind 3/],
    ['200,001 nodes', graph(Array.from({ length: 200_001 }, () => ({}))), /more than 200000 nodes/],
    ['a name without end', graph([{ ['x'.repeat(5000)]: 1 }, {}]), /a path of 5000 characters/],
  ];
  it.each(faults)('refuses %s', (_name, bytes, message) => {
    const error = errorOf(() => readObjectGraph('file', bytes));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
  });
});

describe('damaged and hostile checkpoints', () => {
  const prefix = join(folder, 'damaged');
  const shard = shardName(prefix, 0, 1);
  beforeEach(() => {
    copyFileSync(join(fixtures, 'plain.index'), `${prefix}.index`);
    copyFileSync(shardName(join(fixtures, 'plain'), 0, 1), shard);
  });
  const entry = (fields: {
    type?: number;
    shape?: number[];
    shard?: number;
    offset?: number;
    size?: number;
    crc?: number;
  }) =>
    concat([
      varintField(1, fields.type ?? 1),
      bytesField(2, concat((fields.shape ?? [2, 3]).map((extent) => bytesField(2, varintField(1, extent))))),
      varintField(3, fields.shard ?? 0),
      varintField(4, fields.offset ?? 0),
      varintField(5, fields.size ?? 24),
      fixed32Field(6, fields.crc ?? 0),
    ]);
  const header = (shards: number, endianness = 0): Uint8Array =>
    concat([varintField(1, shards), varintField(2, endianness), bytesField(3, varintField(1, 1))]);
  const rewrite = (edit: (entries: TableEntry[]) => TableEntry[]): void =>
    writeFileSync(
      `${prefix}.index`,
      writeTable(edit(readTable('plain.index', index, new Budget('plain.index', index.length)))),
    );
  const set = (key: string, value: Uint8Array) => () =>
    rewrite((entries) => entries.map((row) => (row.key === key ? { key, value } : row)));
  const remove = (key: string) => () => rewrite((entries) => entries.filter((row) => row.key !== key));
  const patch = (file: string, at: number, byte: number) => () => {
    const bytes = readFileSync(file);
    bytes[at < 0 ? bytes.length + at : at] ^= byte;
    writeFileSync(file, bytes);
  };
  const replaceByFolder = (file: string) => () => {
    rmSync(file);
    mkdirSync(file);
  };
  /** A block of raw bytes as the only data block. */
  const rawBlock =
    (content: number[], { kind = 0, restarts = [1, 0, 0, 0] } = {}) =>
    () => {
      const block = Uint8Array.from([...content, 0, 0, 0, 0, ...restarts]);
      const trailer = (bytes: Uint8Array, type: number): Uint8Array => {
        const tail = Buffer.alloc(5);
        tail[0] = type;
        tail.writeUInt32LE(maskCrc(crc32c(tail.subarray(0, 1), crc32c(bytes))), 1);
        return tail;
      };
      const handle = concat([varint(0), varint(block.length)]);
      const indexBlock = Uint8Array.from([0, 1, handle.length, 0x7a, ...handle, 0, 0, 0, 0, 1, 0, 0, 0]);
      const at = block.length + 5;
      const footer = Buffer.alloc(48);
      concat([varint(at), varint(indexBlock.length), varint(at), varint(indexBlock.length)]).forEach((byte, i) => {
        footer[i] = byte;
      });
      footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40);
      writeFileSync(
        `${prefix}.index`,
        concat([block, trailer(block, kind), indexBlock, trailer(indexBlock, 0), footer]),
      );
    };

  const faults: readonly (readonly [string, () => void, RegExp])[] = [
    [
      'empty index',
      () => writeFileSync(`${prefix}.index`, ''),
      /index, byte 0: this is not the index of a TensorFlow checkpoint/,
    ],
    [
      'index cut off',
      () => truncateSync(`${prefix}.index`, index.length - 1),
      /not the index of a TensorFlow checkpoint/,
    ],
    ['another format as index', () => writeFileSync(`${prefix}.index`, 'x'.repeat(100)), /without the magic number/],
    ['index that is a folder', replaceByFolder(`${prefix}.index`), /not a regular file; got a folder/],
    ['flipped bit in a block', patch(`${prefix}.index`, 10, 1), /checksum of a block is wrong/],
    [
      'flipped bit in the footer',
      patch(`${prefix}.index`, -45, 0x40),
      /checksum of a block is wrong|outside the table/,
    ],
    ['absurd block handle', patch(`${prefix}.index`, -44, 0x7f), /outside the table/],
    ['compressed block', rawBlock([], { kind: 1 }), /compressed \(TensorFlow writes uncompressed blocks\); got kind 1/],
    [
      'restart points beyond the block',
      rawBlock([], { restarts: [0xff, 0xff, 0, 0] }),
      /impossible number of restart points/,
    ],
    ['no restart points', rawBlock([], { restarts: [0, 0, 0, 0] }), /impossible number of restart points; got 0/],
    ['key that shares more than there is', rawBlock([5, 0, 0]), /longer than its block; got key of 5\+0/],
    ['key longer than its block', rawBlock([0, 100, 0]), /longer than its block/],
    ['value longer than its block', rawBlock([0, 0, 100]), /longer than its block/],
    ['length that is cut off', rawBlock([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), /cut off/],
    ['length beyond 2^53', rawBlock([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0]), /beyond 2\^53/],
    ['keys out of order', () => rewrite((rows) => [rows[0], ...rows.slice(1).reverse()]), /keys are out of order/],
    ['key twice', () => rewrite((rows) => [...rows, rows.at(-1)!]), /keys are out of order/],
    ['no header', remove(''), /the index has no header/],
    ['no data files', set('', header(0)), /got 0 data files/],
    ['a million data files', set('', header(1_000_000)), /got 1000000 data files; expected .*1 to 1000/],
    ['big-endian values', set('', header(1, 1)), /big-endian/],
    [
      'entry that is no message',
      set(kernelKey, Uint8Array.of(0x0f)),
      /kernel.*: the entry is damaged; got a field of unknown kind 7/,
    ],
    ['unknown type', set(kernelKey, entry({ type: 99 })), /TensorFlow type 99/],
    ['resource', set(kernelKey, entry({ type: 20 })), /TensorFlow type 20/],
    ['bfloat16 of another size', set(kernelKey, entry({ type: 14 })), /expected bfloat16 of shape \(2, 3\)/],
    ['text for numbers', set(kernelKey, entry({ type: 7 })), /text where numbers are expected/],
    [
      'negative axis',
      set(
        kernelKey,
        concat([varintField(1, 1), bytesField(2, bytesField(2, Uint8Array.of(8, ...Array(9).fill(0xff), 1)))]),
      ),
      /the entry is damaged/,
    ],
    ['unknown rank', set(kernelKey, concat([varintField(1, 1), bytesField(2, varintField(3, 1))])), /unknown rank/],
    ['rank 100', set(kernelKey, entry({ shape: Array(100).fill(1), size: 4 })), /impossible rank; got 100/],
    ['terabytes', set(kernelKey, entry({ shape: [2 ** 20, 2 ** 20] })), /does not have the size that its shape/],
    [
      'terabytes, consistently',
      set(kernelKey, entry({ shape: [2 ** 20, 2 ** 20], size: 2 ** 42 })),
      /outside its file|share bytes/,
    ],
    [
      'size that is not the shape’s',
      set(kernelKey, entry({ size: 20 })),
      /got 20 bytes; expected float32 of shape \(2, 3\)/,
    ],
    ['values outside the file', set(kernelKey, entry({ offset: 1e6 })), /outside its file; got 24 bytes at 1000000/],
    ['values that overlap', set(kernelKey, entry({ offset: 8 })), /two tensors share bytes/],
    ['wrong checksum', set(kernelKey, entry({ crc: 1 })), /checksum of a tensor is wrong|share bytes/],
    [
      'slices',
      set(kernelKey, concat([entry({}), bytesField(7, bytesField(1, new Uint8Array(0)))])),
      /stored in slices/,
    ],
    ['data file that does not exist', set(kernelKey, entry({ shard: 5 })), /data file that does not exist; got 5/],
    ['second data file missing', set('', header(2)), /No such file.*data-00000-of-00002/],
    ['data missing', () => rmSync(shard), /No such file.*data-00000-of-00001/],
    ['data cut off', () => truncateSync(shard, 30), /outside its file/],
    ['data that are a folder', replaceByFolder(shard), /outside its file|not a regular file/],
    ['flipped bit in the values', patch(shard, 5, 1), /checksum of a tensor is wrong/],
    [
      'flipped bit in the object graph',
      patch(shard, -1, 1),
      /OBJECT_GRAPH: damaged text; got a wrong checksum$|OBJECT_GRAPH: damaged text; got a wrong checksum\./,
    ],
    ['no object graph', remove(objectGraphKey), /has no object graph/],
    ['numbers as object graph', set(objectGraphKey, entry({ shape: [0], size: 0 })), /damaged text; got numbers/],
    [
      'empty text as object graph',
      set(objectGraphKey, entry({ type: 7, shape: [], size: 0 })),
      /damaged text; got a number that is cut off/,
    ],
    ['variable missing', remove(kernelKey), /no such tensor/],
  ];

  it.each(faults)('%s', (_name, damage, message) => {
    damage();
    const error = errorOf(() => readCheckpoint(prefix));
    expect([InputError, FileNotFoundError]).toContain(error.constructor);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(prefix);
    rmSync(`${prefix}.index`, { recursive: true });
    rmSync(shard, { recursive: true, force: true });
  });

  it('any change of an index entry leads to numbers or a typed error', () => {
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const rows = readTable('plain.index', index, new Budget('plain.index', index.length));
    let refused = 0;
    const mutants = 1000;
    for (let mutant = 0; mutant < mutants; mutant++) {
      // Checksums are made right again, so that what lies behind them is reached.
      rewrite(() => {
        const changed = rows.map(({ key, value }) => ({ key, value: Uint8Array.from(value) }));
        for (let edit = random(3); edit >= 0; edit--) {
          const { value } = changed[random(changed.length)];
          value[random(value.length)] = random(2) === 0 ? random(256) : 0xff;
        }
        return changed;
      });
      try {
        for (const { data, shape } of readCheckpoint(prefix).variables) {
          expect(data).toHaveLength(shape.reduce((size, extent) => size * extent, 1));
        }
      } catch (error) {
        if (!(error instanceof InputError || error instanceof FileNotFoundError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(mutants / 2);
    expect(refused).toBeLessThan(mutants);
  });
});
