import { join } from 'node:path';
import { InputError } from '../../../../errors.ts';
import { toFloat64 } from '../../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../../lib/numpy/ndarray.ts';
import { writeNpy } from '../../../../lib/numpy/npy.ts';
import { NpzFile, writeNpz } from '../../../../lib/numpy/npz.ts';
import { type AnyArray, isArray, objectArray } from '../../../../lib/numpy/object_array.ts';
import { ValueError } from '../../../../lib/python/errors.ts';
import { loadSync } from '../../../../lib/python/pickle.ts';
import type { Marks, Numbers } from './labels.ts';
import { type Signal, signalInMemory, signalOnDisk } from './signal.ts';

export type { Signal } from './signal.ts';

/** Labels of a patient: one pair of positions and codes for each segment. */
export interface Labels {
  readonly btype: readonly Marks[];
  readonly rtype: readonly Marks[];
  /** Number of segments. */
  readonly size: number;
}

/** Labels of one segment as distributed: the positions of each code, in the order of the codes. */
export interface RawLabels {
  readonly btype: readonly NdArray[];
  readonly rtype: readonly NdArray[];
}

export type PatientData = readonly [signal: Signal, labels: Labels | null];

export interface StorageOptions {
  /** Unzipped files (`.npy`, `.npz`) instead of the distributed ones (`.pkl.gz`); default false. */
  readonly unzipped?: boolean;
}

const labelTypes = ['btype', 'rtype'] as const;

/** File of a patient: its number as five digits, then `_batched` and the ending. */
export function patientFile(dbDir: string, patientId: number, ending: string): string {
  if (!Number.isInteger(patientId) || patientId < 0) {
    throw new ValueError(`a patient id is a whole number from 0; got ${patientId}`);
  }
  return join(dbDir, `${String(patientId).padStart(5, '0')}_batched${ending}`);
}

/**
 * Signal of a patient, 250 Hz. Twin of `icentia11k.load_signal`. An unzipped signal stays on disk, and only the samples that are asked for are read,
 * like `mmap_mode='r'` in Python.
 *
 * @throws FileNotFoundError, or InputError for a file that does not hold one array of segments and samples.
 */
export function loadSignal(dbDir: string, patientId: number, { unzipped = false }: StorageOptions = {}): Signal {
  if (unzipped) return signalOnDisk(patientFile(dbDir, patientId, '.npy'));
  const { signal, source } = loadZippedSignal(dbDir, patientId);
  return signalInMemory(signal, source);
}

/** The array in a zipped signal file. Errors as `loadSignal`, except those of its shape. */
export function loadZippedSignal(
  dbDir: string,
  patientId: number,
): { readonly signal: NdArray; readonly source: string } {
  const file = patientFile(dbDir, patientId, '.pkl.gz');
  return { signal: numericArray(loadSync(file), { file }), source: file };
}

/**
 * Labels of a patient. Twin of `icentia11k.load_labels` with `flatten=True`; see `loadRawLabels` for the other.
 *
 * @throws FileNotFoundError, or InputError naming file and segment.
 */
export function loadLabels(dbDir: string, patientId: number, { unzipped = false }: StorageOptions = {}): Labels {
  if (unzipped) return new UnzippedLabels(patientFile(dbDir, patientId, '_lbls.npz'));
  return flattenRawLabels(loadRawLabels(dbDir, patientId));
}

/** Labels as distributed, zipped only. Twin of `icentia11k.load_labels` with `flatten=False`. */
export function loadRawLabels(dbDir: string, patientId: number): RawLabels[] {
  const file = patientFile(dbDir, patientId, '_lbls.pkl.gz');
  const segments = itemsOf(loadSync(file));
  if (segments === undefined) throw new InputError('labels are a list of segments', { file });
  return segments.map((segment, s) => {
    const positions = (type: (typeof labelTypes)[number]): NdArray[] => {
      const where = `segment ${s}, ${type}`;
      const codes = itemsOf(segment instanceof Map ? segment.get(type) : undefined);
      if (codes === undefined) {
        throw new InputError('no positions by label code', { file, where, expected: `a dict with a list ${type}` });
      }
      return codes.map((code, c) => numericArray(code, { file, where: `${where}, code ${c}` }));
    };
    return { btype: positions('btype'), rtype: positions('rtype') };
  });
}

