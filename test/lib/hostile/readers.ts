import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { create } from 'tar';
import { readAecg } from '../../../src/lib/aecg/aecg.ts';
import { Budget } from '../../../src/lib/budget.ts';
import { readNumberTable } from '../../../src/lib/csv/number_table.ts';
import { readTable } from '../../../src/lib/csv/table.ts';
import type { DeviceRecording } from '../../../src/lib/device_recording.ts';
import { readDicomWaveform } from '../../../src/lib/dicom/waveform.ts';
import { openEdf } from '../../../src/lib/edf/edf.ts';
import { writeHdf5 } from '../../../src/lib/hdf5/writer.ts';
import { readAnyJson } from '../../../src/lib/json/file.ts';
import { readWeightsH5 } from '../../../src/lib/keras/weights_h5.ts';
import { loadmat } from '../../../src/lib/matlab/mat5.ts';
import { readMuse } from '../../../src/lib/muse/muse.ts';
import { type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../../../src/lib/numpy/npy.ts';
import { readNpz, writeNpz } from '../../../src/lib/numpy/npz.ts';
import { objectArray, textArray } from '../../../src/lib/numpy/object_array.ts';
import { readCsv } from '../../../src/lib/pandas/csv.ts';
import { gunzip } from '../../../src/lib/python/gzip.ts';
import { parseLiteral } from '../../../src/lib/python/literal.ts';
import { dumps, load, loadSync } from '../../../src/lib/python/pickle.ts';
import { Tuple } from '../../../src/lib/python/tuple.ts';
import { ZipFile } from '../../../src/lib/python/zipfile.ts';
import { extractTar, listTar } from '../../../src/lib/tar/archive.ts';
import { readCheckpoint, writeCheckpoint } from '../../../src/lib/tensorflow/checkpoint.ts';
import { readTable as readIndex, writeTable } from '../../../src/lib/tensorflow/table.ts';
import { rdann } from '../../../src/lib/wfdb/annotation.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { wrann } from '../../../src/lib/wfdb/write.ts';
import { readXml } from '../../../src/lib/xml/tree.ts';
import { mutate, seededRandom } from '../../mutation.ts';

/** A reader under test: sound files to damage, and how one file is read. */
export interface Reader {
  /** Sound files, made by the code. `folder` is for scratch files, and for what lies beside the file when it is read. */
  seeds(folder: string): Promise<readonly Uint8Array[]>;
  /** Name of the file in `folder`. */
  readonly file: string;
  read(path: string): unknown;
  /** Numbers in the text are replaced by awkward ones too. */
  readonly text?: boolean;
  /** Length of the head that a third of the mutants leaves as it is. */
  readonly head?: number;
  /** Damages what lies behind checksums and packing, in two thirds of the mutants. */
  damageInside?(seed: Uint8Array, random: () => number): Uint8Array;
}

const x = ndarray(
  'float32',
  [3, 8],
  Float32Array.from({ length: 24 }, (_, i) => i / 7),
);
const codes = ndarray('int16', [5], Int16Array.of(1, -2, 300, 4, 5));

const pickles = [
  dumps(
    ndarray(
      'float64',
      [200],
      Float64Array.from({ length: 200 }, (_, i) => Math.sin(i)),
    ),
  ),
  dumps(
    new Map<string, unknown>([
      ['x', x],
      ['y', codes],
      ['ids', textArray(['AF', 'N~'])],
    ]),
  ),
  dumps([1, -2, 2 ** 40, 1.5, true, null, 'é', new Uint8Array([0, 255]), Tuple.from([1, 'two']), new Set([3])]),
  dumps(
    new Map<string, unknown>([
      ['ragged', objectArray([x, codes])],
      ['n', [new Map([[1, []]])]],
    ]),
  ),
  // A shared list, a fortran array in big-endian order: what `dumps` never writes.
  Buffer.from('\x80\x04](]\x94K\x01ah\x00h\x00e.', 'latin1'),
  Buffer.from(
    '\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x02K\x03\x86cnumpy\ndtype\n\x8c\x02i2\x89\x88\x87R(K\x03\x8c\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x88C\x0cabcdefghijkltb.',
    'latin1',
  ),
];

const tables = [
  'record_name,true_A,true_N,prob_A,prob_N\nA00001,True,False,0.91234567,1e-05\nA00002,False,True,0.25,0.75\n"A,3",True,True,,0.5\n',
  'epoch,acc,loss\r\n0,0.5,1.25\r\n1,0.75,0.875\r\n2,1,123456789012345678901\r\n',
].map((text) => Buffer.from(text));

const header = (name: string, format: string): string =>
  [
    '#first comment',
    `${name} 2 257.5/100(3.5) 12 12:33:59 12/05/2020`,
    `${name}.dat ${format}x1+24 1000.5(2)/mV 16 3 28 -1716 0 aVR`,
    `${name}.dat ${format}+24 200/µV 12 0 -5 17 0 lead two`,
    '#Dx: 59118001,426783006',
    '',
  ].join('\n');

function bytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 37) & 0xff));
}

