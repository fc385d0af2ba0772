import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { astype } from '../../../lib/numpy/convert.ts';
import { allocate, bytesOf, type DType, itemSize, type NdArray, ndarray, sizeOf } from '../../../lib/numpy/ndarray.ts';
import { formatNpy, NpyFile, readNpy, writeNpy } from '../../../lib/numpy/npy.ts';
import { readNpz } from '../../../lib/numpy/npz.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import { dump } from '../../../lib/python/pickle.ts';
import { dataSetFromPickle, dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import { getChallenge17Data, getPtbXlData } from '../../../port/finetuning/datasets.ts';
import { patientFile } from '../../../port/transplant/datasets/icentia11k/files.ts';
import { loadLabels, unzipPatientData } from '../../../port/transplant/datasets/icentia11k.ts';
import { loadPkl, savePkl } from '../../../port/transplant/utils.ts';
import { writeIcentiaPatient } from '../../../synthetic/write_icentia.ts';
import { exactly, type Pair, type Row, sameText } from '../../closeness.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { asBytes, bytesOfFile, collectionFolder, int64, outcomeOf, unlessRefused } from '../shared/data_cases.ts';
import { samePreparedData } from '../shared/prepared_data.ts';
import { takeChallenge17, takePtbXl } from '../shared/record_selection.ts';
import { csvCases } from './csv.ts';
import { opcodeCase } from './opcodes.ts';

const name = 'files';

const dtypes: readonly DType[] = [
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float16',
  'float32',
  'float64',
];

const npyCase: SuiteCase = {
  name: '.npy files',
  on: {},
  quick: true,
  run: async ({ original, scratch, seed }) => {
    const random = new RandomState([seed, 22]);
    const written: Pair[] = [];
    const read: Pair[] = [];
    for (const dtype of dtypes) {
      for (const shape of [[], [0], [7], [3, 4], [3, 100], [1000, 2], [2, 0, 5], [2, 3, 4, 5]]) {
        const values = Float64Array.from(random.randint(0, dtype === 'bool' ? 2 : 100, sizeOf(shape)));
        const array = astype(ndarray('float64', shape, values), dtype);
        const label = `${dtype} (${shape.join(', ')})`;
        const port = asBytes(Buffer.concat(formatNpy(array)));
        const theirs = await original.files.npy(array);
        written.push({ name: label, port, original: theirs });
        const path = join(scratch, 'array.npy');
        writeNpy(path, array);
        read.push({ name: `${label}, read by Python`, port: array, original: await original.files.readNpy(path) });
        if (shape.length > 1 && shape[0] > 1) read.push({ name: `${label}, rows`, ...rowsFrom(path, array) });
        writeFileAtomic(path, bytesOf(theirs));
        read.push({ name: `${label}, read by the port`, port: readNpy(path) as NdArray, original: array });
      }
    }
    // Headers of all lengths, because blanks fill them up to a boundary.
    const first = allocate('float32', 0);
    for (let axes = 0; axes < 22; axes++) {
      for (let digits = 1; digits <= 3; digits++) {
        const array = ndarray('float32', [0, 10 ** (digits - 1), ...Array<number>(axes).fill(1)], first);
        const port = asBytes(Buffer.concat(formatNpy(array)));
        written.push({ name: `(${array.shape.join(', ')})`, port, original: await original.files.npy(array) });
      }
    }
    // Such bytes are true in NumPy and 1 in the port.
    const [truth, path] = [ndarray('bool', [5], Uint8Array.of(1, 1, 0, 1, 1)), join(scratch, 'array.npy')];
    const bytes = Buffer.concat(formatNpy(truth));
    bytes.set([2, 255, 0, 128, 1], bytes.length - 5);
    writeFileAtomic(path, bytes);
    read.push({
      name: 'bool of other bytes than 0 and 1',
      port: readNpy(path) as NdArray,
      original: await original.files.readNpy(path),
    });
    const outcomes: [string[], string[]] = [[], []];
    for (const length of [9999, 10_000, 10_001]) {
      writeFileAtomic(path, npyOfHeader(length));
      const ours = await outcomeOf(() => unlessRefused(() => readNpy(path) as NdArray));
      const theirs = await outcomeOf(() => original.files.readNpy(path));
      for (const [side, found] of [ours, theirs].entries()) {
        outcomes[side].push(`a header of ${length} bytes: ${'value' in found ? found.value.data.join() : 'refused'}`);
      }
    }
    return [
      exactly(name, `bytes of ${written.length} .npy files`, written),
      exactly(name, `values of ${read.length} .npy files, read by the other side`, read),
      sameText(name, 'long headers', outcomes[0].join('\n'), outcomes[1].join('\n')),
    ];
  },
};

/** All rows of a file but the first, read by themselves. */
function rowsFrom(path: string, array: NdArray): Omit<Pair, 'name'> {
  const file = NpyFile.open(path);
  try {
    const wanted = Array.from({ length: array.shape[0] - 1 }, (_, i) => i + 1);
    return { port: file.read([], 1), original: arrayRows(array).take(wanted) };
  } finally {
    file.close();
  }
}

/** An array of three bytes in an `.npy` file of format 2 whose header has this length. */
function npyOfHeader(length: number): Buffer {
  const head = Buffer.alloc(12 + length, ' ');
  head.write('\x93NUMPY\x02\x00', 'latin1');
  head.writeUInt32LE(length, 8);
  head.write("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", 12);
  head.write('\n', 11 + length);
  return Buffer.concat([head, Buffer.of(7, 8, 9)]);
}

/** Values at the edges of the element types. */
const edges: readonly bigint[] = [
  ...[0n, 1n, 2n, 255n, 256n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n + 5n, 2n ** 53n + 1n],
  // Halfway between two numbers of float32 but for one.
  ...[1n, -1n].map((one) => 2n ** 54n + 2n ** 30n + one),
  2n ** 63n + 2n ** 40n + 2n ** 39n - 1n,
  2n ** 53n + 2n ** 29n + 1n,
];

const astypeCase: SuiteCase = {
  name: 'conversions between element types',
  on: {},
  quick: true,
  run: async ({ original }) => {
    const pairs: Pair[] = [];
    for (const from of dtypes) {
      const isFloat = from.startsWith('float');
      const array = isFloat
        ? undefined
        : stored(
            from,
            edges.flatMap((edge) => [edge, -edge]),
          );
      for (const to of dtypes) {
        const source = array ?? stored(from, floatsFor(to, from));
        const [port, theirs] = [astype(source, to), await original.files.astype(source, to)];
        pairs.push({ name: `${from} to ${to}`, port, original: theirs });
      }
    }
    return [exactly(name, `${pairs.length} pairs of element types`, pairs)];
  },
};

/** Floats that every processor converts to this type in the same way. */
function floatsFor(to: DType, from: DType): number[] {
  const small = [0, 1, 2.5, 0.1, 100.75];
  const large = [1000.5, 30_000, 2 ** 30, 2 ** 31, 2 ** 62, 2 ** 63 + 2 ** 62];
  const limit = 2 ** (8 * itemSize[to] - (to.startsWith('u') ? 0 : 1));
  const fitting = large.filter((value) => value < limit && (from !== 'float16' || value <= 65504));
  if (to === 'bool') return small;
  if (to.startsWith('uint')) return [...small, ...fitting];
  if (!to.startsWith('float')) return [...small, ...fitting, ...fitting.map((value) => -value), -0, -3.5];
  // The smallest and largest numbers of a float16, and what lies between them and the next.
  const half = [2 ** -14, 2 ** -15, 3e-5, 6e-8, 2 ** -25, 2 ** -26, 65504, 65519, 65520];
  return [...small, ...half, ...half.map((value) => -value), -0, Number.POSITIVE_INFINITY, Number.NaN];
}

/** Numbers in an element type. Whole ones lose the bits that it has no room for. */
function stored(dtype: DType, values: readonly (number | bigint)[]): NdArray {
  if (dtype.startsWith('float')) {
    return astype(ndarray('float64', [values.length], Float64Array.from(values, Number)), dtype);
  }
  const data = allocate(dtype, values.length) as { [index: number]: number | bigint };
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (const [i, value] of values.entries()) {
    data[i] = isBig ? BigInt(value) : Number(dtype === 'bool' ? Number(value) !== 0 : value);
  }
  return ndarray(dtype, [values.length], data as unknown as NdArray['data']);
}

/** A set pickled by each side and read by each side. */
async function samePickles(
  context: SuiteContext,
  collection: 'challenge17' | 'ptb_xl',
  source: string,
): Promise<Row[]> {
  const { original, scratch } = context;
  const at = (file: string): string => join(scratch, `${collection}_${file}.pkl`);
  const options = { fs: 250, pad: 1000, normalize: true };
  const theirs = await original.data.prepare(collection, source, options, at('original'));
  const read = collection === 'challenge17' ? getChallenge17Data : getPtbXlData;
  const { x, y, recordIds, classes } = await read(source, options);
  await savePkl(at('port'), dataSetToPickle({ x, y, recordIds, classes }));
  const rewritten = dataSetFromPickle(await loadPkl(at('original')), at('original'));
  await savePkl(at('rewritten'), dataSetToPickle(rewritten));
  const [plain, ours, again] = await Promise.all(
    [at('original'), at('port'), at('rewritten')].map((file) => original.files.repickled(file)),
  );
  return [
    ...samePreparedData(`${collection}: pickle of Python read by the port`, rewritten, theirs).map((row) => ({
      ...row,
      suite: name,
    })),
    exactly(name, `${collection}: pickles of both sides, loaded and pickled again by Python`, [
      { name: 'written by the port', port: ours, original: plain },
      { name: 'rewritten by the port', port: again, original: plain },
    ]),
  ];
}

const pickleCase = (collection: 'challenge17' | 'ptb_xl', dataSet: 'cinc2017' | 'ptbxl'): SuiteCase => ({
  name: `pickled data sets, ${dataSet}`,
  on: { dataSet },
  quick: true,
  run: async (context) => {
    const folder = collectionFolder(context, dataSet);
    const select = dataSet === 'cinc2017' ? takeChallenge17 : takePtbXl;
    const source = select(folder, join(context.scratch, 'records'), 12);
    return samePickles(context, collection, source);
  },
});

/** File systems and gzip deliver a file in pieces that end at powers of two. */
const pieceCase: SuiteCase = {
  name: 'a pickle of Python 2 in pieces',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const file = join(scratch, 'pieces.pkl');
    const places = Array.from({ length: 9 }, (_, i) => 2 ** (12 + i));
    await original.files.writePickleInPieces(file, places);
    // Tapes and some servers fill the last block with zeros; gzip skips them, also between two members.
    const padded = join(scratch, 'padded.pkl');
    const packed = readFileSync(file);
    writeFileAtomic(padded, Buffer.concat([packed, Buffer.alloc(512), gzipSync(Buffer.alloc(0)), Buffer.alloc(7)]));
    const row = async (title: string, path: string): Promise<Row> => {
      const [ours, theirs] = [await loadPkl(path), await original.files.pickledArrays(path)];
      const pairs = [...theirs].map(([array, values]) => ({
        name: array,
        port: (ours as ReadonlyMap<string, NdArray>).get(array) ?? int64([]),
        original: values,
      }));
      return exactly(name, title, pairs);
    };
    return [
      await row(`${places.length} arrays whose names lie across two pieces`, file),
      await row('the same file with zeros behind it', padded),
    ];
  },
};