/** Signal and labels of a patient, or the signal and null. Twin of `icentia11k.load_patient_data`. */
export function loadPatientData(
  dbDir: string,
  patientId: number,
  { includeLabels = true, unzipped = false }: StorageOptions & { readonly includeLabels?: boolean } = {},
): PatientData {
  const signal = loadSignal(dbDir, patientId, { unzipped });
  return [signal, includeLabels ? loadLabels(dbDir, patientId, { unzipped }) : null];
}

/**
 * Writes the unzipped files of a patient, `ppppp_batched.npy` and `ppppp_batched_lbls.npz`. Twin of `icentia11k.unzip_patient_data`.
 *
 * @param outDir Existing folder; default the current one.
 */
export async function unzipPatientData(dbDir: string, patientId: number, outDir = ''): Promise<void> {
  const { signal } = loadZippedSignal(dbDir, patientId);
  const labels = loadLabels(dbDir, patientId);
  writeNpy(patientFile(outDir, patientId, '.npy'), signal);
  await writeUnzippedLabels(outDir, patientId, labels);
}

/** Writes `ppppp_batched_lbls.npz` with the members `btype`, `rtype` and `size`. */
export async function writeUnzippedLabels(outDir: string, patientId: number, labels: Labels): Promise<void> {
  await writeNpz(patientFile(outDir, patientId, '_lbls.npz'), {
    btype: labelArray(labels.btype),
    rtype: labelArray(labels.rtype),
    size: ndarray('int64', [], BigInt64Array.of(BigInt(labels.size))),
  });
}

/**
 * Marks of one segment and type sorted by position. Twin of `icentia11k.flatten_raw_labels`; the sort is stable (Quirk Q19: in the
 * original the order of codes at equal positions is undefined).
 *
 * @throws ValueError for a label type without any code.
 */
export function flattenRawLabels(rawLabels: readonly RawLabels[]): Labels {
  return {
    btype: rawLabels.map(({ btype }) => flattenMarks(btype)),
    rtype: rawLabels.map(({ rtype }) => flattenMarks(rtype)),
    size: rawLabels.length,
  };
}

function flattenMarks(byCode: readonly NdArray[]): Marks {
  if (byCode.length === 0) throw new ValueError('need at least one array to concatenate: a label type has no codes');
  const parts = byCode.map((positions) => numbersOf(positions));
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Float64Array(count);
  const codes = new Int32Array(count);
  let filled = 0;
  parts.forEach((part, code) => {
    all.set(part, filled);
    codes.fill(code, filled, filled + part.length);
    filled += part.length;
  });
  const order = stableOrder(all, parts);
  const isFloat = parts.some((part) => part instanceof Float64Array);
  const positions = isFloat ? new Float64Array(count) : new Int32Array(count);
  const sortedCodes = new Int32Array(count);
  order.forEach((from, to) => {
    positions[to] = all[from];
    sortedCodes[to] = codes[from];
  });
  return [positions, sortedCodes];
}

/** Indices of `all`, the parts one after the other, by ascending value; equal values stay in their order. */
function stableOrder(all: Float64Array, parts: readonly Numbers[]): Uint32Array {
  if (!parts.every(isAscending)) return Uint32Array.from(all, (_, k) => k).sort((a, b) => all[a] - all[b] || a - b);
  // The distributed files are sorted within each code: merging takes a tenth of the time of sorting.
  const order = new Uint32Array(all.length);
  const next: number[] = [];
  const ends: number[] = [];
  for (const { length } of parts) {
    const start = ends.at(-1) ?? 0;
    next.push(start);
    ends.push(start + length);
  }
  for (let k = 0; k < order.length; k++) {
    let least = -1;
    for (let part = 0; part < next.length; part++) {
      if (next[part] < ends[part] && (least < 0 || all[next[part]] < all[next[least]])) least = part;
    }
    order[k] = next[least]++;
  }
  return order;
}

