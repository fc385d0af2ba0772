import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { Budget } from '../../../src/lib/budget.ts';
import { bytesOf, type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { NpyFile, readNpy, writeNpy } from '../../../src/lib/numpy/npy.ts';
import { objectArray } from '../../../src/lib/numpy/object_array.ts';
import { FileNotFoundError, ValueError } from '../../../src/lib/python/errors.ts';
import { ArrayStream, dump, dumps, load, loadSync, loads } from '../../../src/lib/python/pickle.ts';
import { Tuple } from '../../../src/lib/python/tuple.ts';
import { runPython } from '../../python.ts';
import { haveSharedData, root, sharedData } from '../../shared_data.ts';
import { floatHex, plain } from '../numpy/plain.ts';

const script = join(root, 'test/fixtures/python/pickles.py');
let folder: string;
let own: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pickle-'));
  own = mkdtempSync(join(tmpdir(), 'pickle-own-'));
  await runPython([script, 'write', folder]);
});

afterAll(() => {
  for (const path of [folder, own]) rmSync(path, { recursive: true, force: true });
});

type Dict = Map<string, unknown>;

function array(dict: Dict, name: string): NdArray {
  return dict.get(name) as NdArray;
}

/** The bytes of an array, or of bytes. */
function bytesIn(value: unknown): Buffer {
  return Buffer.from(value instanceof Uint8Array ? value : bytesOf(value as NdArray));
}

/** What `pickles.py` pickles, checked by hand. */
function checkValue(value: unknown): void {
  const dict = value as Dict;
  expect([...dict.keys()].slice(0, 4)).toEqual(['x', 'fortran', 'big', 'y']);
  expect(dict.get('x')).toEqual(
    ndarray(
      'float32',
      [2, 3, 4],
      Float32Array.from({ length: 24 }, (_, i) => i / 7),
    ),
  );
  expect(dict.get('fortran')).toEqual(ndarray('int16', [2, 3], Int16Array.of(0, 1, 2, 3, 4, 5)));
  expect(dict.get('big')).toEqual(ndarray('float64', [5], Float64Array.of(0, 1e10, 2e10, 3e10, 4e10)));
  expect(dict.get('y')).toEqual(ndarray('bool', [2, 2], Uint8Array.of(1, 0, 0, 1)));
  expect(dict.get('record_ids')).toEqual(objectArray(['A00001', 'é', null]));
  expect(dict.get('classes')).toEqual({ dtype: 'str', width: 2, shape: [2], data: ['A', 'N~'] });
  const labels = dict.get('labels') as { shape: number[]; data: NdArray[] };
  expect(labels.shape).toEqual([2, 2]);
  expect(labels.data.map((item) => [...(item.data as BigInt64Array)])).toEqual([[], [0n], [0n, 1n], [0n, 1n, 2n]]);
  expect(dict.get('half')).toEqual(ndarray('float16', [2], Uint16Array.of(0x3800, 0x7bff)));
  expect(array(dict, 'empty').shape).toEqual([0, 2048, 1]);
  expect(dict.get('scalar')).toEqual(ndarray('int64', [], BigInt64Array.of(3n)));
  expect(dict.get('numbers')).toEqual([
    0,
    255,
    256,
    65536,
    -1,
    2 ** 31,
    -(2 ** 31),
    2 ** 40,
    2n ** 53n + 1n,
    -(2n ** 100n),
    1.5,
    -0,
    1e300,
  ]);
  expect((dict.get('scalars') as number[]).slice(0, 3).map(floatHex)).toEqual(
    [Math.fround(0.1), 0.1, 2 ** 40].map(floatHex),
  );
  expect((dict.get('scalars') as unknown[]).slice(3)).toEqual([true, 200, 0.0999755859375]);
  expect(dict.get('text')).toEqual(['', 'a'.repeat(300), 'é𝒳', 'x'.repeat(70000)]);
  const all = Array.from({ length: 256 }, (_, i) => i);
  expect((dict.get('bytes') as Uint8Array[]).map((bytes) => [...bytes])).toEqual([[], [0, 255], [...all, ...all]]);
  expect(dict.get('tuples')).toEqual(
    Tuple.of<unknown>(Tuple.of(), Tuple.of(1), Tuple.of<unknown>(1, Tuple.of<unknown>(2, 'a')), Tuple.of(1, 2, 3, 4)),
  );
  expect(dict.get('tuples')).toBeInstanceOf(Tuple);
  expect(dict.get('sets')).toEqual([new Set(), new Set([1, 'a', null])]);
  const nested = dict.get('nested') as Dict;
  expect(nested.get('a')).toEqual(new Map([[1, [true, null, new Map()]]]));
  expect(nested.get('b')).toEqual([[], [1, 2], [1, 2]]);
}