/** Unzips patients. The `.npy` files must be equal; of the `.npz` files, whose zip headers differ, the members and the labels. */
const unzipCase: SuiteCase = {
  name: 'unzipped patients of Icentia11k',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const { original, scratch, seed } = context;
    const { dbDir, patientIds } = await context.data.icentia('zipped');
    const [portDir, originalDir] = ['port', 'original'].map((side) => join(scratch, side));
    for (const folder of [portDir, originalDir]) mkdirSync(folder);
    const signals: Pair[] = [];
    const labels: Pair[] = [];
    const forms: [string[], string[]] = [[], []];
    const members: [string[], string[]] = [[], []];
    // Quirk Q18: labels of segments with equally many marks have another form, and a single segment always has.
    const [single, singleDir] = [90, join(scratch, 'single')];
    await writeIcentiaPatient(single, { seed, segments: 1, samples: 4096 }, { zipped: singleDir });
    // Both sides sort marks that are not in order.
    const turned = 91;
    await writeIcentiaPatient(turned, { seed, segments: 2, samples: 4096 }, { zipped: singleDir });
    const marks = patientFile(singleDir, turned, '_lbls.pkl.gz');
    await dump(marks, turnedAround(await loadPkl(marks)));
    const sources = [
      ...patientIds.map((id) => ({ dbDir, id })),
      { dbDir: singleDir, id: single },
      { dbDir: singleDir, id: turned },
    ];
    for (const { dbDir, id } of sources) {
      await unzipPatientData(dbDir, id, portDir);
      await original.files.unzipPatient(dbDir, id, originalDir);
      const file = (folder: string): NdArray => bytesOfFile(patientFile(folder, id, '.npy'));
      signals.push({ name: `patient ${id}`, port: file(portDir), original: file(originalDir) });
      for (const [side, folder] of [portDir, originalDir].entries()) {
        const listed = await original.files.zipMembers(patientFile(folder, id, '_lbls.npz'));
        members[side].push(...listed.map((member) => `patient ${id}: ${member.join(' ')}`));
        for (const [key, { dtype, shape }] of readNpz(patientFile(folder, id, '_lbls.npz'))) {
          forms[side].push(`patient ${id}, ${key}: ${dtype} (${shape.join(', ')})`);
        }
      }
      const ours = loadLabels(portDir, id, { unzipped: true });
      const theirs = await original.data.patientLabels(originalDir, id, true);
      for (const kind of ['btype', 'rtype'] as const) {
        for (const [segment, marks] of ours[kind].entries()) {
          for (const [part, values] of marks.entries()) {
            const label = `patient ${id}, ${kind}, segment ${segment}, ${['positions', 'codes'][part]}`;
            labels.push({ name: label, port: int64(values), original: theirs[kind][2 * segment + part] });
          }
        }
      }
    }
    return [
      exactly(name, `bytes of ${sources.length} signals`, signals),
      sameText(name, 'forms of the label arrays', forms[0].join('\n'), forms[1].join('\n')),
      sameText(name, 'members of the .npz files and their dates', members[0].join('\n'), members[1].join('\n')),
      exactly(name, `labels of ${sources.length} patients`, labels),
    ];
  },
};

/** The value with every array in it in reverse. */
function turnedAround(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turnedAround);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, turnedAround(item)]));
  if (typeof value !== 'object' || value === null) return value;
  const { data } = value as NdArray;
  return data === undefined
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, turnedAround(item)]))
    : { ...value, data: data.slice().reverse() };
}

/** Files that the port writes for others to read. */
export const files: Suite = {
  name,
  summary: 'CSV, .npy and pickle files, byte for byte where a format allows, and read by the other side',
  cases: [
    ...csvCases,
    npyCase,
    astypeCase,
    pickleCase('challenge17', 'cinc2017'),
    pickleCase('ptb_xl', 'ptbxl'),
    pieceCase,
    opcodeCase,
    unzipCase,
  ],
};
