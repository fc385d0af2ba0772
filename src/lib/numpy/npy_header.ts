import { InputError } from '../../errors.ts';
import { parseLiteral } from '../python/literal.ts';
import { Tuple } from '../python/tuple.ts';
import { type ElementType, parseTypeCode, typeCode } from './element_type.ts';
import { type DType, sizeOf } from './ndarray.ts';

/** Content of the header of an `.npy` file. */
export interface NpyHeader {
  readonly type: ElementType;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Offset of the elements, in bytes from the start of the file. */
  readonly dataOffset: number;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const ALIGNMENT = 64;
/** Number of digits for which NumPy leaves room, so that the length of the first axis can be rewritten in place. */
const GROWTH_DIGITS = 21;
/** Longest header text: NumPy's own limit for untrusted files. */
const MAX_HEADER = 10_000;
/** Longest header of an `.npy` file, in bytes, including magic and length. */
export const MAX_NPY_HEAD: number = 12 + MAX_HEADER;
const MAX_AXES = 32;

/**
 * Reads the header of an `.npy` file from its first `MAX_NPY_HEAD` bytes (or all, if there are fewer).
 *
 * @throws InputError unless this is a valid header of format 1, 2 or 3 with a supported element type.
 */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (got: string, expected: string): never => {
    throw new InputError('not a usable .npy file', { file, where: 'header', got, expected });
  };
  if (head.length < 10 || !head.subarray(0, 6).equals(MAGIC)) {
    return fail(
      head.length === 0 ? 'an empty file' : `${head.subarray(0, 6).toString('hex')}`,
      `magic ${MAGIC.toString('hex')}`,
    );
  }
  const [major, minor] = [head[6], head[7]];
  if (major < 1 || major > 3 || minor !== 0) return fail(`format ${major}.${minor}`, 'format 1.0, 2.0 or 3.0');
  const start = major === 1 ? 10 : 12;
  if (head.length < start) return fail(`${head.length} bytes`, `at least ${start}`);
  const length = major === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8);
  if (length > MAX_HEADER) return fail(`a header of ${length} bytes`, `at most ${MAX_HEADER}`);
  if (head.length < start + length) return fail(`${head.length - start} bytes of header`, `${length}`);
  const raw = head.subarray(start, start + length);
  const text = raw.toString(major === 3 ? 'utf8' : 'latin1');
  if (major === 3 && !Buffer.from(text, 'utf8').equals(raw)) return fail('a header that is not UTF-8', 'UTF-8');
  return { ...parseFields(text, major, fail), dataOffset: start + length };
}

/** Python 2 wrote long integers as `10L`. Inside a text, an L stays an L. */
function withoutLongs(text: string): string {
  return text.replace(/'[^']*'|"[^"]*"|(\d)L\b/g, (part, digit?: string) => digit ?? part);
}

function parseFields(
  text: string,
  major: number,
  fail: (got: string, expected: string) => never,
): Omit<NpyHeader, 'dataOffset'> {
  let fields: unknown;
  try {
    fields = parseLiteral((major < 3 ? withoutLongs(text) : text).trimStart(), { floats: false });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), 'a dict of descr, fortran_order and shape');
  }
  if (!(fields instanceof Map) || fields.size !== 3) return fail(text.trim().slice(0, 80), 'a dict of three fields');
  const [code, fortranOrder, extents] = [fields.get('descr'), fields.get('fortran_order'), fields.get('shape')];
  if (typeof fortranOrder !== 'boolean') return fail(`fortran_order ${String(fortranOrder)}`, 'True or False');
  if (!(extents instanceof Tuple)) return fail(`shape ${String(extents)}`, 'a tuple of integers');
  const shape = Array.from(extents, (extent) =>
    typeof extent === 'number' && Number.isSafeInteger(extent) && extent >= 0
      ? extent
      : fail(`shape (${extents.join(', ')})`, 'a tuple of integers of 0 or more'),
  );
  if (shape.length > MAX_AXES) return fail(`${shape.length} axes`, `at most ${MAX_AXES}`);
  const type = typeof code === 'string' ? parseTypeCode(code) : undefined;
  if (!type)
    return fail(`element type ${String(code)}`, 'bool, int8…int64, uint8…uint64, float16…float64, str or object');
  if (!Number.isSafeInteger(sizeOf(shape) * Math.max(type.itemSize, 1))) {
    return fail(`shape (${shape.join(', ')})`, 'an array that can be addressed');
  }
  return { type, fortranOrder, shape };
}

/**
 * Header of an `.npy` file, byte for byte as `numpy.save` writes it, or padded to `length` bytes.
 *
 * @throws RangeError if `length` is too short.
 */
export function formatNpyHeader(
  array: { readonly dtype: DType | 'object' | 'str'; readonly width?: number; readonly shape: readonly number[] },
  {
    length,
    fortranOrder = false,
    bigEndian = false,
  }: { length?: number; fortranOrder?: boolean; bigEndian?: boolean } = {},
): Buffer {
  const { shape } = array;
  const code = bigEndian ? typeCode(array).replace('<', '>') : typeCode(array);
  const extents = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const fields = `{'descr': '${code}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': ${extents}, }`;
  const growing = shape.at(fortranOrder ? -1 : 0);
  const text = growing === undefined ? fields : fields + ' '.repeat(GROWTH_DIGITS - String(growing).length);
  // As in NumPy: if the text already ends on the boundary, a whole block of blanks follows.
  const total = length ?? (Math.floor((10 + text.length + 1) / ALIGNMENT) + 1) * ALIGNMENT;
  const used = length === undefined ? text : fields;
  if (10 + used.length + 1 > total) throw new RangeError(`the header needs more than ${total} bytes`);
  const head = Buffer.alloc(total, ' ', 'latin1');
  MAGIC.copy(head);
  head[6] = 1;
  head[7] = 0;
  head.writeUInt16LE(total - 10, 8);
  head.write(used, 10, 'latin1');
  head[total - 1] = 0x0a;
  return head;
}