/** A file of the fixtures of a reader. */
function fixture(...names: readonly string[]): Buffer {
  return readFileSync(join(import.meta.dirname, '../../fixtures', ...names));
}

/** All leads of a recording. */
const samplesOf = ({ leads }: DeviceRecording): Float64Array[] => leads.map((lead) => lead.read());

let written = 0;

async function viaFile(folder: string, write: (path: string) => unknown): Promise<Buffer> {
  const path = join(folder, `seed${written++}`);
  await write(path);
  const content = readFileSync(path);
  rmSync(path);
  return content;
}

/** A MATLAB 5 file of variables. */
export function matFile(...variables: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(128, 0x20);
  head.write('\x00\x01IM', 124, 'latin1');
  return Buffer.concat([head, ...variables]);
}

/** One tagged element of a MATLAB 5 file. */
export function matElement(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc(type === 15 ? 0 : (8 - (data.length % 8)) % 8)]);
}

/** A matrix (or struct, or text) of a MATLAB 5 file: class, shape, name and what follows. */
export function matMatrix(arrayClass: number, shape: readonly number[], name: string, ...content: Buffer[]): Buffer {
  const flags = Buffer.alloc(8);
  flags[0] = arrayClass;
  const extents = Buffer.from(Int32Array.from(shape).buffer);
  return matElement(
    14,
    Buffer.concat([matElement(6, flags), matElement(5, extents), matElement(1, Buffer.from(name)), ...content]),
  );
}