describe('pickle.load', () => {
  const names = [2, 3, 4, 5].flatMap((protocol) => [`p${protocol}.pkl`, `p${protocol}.gz`]);
  it.each(names)('%s at once', (name) => checkValue(loadSync(join(folder, name))));
  it.each(names)('%s as a stream', async (name) => checkValue(await load(join(folder, name))));

  it('reading byte by byte gives the same as reading at once', async () => {
    const { Feed } = await import('../../../src/lib/python/pickle_feed.ts');
    const { Unpickler } = await import('../../../src/lib/python/pickle_reader.ts');
    const feed = new Feed();
    const reading = new Unpickler(feed, { budget: new Budget('drip', 2 ** 20) }).read();
    let step: IteratorResult<undefined, unknown> = { value: undefined };
    for (const byte of readFileSync(join(folder, 'p5.pkl'))) {
      feed.push(Uint8Array.of(byte));
      step = reading.next();
    }
    expect(step.done).toBe(true);
    checkValue(step.value);
  });

  it('large arrays share the memory of the file, wherever in it they begin; the bytes of a caller stay as they are', () => {
    const path = join(own, 'aligned.pkl.gz');
    const plainPath = join(own, 'aligned.pkl');
    for (let before = 0; before < 9; before++) {
      const doubles = Float64Array.from({ length: 9000 }, (_, k) => k + before);
      const singles = Float32Array.from({ length: 20_000 }, (_, k) => k - before);
      const raw = Uint8Array.from({ length: 70_000 }, (_, k) => 7 * k + before);
      const text = 'é'.repeat(before);
      const value = [
        text,
        ndarray('float64', [9000], doubles),
        raw,
        ndarray('float32', [20_000], singles),
        'x'.repeat(before),
        raw,
        ndarray('float64', [9000], doubles),
      ];
      const bytes = dumps(value);
      const copy = Buffer.from(bytes);
      writeFileSync(path, gzipSync(bytes, { level: 1 }));
      writeFileSync(plainPath, bytes);
      const check = (read: unknown) => {
        const items = read as typeof value;
        expect([items.length, items[0], items[4]]).toEqual([value.length, value[0], value[4]]);
        for (const k of [1, 2, 3, 5, 6]) expect(bytesIn(items[k]).equals(bytesIn(value[k])), `item ${k}`).toBe(true);
      };
      check(loads(bytes));
      expect(bytes.equals(copy)).toBe(true);
      for (const file of [path, plainPath]) {
        const read = loadSync(file);
        check(read);
        // Doubles are copied where the room in front of them is too small to move them.
        expect((read as NdArray[])[3].data.buffer.byteLength).toBeGreaterThanOrEqual(bytes.length);
      }
    }
  });

  it('reads large arrays and many references', async () => {
    const value = (await load(join(folder, 'large_frames.pkl'))) as Dict;
    expect(array(value, 'x').data[1_999_999]).toBe(1_999_999);
    const lists = value.get('y') as NdArray[];
    expect([lists.length, lists[39_999] === lists[0]]).toEqual([40_000, true]);
  });

  it('writes arrays above a threshold to files of their own', async () => {
    const spill = { folder: own, threshold: 1 << 20 };
    const value = (await load(join(folder, 'large_frames.pkl'), { spill })) as Dict;
    const file = value.get('x') as NpyFile;
    expect(file).toBeInstanceOf(NpyFile);
    expect([file.shape, file.dtype, file.read([], 1_999_998).data[1]]).toEqual([[2_000_000], 'float32', 1_999_999]);
    file.close();
    expect(readNpy(file.name).data.length).toBe(2_000_000);
  });

  it.skipIf(!haveSharedData)('reads the label pickles of Icentia11k as first distributed', async () => {
    for (const patient of ['00000', '00016']) {
      const path = join(sharedData, 'icentia11k/pickle_labels', `${patient}_batched_lbls.pkl.gz`);
      const program = `import gzip, hashlib, json, pickle, sys
segments = pickle.load(gzip.open(sys.argv[1]))
print(json.dumps([[k, [[str(a.dtype), len(a), hashlib.sha1(a.astype("<i4").tobytes()).hexdigest()] for a in s[k]]] for s in segments for k in s]))`;
      const { createHash } = await import('node:crypto');
      const expected = JSON.parse(await runPython(['-c', program, path]));
      const found = ((await load(path)) as Map<string, NdArray[]>[]).flatMap((segment) =>
        [...segment].map(([key, arrays]) => [
          key,
          arrays.map((item) => [item.dtype, item.data.length, createHash('sha1').update(bytesOf(item)).digest('hex')]),
        ]),
      );
      expect(found.length).toBe(100);
      expect(found).toEqual(expected);
    }
  });
});

