import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../../src/errors.ts';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../../../src/lib/numpy/npy.ts';
import { readNpz, writeNpz } from '../../../src/lib/numpy/npz.ts';
import { type AnyArray, isArray, textArray } from '../../../src/lib/numpy/object_array.ts';
import { readCsv } from '../../../src/lib/pandas/csv.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { loadSync } from '../../../src/lib/python/pickle.ts';
import { Tuple } from '../../../src/lib/python/tuple.ts';
import { extractTar } from '../../../src/lib/tar/archive.ts';
import { mutate, seededRandom } from '../../mutation.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { floatHex, plain } from '../numpy/plain.ts';
import { columnsOf } from '../pandas/columns.ts';

/** A file format with its seeds: sound files to damage. */
export type Format = 'npy' | 'npz' | 'pickle' | 'gzip' | 'csv' | 'tar';

/** What became of the mutants of one format. */
export interface Outcome {
  mutants: number;
  /** Read, and equal to what Python reads. */
  equal: number;
  /** Refused with a typed error that names the file. */
  refused: number;
  /** Of them refused by Python as well. */
  refusedByBoth: number;
  /** Read where Python's interpreter crashes, so that there is nothing to compare with. */
  pythonCrashes: number;
  /** Damaged behind the head of the file, which every reader checks first. */
  pastTheHead: number;
  /** Anything else: must be empty. */
  readonly wrong: string[];
  slowestMs: number;
}

/** What Python said of one file. */
interface Answer {
  readonly value?: unknown;
  readonly error?: string;
  readonly crash?: number;
}

/** First byte behind the head. */
const HEAD: { readonly [F in Format]: number } = { npy: 128, npz: 160, pickle: 40, gzip: 20, csv: 30, tar: 512 };

/** Damages `count` files of a format, reads them with both sides and compares. */
export async function campaign(format: Format, count: number, seed: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), `mutants-${format}-`));
  try {
    const seeds = await makeSeeds(format, folder);
    const random = seededRandom(seed);
    const outcome: Outcome = {
      mutants: count,
      equal: 0,
      refused: 0,
      refusedByBoth: 0,
      pythonCrashes: 0,
      pastTheHead: 0,
      wrong: [],
      slowestMs: 0,
    };
    const paths = Array.from({ length: count }, (_, i) => {
      const from = i % 3 === 0 ? HEAD[format] : 0;
      if (from > 0) outcome.pastTheHead++;
      const path = join(folder, `${i}.${format}`);
      writeFileSync(path, mutate(seeds[i % seeds.length], random, { from, text: format === 'csv' }));
      return path;
    });
    const program = join(root, 'test/fixtures/python/read_mutants.py');
    const lines = await runPython([program], { input: JSON.stringify(paths.map((path) => [format, path])) });
    const python = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer);
    for (const [i, path] of paths.entries()) await judge(format, path, python[i], folder, outcome);
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function judge(format: Format, path: string, python: Answer, folder: string, outcome: Outcome): Promise<void> {
  const start = performance.now();
  let value: unknown;
  try {
    value = await read(format, path, folder);
  } catch (error) {
    if (!(error instanceof InputError || error instanceof ValueError) || !error.message.includes(path)) {
      outcome.wrong.push(`${path}: ${(error as Error).stack}`);
    }
    outcome.refused++;
    if (python.error) outcome.refusedByBoth++;
    return;
  } finally {
    outcome.slowestMs = Math.max(outcome.slowestMs, performance.now() - start);
  }
  if (python.crash !== undefined) {
    outcome.pythonCrashes++;
    return;
  }
  const [ours, theirs] = [JSON.stringify(value), JSON.stringify(python.value)];
  if (ours === theirs) outcome.equal++;
  else outcome.wrong.push(difference(path, ours, theirs ?? python.error!));
}

/** Both texts from a little before the first difference. */
function difference(path: string, ours: string, theirs: string): string {
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  const part = (text: string): string => text.slice(Math.max(0, at - 60), at + 120);
  return `${path}\n  ours   ${part(ours)}\n  Python ${part(theirs)}`;
}