export const readers = {
  pickle: { file: 'a.pkl', seeds: async () => pickles, read: loadSync, head: 2 },
  stream: {
    file: 'a.pkl.gz',
    seeds: async () => [
      ...pickles.map((pickle) => gzipSync(pickle, { level: 0 })),
      ...pickles.map((pickle) => gzipSync(pickle)),
    ],
    read: load,
    head: 10,
    damageInside: (seed, random) => gzipSync(mutate(gunzip(seed, 'seed', 2 ** 20), random, { from: 2 })),
  },
  gzip: {
    file: 'a.gz',
    seeds: async () => [
      gzipSync('a'.repeat(1000)),
      Buffer.concat([gzipSync('a'), Buffer.alloc(9), gzipSync('b'.repeat(99))]),
    ],
    read: (path) => gunzip(readFileSync(path), path, 2 ** 28),
  },
  npy: {
    file: 'a.npy',
    seeds: (folder) =>
      Promise.all(
        [
          x,
          codes,
          ndarray('bool', [4], Uint8Array.of(0, 1, 1, 0)),
          textArray(['AF', 'N~']),
          objectArray([x, 'a', null]),
        ].map((array) => viaFile(folder, (path) => writeNpy(path, array))),
      ),
    read: readNpy,
    head: 64,
  },
  npz: {
    file: 'a.npz',
    seeds: async (folder) => [
      await viaFile(folder, (path) => writeNpz(path, { x, size: codes })),
      await viaFile(folder, (path) =>
        writeNpz(path, { x, t: textArray(['a', 'b']), o: objectArray([1]) }, { compress: true }),
      ),
    ],
    read: readNpz,
    head: 40,
  },
  zip: {
    file: 'a.zip',
    seeds: async (folder) => [await viaFile(folder, (path) => writeNpz(path, { x, size: codes }, { compress: true }))],
    read: (path) => {
      const archive = new ZipFile(path);
      try {
        return [...archive.members.values()].map((member) => archive.read(member, 2 ** 20));
      } finally {
        archive.close();
      }
    },
  },
  tar: {
    file: 'a.tar',
    seeds: async (folder) => [await tarSeed(folder)],
    read: async (path) => {
      const target = `${path}.unpacked`;
      try {
        return await extractTar(path, target);
      } finally {
        rmSync(target, { recursive: true, force: true });
      }
    },
  },
  'tar.gz': {
    file: 'a.tar.gz',
    seeds: async (folder) => [gzipSync(await tarSeed(folder))],
    read: listTar,
    damageInside: (seed, random) => gzipSync(mutate(gunzip(seed, 'seed', 2 ** 20), random)),
  },
  csv: { file: 'a.csv', seeds: async () => tables, read: readCsv, text: true },
  table: {
    file: 'a.csv',
    seeds: async () => tables,
    read: (path) => readTable(path, [], ['epoch', 'prob_A'], { anyDialect: true }),
    text: true,
  },
  numbers: {
    file: 'a.csv',
    seeds: async () => [
      Buffer.from('I,II,V1\n0.1,2,-3\n,nan,1e-3\n4,5,6\n'),
      Buffer.from('sep=;\n# I; II\n1,5;2,5\n\n3;4;\n'),
      Buffer.from('time\tI [mV]\n00:00:01.5\t1\n00:00:02\t2\n'),
    ],
    read: readNumberTable,
    text: true,
  },
  json: {
    file: 'a.json',
    seeds: async () => [
      Buffer.from(
        JSON.stringify({ format: 1, leads: ['I', 'II'], mean: [0.5, { $float: 'nan' }], n: null, nested: [[[1e300]]] }),
      ),
    ],
    read: (path) => readAnyJson(path),
    text: true,
  },
  literal: {
    file: 'a.txt',
    seeds: async () => [
      Buffer.from(`{'NORM': 100.0, "LVOL": 0, 'SR': (1, [None, True], {2, 3})}`),
      Buffer.from("('a\\x41\\u00e9', -1_000, 0x1f, 1e-3,)"),
    ],
    read: (path) => parseLiteral(readFileSync(path, 'utf8')),
    text: true,
  },
  header: {
    file: 'r.hea',
    seeds: async (folder) => {
      writeFileSync(join(folder, 'r.dat'), bytes(200));
      return ['8', '16', '24', '32', '61', '80', '160', '212', '310', '311'].map((format) =>
        Buffer.from(header('r', format)),
      );
    },
    read: (path) => rdrecord(path.replace(/\.hea$/, '')),
    text: true,
  },
  signal: {
    file: 'r.dat',
    seeds: async (folder) => {
      writeFileSync(
        join(folder, 'r.hea'),
        'r 2 360\nr.dat 212x2:1 200 12 0 7 0 0 lead\nr.dat 212 0 12 0 7 0 0 other\n',
      );
      return [bytes(120), bytes(9)];
    },
    read: (path) => rdrecord(path.replace(/\.dat$/, '')),
  },
  segments: {
    file: 'r.hea',
    seeds: async (folder) => {
      const write = (name: string, text: string): void => writeFileSync(join(folder, `${name}.hea`), text);
      write('lay', 'lay 2 250 0\n~ 0 200/mV 12 0 0 0 0 lead\n~ 0 200/mV 12 0 0 0 0 other\n');
      write('a', 'a 1 250 40\na.dat 212 200/mV 12 0 0 0 0 other\n');
      write('b', 'b 1 250 40\nb.dat 16 100/mV 16 0 0 0 0 other\n');
      writeFileSync(join(folder, 'a.dat'), bytes(60));
      writeFileSync(join(folder, 'b.dat'), bytes(80));
      return ['r/2 1 250 80\na 40\nb 40\n', 'r/4 2 250\nlay 0\nb 40\n~ 20\na 40\n'].map((text) => Buffer.from(text));
    },
    read: (path) => rdrecord(path.replace(/\.hea$/, '')),
    text: true,
  },
  flac: {
    file: 'r.dat',
    seeds: async (folder) => {
      const line = 'r.dat 516 200/mV 16 0 0 0 0';
      writeFileSync(join(folder, 'r.hea'), `r 3 250 300\n${line} I\n${line} II\n${line} V\n`);
      return [readFileSync(join(import.meta.dirname, '../../fixtures/flac/noise.flac'))];
    },
    read: (path) => rdrecord(path.replace(/\.dat$/, '')),
  },
  annotation: {
    file: 'a.atr',
    seeds: async (folder) => {
      wrann(folder, 'seed', 'whole', {
        sample: [1, 500, 9000, 9001, 300_000],
        symbol: ['N', 'V', '+', 'S', 'Q'],
        auxNote: ['', 'odd', '(AFIB', '', ''],
        fs: 250,
      });
      return [readFileSync(join(folder, 'seed.whole'))];
    },
    read: (path) => rdann(path.replace(/\.atr$/, ''), 'atr'),
  },
  mat: {
    file: 'a.mat',
    seeds: async () => {
      const numbers = matMatrix(6, [2, 4], 'val', matElement(3, bytes(16)));
      const text = matMatrix(4, [1, 3], 't', matElement(16, Buffer.from('abc')));
      const names = Buffer.alloc(16);
      names.write('f', 0);
      names.write('g', 8);
      const struct = matMatrix(
        2,
        [1, 1],
        's',
        matElement(5, Buffer.from(Int32Array.of(8).buffer)),
        matElement(1, names),
        matMatrix(9, [1, 5], '', matElement(2, bytes(5))),
        text,
      );
      return [
        matFile(numbers, text),
        matFile(struct),
        matFile(matElement(15, deflateSync(numbers)), matElement(15, deflateSync(struct))),
      ];
    },
    read: loadmat,
    head: 128,
  },
  edf: {
    file: 'a.edf',
    seeds: async () => {
      const [plain, plus] = ['plain.edf', 'plus.edf'].map((name) => fixture('edf', name));
      const discontinuous = Buffer.from(plus);
      discontinuous.write('EDF+D', 192);
      return [plain, plus, discontinuous, fixture('edf', 'biosemi.bdf')];
    },
    read: (path) => {
      const { signals, read } = openEdf(path);
      return signals.map((_, place) => read([place]));
    },
    head: 256,
  },
  muse: {
    file: 'a.xml',
    seeds: async () => ['latin1.xml', 'utf16.xml', 'three.xml'].map((name) => fixture('muse', name)),
    read: (path) => samplesOf(readMuse(readXml(path), path)),
    text: true,
  },
  aecg: {
    file: 'a.xml',
    seeds: async () => ['twelve.xml', 'origin.xml'].map((name) => fixture('aecg', name)),
    read: (path) => samplesOf(readAecg(readXml(path), path)),
    text: true,
  },
  dicom: {
    file: 'a.dcm',
    seeds: async () => ['twelve_lead.dcm', 'general.dcm', 'ambulatory.dcm'].map((name) => fixture('dicom', name)),
    read: (path) => samplesOf(readDicomWaveform(path)),
    head: 200,
  },
  hdf5: {
    file: 'a.weights.h5',
    seeds: async () => [
      await writeHdf5({
        groups: ['vars', 'layers/dense/vars', 'optimizer/vars'],
        arrays: new Map<string, NdArray>([
          ['layers/dense/vars/0', x],
          ['layers/dense/vars/1', ndarray('float64', [2], Float64Array.of(1, 2))],
          ['optimizer/vars/0', ndarray('int64', [], BigInt64Array.of(3n))],
        ]),
      }),
    ],
    read: readWeightsH5,
    head: 96,
  },
  checkpoint: {
    file: 'c.index',
    seeds: async (folder) => {
      writeCheckpoint(join(folder, 'c'), [{ path: 'layer/dense' }], [
        { objectPath: 'layer/dense/kernel', ...x },
        { objectPath: 'layer/dense/bias', ...codes },
      ] as never);
      return [readFileSync(join(folder, 'c.index'))];
    },
    read: (path) => readCheckpoint(path.replace(/\.index$/, '')),
    damageInside: (seed, random) => {
      const entries = readIndex('seed', seed, new Budget('seed', seed.length));
      const chosen = Math.floor(random() * entries.length);
      return writeTable(
        entries.map(({ key, value }, i) => ({ key, value: i === chosen ? mutate(value, random) : value })),
      );
    },
  },
} satisfies Readonly<Record<string, Reader>>;

export type ReaderName = keyof typeof readers;

/** The reader of a name, as the interface. */
export function readerOf(name: ReaderName): Reader {
  return readers[name];
}

/** An archive with a long name, which needs a pax header. */
async function tarSeed(folder: string): Promise<Buffer> {
  const names = ['training/A00001.hea', `${'long-name-'.repeat(12)}x`, 'empty'];
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'training'), { recursive: true });
  for (const name of names) writeFileSync(join(tree, name), name === 'empty' ? '' : bytes(700));
  return await viaFile(folder, (file) => create({ file, cwd: tree, portable: true }, ['training', ...names.slice(1)]));
}

/** The mutant of this number: the same for equal seeds, whatever was made before. */
export function mutantOf(reader: Reader, originals: readonly Uint8Array[], seed: number, index: number): Uint8Array {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const original = originals[index % originals.length];
  const inside = reader.damageInside;
  if (inside && index % 3 !== 0) return inside(original, random);
  return mutate(original, random, { text: reader.text, from: index % 3 === 0 ? (reader.head ?? 0) : 0 });
}

/** Folder for one reader's files, made anew. */
export function scratch(base: string, name: string): string {
  const folder = join(base, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