describe('pickle.dump', () => {
  it('Python loads equal objects, with and without gzip, whole and streamed', async () => {
    const back = join(own, 'back');
    mkdirSync(back);
    const value = loadSync(join(folder, 'p4.pkl')) as Dict;
    await dump(join(back, 'whole.gz'), value);
    await dump(join(back, 'plain.pkl'), value, { compress: false });
    writeFileSync(join(back, 'bytes.pkl'), dumps(value));
    const bytes = Buffer.from(bytesOf(array(value, 'x')));
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
    })();
    await dump(join(back, 'stream.gz'), new Map(value).set('x', new ArrayStream('float32', [2, 3, 4], pieces)));
    writeNpy(join(own, 'x.npy'), array(value, 'x'));
    const file = NpyFile.open(join(own, 'x.npy'));
    await dump(join(back, 'file.gz'), new Map(value).set('x', file));
    file.close();
    const results = JSON.parse(await runPython([script, 'check', back]));
    expect(results).toEqual({
      'bytes.pkl': true,
      'file.gz': true,
      'plain.pkl': true,
      'stream.gz': true,
      'whole.gz': true,
    });
    expect(plain(array(loads(dumps(value)) as Dict, 'x'))).toEqual(plain(array(value, 'x')));
  });

  it('writes a plain object as a dict', () => {
    expect(loads(dumps({ a: 1, b: [2] }))).toEqual(
      new Map<string, unknown>([
        ['a', 1],
        ['b', [2]],
      ]),
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['a function', { a: [() => 1] }, /cannot pickle a function at a.0/],
    ['undefined', { a: undefined }, /cannot pickle a undefined at a/],
    ['a date', [new Date(0)], /cannot pickle a Date at 0/],
    ['a bare Float32Array', [new Float32Array(2)], /cannot pickle a Float32Array at 0/],
    ['an unpaired surrogate', '\ud800', /surrogate/],
    ['an array of another size', { dtype: 'int8', shape: [3], data: new Int8Array(2) }, /2 elements and shape \(3\)/],
    ['a stream that is too short', new ArrayStream('int8', [3], [Uint8Array.of(1)]), /hold 1 bytes; expected 3/],
    ['a stream that is too long', new ArrayStream('int8', [1], [new Uint8Array(2)]), /hold 2 bytes; expected 1/],
  ])('%s is a ValueError', (_, value, message) => {
    expect(() => dumps(value)).toThrow(message);
    expect(() => dumps(value)).toThrow(ValueError);
  });

  it('a list that contains itself', () => {
    const list: unknown[] = [];
    list.push(list);
    expect(() => dumps(list)).toThrow(/contains itself/);
  });

  it('if writing fails, leaves neither the file nor a temporary file', async () => {
    const before = readdirSync(own);
    await expect(
      dump(join(own, 'failed.pkl'), { x: new ArrayStream('int8', [9], [new Uint8Array(2)]) }),
    ).rejects.toThrow(ValueError);
    expect(readdirSync(own)).toEqual(before);
  });
});

