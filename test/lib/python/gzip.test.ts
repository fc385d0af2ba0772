import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { gunzip, gunzipFile, statedSize } from '../../../src/lib/python/gzip.ts';
import { gzipBlocks } from '../../../src/lib/python/gzip_writer.ts';
import { dumps, load, loadSync } from '../../../src/lib/python/pickle.ts';
import { runPython } from '../../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'gzip-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [a, b] = [dumps([1, 'a'.repeat(1000)]), Buffer.alloc(300_000, 'xy')];
const [first, second] = [gzipSync(a), gzipSync(b)];
const zeros = Buffer.alloc(70_000);
const garbage = Buffer.from('garbage');

const files: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  'one member': first,
  'two members': Buffer.concat([first, second]),
  'zeros behind': Buffer.concat([first, zeros]),
  'zeros between two members': Buffer.concat([first, zeros, second, Buffer.alloc(1), first]),
  'garbage behind': Buffer.concat([first, garbage]),
  'garbage behind zeros': Buffer.concat([first, zeros, garbage]),
  'the first byte of a member behind': Buffer.concat([first, second.subarray(0, 1)]),
  'half a member behind': Buffer.concat([first, second.subarray(0, second.length >> 1)]),
  'half a member behind zeros': Buffer.concat([first, zeros, second.subarray(0, second.length >> 1)]),
  'a wrong checksum': Buffer.concat([first.subarray(0, -8), Buffer.from([first.at(-8)! ^ 1]), first.subarray(-7)]),
  'a wrong length': Buffer.concat([first.subarray(0, -1), Buffer.from([1])]),
  ...Object.fromEntries([...Array(20).keys()].map((i) => [`${i + 1} bytes cut off`, first.subarray(0, -1 - i)])),
};

it('gzip.decompress and gzip.open: gives the same bytes, or refuses the same data, at once and as a stream', async () => {
  const paths = Object.entries(files).map(([name, bytes]) => {
    const path = join(folder, `${name}.gz`);
    writeFileSync(path, bytes);
    return path;
  });
  const program = `
import gzip, hashlib, json, sys
def read(path):
    try:
        with gzip.open(path) as file:
            return hashlib.sha1(file.read()).hexdigest()
    except (EOFError, OSError):
        return None
print(json.dumps([read(path) for path in json.load(sys.stdin)]))`;
  const python = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(paths) })) as (string | null)[];
  const { createHash } = await import('node:crypto');
  const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
  const refused = (error: unknown): null => {
    expect(error).toBeInstanceOf(InputError);
    return null;
  };
  for (const [i, [name, bytes]] of Object.entries(files).entries()) {
    const path = paths[i];
    const atOnce = (): string | null => {
      try {
        return digest(gunzip(bytes, path, 2 ** 30));
      } catch (error) {
        return refused(error);
      }
    };
    const streamed = async (): Promise<string | null> => {
      const parts: Buffer[] = [];
      try {
        for await (const part of gunzipFile(path)) parts.push(part);
      } catch (error) {
        return refused(error);
      }
      return digest(Buffer.concat(parts));
    };
    expect(atOnce(), name).toBe(python[i]);
    expect(await streamed(), name).toBe(python[i]);
  }
});

it('a whole file is decompressed into one buffer, of about the size that its last bytes state', () => {
  const bytes = gunzip(second, 'second', 2 ** 30);
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([300_000, 300_001]);
  // What the last bytes state must not take more memory than the data can fill, or than the caller allows.
  const boast = Buffer.concat([first, Buffer.alloc(4, 0xff)]);
  expect(() => gunzip(boast, 'boast', 2 ** 30)).toThrow(/damaged/);
  const zeros = gzipSync(Buffer.alloc(3_000_000));
  expect(() => gunzip(zeros, 'zeros', 2_000_000)).toThrow(/at most 2000000 bytes/);
});

it('the size of the contents is read from the end of a file', () => {
  const stated = (bytes: Uint8Array) => {
    const path = join(folder, 'stated');
    writeFileSync(path, bytes);
    return statedSize(path);
  };
  expect(stated(second)).toBe(300_000);
  expect(stated(Buffer.alloc(100, 'not gzip'))).toBe(100);
  expect(stated(Buffer.alloc(0))).toBe(0);
  // A size that the data cannot fill.
  const boast = Buffer.concat([first, Buffer.alloc(4, 0xff)]);
  expect(stated(boast)).toBe(1032 * boast.length);
  expect(() => statedSize(join(folder, 'missing'))).toThrow(FileNotFoundError);
});

it('both readers refuse a pickle whose gzip data are cut off after it', async () => {
  const path = join(folder, 'cut.pkl.gz');
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(path, bytes);
    const sound = /^(one|two) member|^zeros/.test(name);
    const outcome = await Promise.allSettled([
      load(path, { compress: true }),
      (async () => loadSync(path, { compress: true }))(),
    ]);
    expect(
      outcome.map(({ status }) => status),
      name,
    ).toEqual(Array(2).fill(sound ? 'fulfilled' : 'rejected'));
  }
});

it('many members between zeros do not take quadratic time', async () => {
  const path = join(folder, 'many.gz');
  writeFileSync(path, Buffer.concat(Array(50_000).fill(Buffer.concat([gzipSync(''), Buffer.alloc(1)]))));
  const drain = async (): Promise<void> => {
    for await (const _ of gunzipFile(path));
  };
  await expect(drain()).rejects.toThrow(/too many members/);
});

it.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 7 * 2 ** 20 + 5])(
  'gzip.decompress: data of %d bytes that were compressed in blocks',
  async (size) => {
    const data = Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * i) >> 7));
    async function* pieces(length: number): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size; at += length) yield data.subarray(at, at + length);
    }
    const pack = async (length: number): Promise<Buffer> => {
      const parts: Uint8Array[] = [];
      for await (const part of gzipBlocks(pieces(length))) parts.push(part);
      return Buffer.concat(parts);
    };
    const packed = await pack(65_000);
    expect(await pack(3_000_000)).toEqual(packed);
    const path = join(folder, `blocks-${size}.gz`);
    writeFileSync(path, packed);
    expect(statedSize(path)).toBe(Math.max(size, packed.length));
    expect(gunzip(packed, path, 2 ** 30).equals(data)).toBe(true);
    const code = 'import gzip, hashlib, sys; print(hashlib.sha256(gzip.open(sys.argv[1]).read()).hexdigest())';
    expect((await runPython(['-c', code, path])).trim()).toBe(createHash('sha256').update(data).digest('hex'));
  },
);