function isAscending(numbers: Numbers): boolean {
  if (Number.isNaN(numbers[0])) return false;
  for (let k = 1; k < numbers.length; k++) if (!(numbers[k - 1] <= numbers[k])) return false;
  return true;
}

/** Labels in an `.npz` file; each member is read when it is first asked for. */
class UnzippedLabels implements Labels {
  readonly #path: string;
  readonly #members = new Map<string, readonly Marks[]>();

  constructor(path: string) {
    this.#path = path;
    NpzFile.open(path).close();
  }

  get btype(): readonly Marks[] {
    return this.#marks('btype');
  }

  get rtype(): readonly Marks[] {
    return this.#marks('rtype');
  }

  get size(): number {
    return toFloat64(numericArray(this.#read('size'), { file: this.#path, where: 'size' }))[0];
  }

  #marks(type: (typeof labelTypes)[number]): readonly Marks[] {
    let marks = this.#members.get(type);
    if (marks === undefined) {
      marks = marksOf(this.#read(type), this.#path, type);
      this.#members.set(type, marks);
    }
    return marks;
  }

  #read(member: string): AnyArray {
    const file = NpzFile.open(this.#path);
    try {
      return file.read(member);
    } finally {
      file.close();
    }
  }
}

/** Pairs from an object array `(segments, 2)`, or from an integer array `(segments, 2, n)` where all segments have equally many marks. */
function marksOf(array: AnyArray, file: string, member: string): readonly Marks[] {
  const { shape } = array;
  const segments = shape[0] ?? 0;
  const fail = (where: string): never => {
    throw new InputError('not the labels of a patient', {
      file,
      where,
      got: `${array.dtype} of shape (${shape.join(', ')})`,
      expected: 'objects of shape (segments, 2) or integers of shape (segments, 2, marks)',
    });
  };
  if (array.dtype === 'str' || shape.length < 1 || (segments > 0 && shape[1] !== 2)) return fail(member);
  if (array.dtype === 'object') {
    if (shape.length !== 2) return fail(member);
    return Array.from({ length: segments }, (_, s) => {
      const where = `${member}, segment ${s}`;
      const positions = numbersOf(numericArray(array.data[2 * s], { file, where }));
      const codes = codesOf(numericArray(array.data[2 * s + 1], { file, where }), { file, where });
      return pair(positions, codes, file, where);
    });
  }
  if (segments > 0 && shape.length !== 3) return fail(member);
  const count = shape[2] ?? 0;
  const all = numbersOf(array as NdArray);
  return Array.from({ length: segments }, (_, s) => [
    all.subarray(2 * s * count, (2 * s + 1) * count),
    wholeCodes(all.subarray((2 * s + 1) * count, (2 * s + 2) * count), array.dtype, {
      file,
      where: `${member}, segment ${s}`,
    }),
  ]);
}

function codesOf(array: NdArray, place: { file: string; where: string }): Numbers {
  return wholeCodes(numbersOf(array), array.dtype, place);
}

/** Codes as integers, since they count classes. An empty array keeps its type, as in the original. */
function wholeCodes(codes: Numbers, dtype: string, place: { file: string; where: string }): Numbers {
  if (!(codes instanceof Float64Array) || codes.length === 0) return codes;
  const whole = wholeNumbers(codes);
  if (whole instanceof Int32Array) return whole;
  throw new InputError('a code is not a whole number', {
    ...place,
    got: `${codes.find((code) => !Number.isInteger(code))} (${dtype})`,
  });
}

function pair(positions: Numbers, codes: Numbers, file: string, where: string): Marks {
  if (positions.length !== codes.length) {
    throw new InputError('positions and codes differ in number', {
      file,
      where,
      got: `${positions.length} positions and ${codes.length} codes`,
    });
  }
  return [positions, codes];
}

/** The form in which the original stores flat labels. Quirk Q18: its own code fails if segments have different numbers of marks. */
function labelArray(labels: readonly Marks[]): AnyArray {
  const counts = new Set(labels.map(([positions]) => positions.length));
  if (counts.size > 1) {
    return objectArray(
      labels.flatMap(([positions, codes]) => [storedNumbers(positions), storedInt64(codes)]),
      [labels.length, 2],
    );
  }
  const [count] = counts;
  if (count === undefined) return ndarray('float64', [0], new Float64Array(0));
  const shape = [labels.length, 2, count];
  const flat = labels.flatMap(([positions, codes]) => [...positions, ...codes]);
  return labels.some(([positions]) => positions instanceof Float64Array)
    ? ndarray('float64', shape, Float64Array.from(flat))
    : ndarray('int64', shape, BigInt64Array.from(flat, BigInt));
}

function storedNumbers(numbers: Numbers): NdArray {
  return numbers instanceof Float64Array
    ? ndarray('float64', [numbers.length], numbers)
    : ndarray('int32', [numbers.length], Int32Array.from(numbers));
}

function storedInt64(numbers: Numbers): NdArray {
  return ndarray('int64', [numbers.length], BigInt64Array.from(numbers as Int32Array, BigInt));
}

/** Items of a Python list or tuple, or of an object array; else undefined. */
function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return isArray(value) && value.dtype === 'object' && value.shape.length === 1 ? value.data : undefined;
}

/** The value as an array of numbers; an empty list is one of float64, as in NumPy. */
function numericArray(value: unknown, place: { file: string; where?: string }): NdArray {
  if (isArray(value)) {
    if (value.dtype !== 'object' && value.dtype !== 'str') return value;
  } else if (Array.isArray(value) && value.every((item) => typeof item === 'number')) {
    const whole = value.length > 0 && value.every((item) => Number.isInteger(item));
    return whole
      ? ndarray('int64', [value.length], BigInt64Array.from(value, BigInt))
      : ndarray('float64', [value.length], Float64Array.from(value));
  }
  throw new InputError('not an array of numbers', {
    ...place,
    got: isArray(value) ? `an array of ${value.dtype}` : value === null ? 'None' : typeof value,
  });
}

/** Elements as plain numbers: 64-bit integers, which positions never need, become 32-bit ones where they fit. */
function numbersOf(array: NdArray): Numbers {
  const { dtype, data } = array;
  switch (dtype) {
    case 'int64':
    case 'uint64':
      return lowWords(data as BigInt64Array | BigUint64Array);
    case 'float16':
    case 'float32':
      return wholeNumbers(toFloat64(array));
    default:
      return data as Numbers;
  }
}

/** Numbers as integers, if they are. */
function wholeNumbers(numbers: Float64Array): Int32Array | Float64Array {
  const whole = Int32Array.from(numbers);
  return whole.every((number, k) => number === numbers[k]) ? whole : numbers;
}

/** 64-bit integers as 32-bit ones, without a BigInt for each. Throws ValueError for one that does not fit. */
function lowWords({ buffer, byteOffset, length }: BigInt64Array | BigUint64Array): Int32Array {
  const words = new Int32Array(buffer, byteOffset, 2 * length);
  const low = new Int32Array(length);
  for (let k = 0; k < length; k++) {
    low[k] = words[2 * k];
    if (words[2 * k + 1] !== low[k] >> 31) throw new ValueError(`mark ${k} lies outside of any recording`);
  }
  return low;
}