const P = Buffer.from([0x80, 4]);
const raw = (text: string): Buffer => Buffer.concat([P, Buffer.from(text, 'latin1')]);

describe('pickles that are refused', () => {
  it.each<[string, Buffer, RegExp]>([
    ['os.system by GLOBAL', raw('cos\nsystem\n(X\x04\0\0\0truetR.'), /"os.system"/],
    ['os.system by STACK_GLOBAL', raw('\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.'), /"os.system"/],
    ['posix.system', raw('cposix\nsystem\n.'), /"posix.system"/],
    ['builtins.eval', raw('cbuiltins\neval\n\x8c\x011\x85R.'), /"builtins.eval"/],
    ['builtins.getattr', raw('cbuiltins\ngetattr\n.'), /"builtins.getattr"/],
    ['a name with dots', raw('\x8c\x05numpy\x8c\x0ddtype.__new__\x93.'), /"numpy.dtype.__new__"/],
    ['a module with dots', raw('\x8c\x00\x8c\x0dnumpy.ndarray\x93.'), /refused/],
    ['numpy.load', raw('cnumpy\nload\n.'), /"numpy.load"/],
    ['numpy.ndarray called', raw('cnumpy\nndarray\n(K\x01tR.'), /a call of ndarray/],
    ['nested reduce', raw('cos\nsystem\ncbuiltins\neval\n\x85R\x85R.'), /"os.system"/],
    ['reduce of a text', raw('\x8c\x01a)R.'), /REDUCE of something/],
    ['NEWOBJ', raw('cnumpy\ndtype\n)\x81.'), /opcode NEWOBJ/],
    ['NEWOBJ_EX', raw('cnumpy\ndtype\n)}\x92.'), /opcode NEWOBJ_EX/],
    ['OBJ', raw('(cnumpy\ndtype\no.'), /opcode OBJ/],
    ['INST', raw('(inumpy\ndtype\n.'), /opcode INST/],
    ['PERSID', raw('P0\n.'), /opcode PERSID/],
    ['BINPERSID', raw('K\x00Q.'), /opcode BINPERSID/],
    ['EXT1', raw('\x82\x01.'), /opcode EXT1/],
    ['EXT4', raw('\x84\x01\0\0\0.'), /opcode EXT4/],
    ['NEXT_BUFFER', raw('\x97.'), /opcode NEXT_BUFFER/],
    ['BUILD of a dict', raw('}}b.'), /BUILD with a state that is not a tuple/],
    ['BUILD of a list by tuple', raw('](K\x01tb.'), /BUILD of something/],
    ['protocol 0', Buffer.from('(lp0\n.'), /not a pickle of protocol 2 to 5/],
    ['protocol 9', Buffer.from([0x80, 9, 0x4e, 0x2e]), /protocol 9/],
    ['protocol 0 opcodes', raw('I5\n.'), /opcode INT/],
    ['an unknown opcode', raw('\xff.'), /opcode 0xff/],
    ['a bare name', raw('cnumpy\ndtype\n.'), /bare name dtype/],
    ['no value', raw('.'), /stack is empty/],
    ['no STOP', raw('N'), /the pickle is cut off/],
    ['a memo that is not there', raw('h\x05.'), /nothing is stored under 5/],
    ['a missing mark', raw('t.'), /a mark is missing/],
    ['10^15 bytes', raw('\x8e\x00\x80\xc6\xa4\x7e\x8d\x03\x00'), /the pickle is cut off/],
    [
      'an object dtype from bytes',
      raw('cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n(\x8c\x02O8\x89\x88tRC\x08aaaaaaaa\x86R.'),
      /object array/,
    ],
    ['a dict as key', raw('}}K\x01s.'), /a dict key or set member/],
    ['bytes that do not fill', dumps(ndarray('int8', [2], new Int8Array(2))), /fill/],
    ['a 3-byte code', raw('cnumpy\ndtype\n\x8c\x02V8\x89\x88\x87R.'), /element type "V8"/],
    ['a dtype of NumPy itself', raw('cnumpy\ndtype\n\x8c\x02f8\x89\x89\x87R.'), /dtype made from/],
  ])('%s', (name, bytes, message) => {
    const pickle =
      name === 'bytes that do not fill'
        ? Buffer.from(bytes.toString('latin1').replace('K\x02t', 'K\x03t'), 'latin1')
        : bytes;
    expect(() => loads(pickle, { file: 'bad.pkl' })).toThrow(message);
    expect(() => loads(pickle, { file: 'bad.pkl' })).toThrow(/^bad\.pkl, pickle opcode \w+/);
    expect(() => loads(pickle)).toThrow(InputError);
  });

  it('names the opcode and its byte', () => {
    expect(() => loads(raw('N0cos\nsystem\n.'), { file: 'f' })).toThrow('f, pickle opcode GLOBAL at byte 4: refused');
  });

  it('refuses a memo bomb: each list contains the previous one ten times', () => {
    const levels = Array.from({ length: 40 }, (_, i) => `](${`h${String.fromCharCode(i)}`.repeat(10)}e\x94`).join('');
    expect(() => loads(raw(`]\x94${levels}.`))).toThrow(/more work than its size allows; got values that repeat/);
  });

  it('refuses a list that contains itself', () => {
    expect(() => loads(raw(']\x94h\x00a.'))).toThrow(/contains itself/);
  });

  it('refuses 100,000 levels of nesting', () => {
    expect(() => loads(raw(`${']'.repeat(100_000)}${'a'.repeat(99_999)}.`))).toThrow(/nested deeper than 200/);
    expect(() => loads(raw(`${'('.repeat(100_000)}.`))).toThrow(/too many marks/);
  });

  it('refuses a gzip bomb of containers or of bytes with little memory', async () => {
    const before = process.memoryUsage().rss;
    const path = join(own, 'bomb.pkl');
    writeFileSync(path, gzipSync(Buffer.concat([P, Buffer.alloc(2 ** 26, '}')])));
    await expect(load(path)).rejects.toThrow(/more memory than its size allows; got a container/);
    const head = Buffer.alloc(9, 0x8e);
    head.writeBigUInt64LE(2n ** 27n, 1);
    writeFileSync(path, gzipSync(Buffer.concat([P, head, Buffer.alloc(2 ** 27), Buffer.from('.')])));
    await expect(load(path, { maxBytes: 2 ** 20 })).rejects.toThrow(
      /got 134217728 bytes of payload: .* at most 1048576 bytes/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30);
  });

  it('refuses damaged gzip, missing files and folders', async () => {
    const path = join(own, 'cut.gz');
    writeFileSync(path, readFileSync(join(folder, 'p4.gz')).subarray(0, 500));
    await expect(load(path)).rejects.toThrow(InputError);
    expect(() => loadSync(path)).toThrow(/gzip data are damaged/);
    await expect(load(join(own, 'none'))).rejects.toThrow(FileNotFoundError);
    expect(() => loadSync(join(own, 'none'))).toThrow(FileNotFoundError);
    await expect(load(own)).rejects.toThrow(InputError);
  });
});