async function read(format: Format, path: string, folder: string): Promise<unknown> {
  switch (format) {
    case 'npy':
      return show(readNpy(path));
    case 'npz':
      return [...readNpz(path)].map(([name, array]) => [name, show(array)]);
    case 'pickle':
    case 'gzip':
      return show(loadSync(path, { compress: format === 'gzip' }));
    case 'csv':
      return columnsOf(readCsv(path));
    case 'tar': {
      const target = join(folder, 'unpacked', path.replaceAll('/', '_'));
      mkdirSync(target, { recursive: true });
      const entries = await extractTar(path, target, { maxBytes: 1 << 28 });
      return entries.map(({ path: name, kind, size }) => [
        name,
        size,
        kind === 'file'
          ? createHash('sha1')
              .update(readFileSync(join(target, name)))
              .digest('hex')
          : null,
      ]);
    }
  }
}

/** Value in the form of `read_mutants.py`. */
function show(value: unknown): unknown {
  if (isArray(value)) return showArray(value);
  if (typeof value === 'number') return ['number', floatHex(value)];
  if (typeof value === 'bigint') return ['number', String(value)];
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')];
  if (value instanceof Map) return ['dict', [...value].map(([key, item]) => [show(key), show(item)])];
  if (value instanceof Set) return ['set', [...value].map((item) => JSON.stringify(show(item))).sort()];
  if (Array.isArray(value)) return [value instanceof Tuple ? 'tuple' : 'list', Array.from(value, show)];
  return value;
}

function showArray(array: AnyArray): unknown {
  const { dtype, shape, data } = plain(array);
  return ['array', dtype, shape, array.dtype === 'object' ? array.data.map(show) : data];
}

async function makeSeeds(format: Format, folder: string): Promise<Buffer[]> {
  const x = ndarray(
    'float32',
    [3, 8],
    Float32Array.from({ length: 24 }, (_, i) => i / 7),
  );
  const codes = ndarray('int16', [5], Int16Array.of(1, -2, 300, 4, 5));
  const path = join(folder, 'seed');
  switch (format) {
    case 'npy':
      return [x, codes, ndarray('bool', [4], Uint8Array.of(0, 1, 1, 0)), textArray(['AF', 'N~'])].map((array) => {
        writeNpy(path, array);
        return readFileSync(path);
      });
    case 'npz':
      return await Promise.all(
        [false, true].map(async (compress) => {
          await writeNpz(`${path}${compress}`, { x, size: codes }, { compress });
          return readFileSync(`${path}${compress}`);
        }),
      );
    case 'csv':
      return [
        'record_name,true_A,true_N,prob_A,prob_N\nA00001,True,False,0.91234567,1e-05\nA00002,False,True,0.25,0.75\n"A,3",True,True,,0.5\n',
        'epoch,acc,loss\r\n0,0.5,1.25\r\n1,0.75,0.875\r\n2,1,123456789012345678901\r\n',
      ].map((text) => Buffer.from(text));
    case 'tar':
      return await seedsFromPython(tarMaker, folder);
    default:
      return await seedsFromPython(pickleMaker(format === 'gzip'), folder);
  }
}

async function seedsFromPython(program: string, folder: string): Promise<Buffer[]> {
  const names = JSON.parse(await runPython(['-c', program, folder])) as string[];
  return names.map((name) => readFileSync(name));
}

const tarMaker = `
import io, json, sys, tarfile
names = []
for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
    names.append(f"{sys.argv[1]}/seed{form}")
    with tarfile.open(names[-1], "w", format=form) as archive:
        for name in ("training/A00001.hea", "long-name-" * 12 + "x", "empty"):
            info = tarfile.TarInfo(name)
            info.size = 0 if name == "empty" else 700
            archive.addfile(info, io.BytesIO(bytes(range(256)) * 3))
print(json.dumps(names))`;

const pickleMaker = (compress: boolean): string => `
import gzip, json, pickle, sys, numpy as np
ragged = np.empty(2, dtype=object)
ragged[0], ragged[1] = np.arange(3), np.arange(2, dtype=np.int16)
value = {"x": np.arange(12, dtype=np.float32).reshape(3, 4), "y": np.array([[True, False]]), "ids": np.array(["a", None], dtype=object),
         "labels": ragged, "classes": np.array(["AF", "N"]), "n": [1, -2, 2**40, 1.5, True, None, "é", b"\\0\\xff", (1, 2), {3}],
         "s": np.float64(0.1), "f": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))}
names = []
for protocol in (2, 3, 4, 5):
    names.append(f"{sys.argv[1]}/seed{protocol}")
    data = pickle.dumps(value, protocol=protocol)
    open(names[-1], "wb").write(${compress ? 'gzip.compress(data, mtime=0)' : 'data'})
print(json.dumps(names))`;
