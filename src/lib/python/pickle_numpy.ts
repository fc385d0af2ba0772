import type { Budget } from '../budget.ts';
import { decodeElements, decodingCost, type ElementType, parseTypeCode } from '../numpy/element_type.ts';
import { fromFloat16 } from '../numpy/float16.ts';
import { type NdArray, sizeOf } from '../numpy/ndarray.ts';
import { NpyFile } from '../numpy/npy_file.ts';
import { isArray } from '../numpy/object_array.ts';
import { latin1FromUtf8 } from './latin1.ts';
import { Tuple } from './tuple.ts';

/** V8 hashes longer texts by their length only. */
const MAX_KEY = 16_000;
/** Memory that one key takes in a `Map` or `Set`. */
const KEY_BYTES = 48;

/** A fault in the content of a pickle. The reader adds the file and the place. */
export class PickleFault extends Error {}

/** A global name to which the pickle refers: one of the few allowed ones. */
export class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** `numpy.dtype` while a pickle is read. */
export class PickledDType {
  type: ElementType;
  constructor(type: ElementType) {
    this.type = type;
  }
}

/** A long text that is decoded only when it is used as a text. (Protocol 2 stores the bytes of arrays as texts.) */
export class LongText {
  readonly utf8: Uint8Array;
  constructor(utf8: Uint8Array) {
    this.utf8 = utf8;
  }
}

/** Keeps a float without a fraction apart from an int until the value is complete, because Python does not accept a float where it needs an int. */
export class WholeFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A payload too large for memory, in an unfinished `.npy` file. `finish` writes the header and renames the file. */
export interface Spilled {
  readonly byteLength: number;
  finish(array: { type: ElementType; shape: readonly number[]; fortranOrder: boolean }): string;
}

/** Whether a value on the stack is a spilled payload. */
export function isSpilled(value: unknown): value is Spilled {
  return typeof value === 'object' && value !== null && 'finish' in value && 'byteLength' in value;
}

const allowed: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'numpy.ndarray': 'ndarray',
    'numpy.dtype': 'dtype',
    'numpy.core.multiarray._reconstruct': 'reconstruct',
    'numpy._core.multiarray._reconstruct': 'reconstruct',
    'numpy.core.multiarray.scalar': 'scalar',
    'numpy._core.multiarray.scalar': 'scalar',
    'numpy.core.numeric._frombuffer': 'frombuffer',
    'numpy._core.numeric._frombuffer': 'frombuffer',
    '_codecs.encode': 'encode',
    '__builtin__.bytes': 'bytes',
    'builtins.bytes': 'bytes',
    '__builtin__.bytearray': 'bytearray',
    'builtins.bytearray': 'bytearray',
    '__builtin__.set': 'set',
    'builtins.set': 'set',
    '__builtin__.frozenset': 'set',
    'builtins.frozenset': 'set',
  }),
);

/** Looks up a name in the list of allowed names. Throws a PickleFault that names any other. */
export function findGlobal(module: string, name: string): Global {
  const known = allowed.get(`${module}.${name}`);
  // A dot in either part could spell an allowed name that Python would look up differently.
  if (known === undefined || name.includes('.')) {
    throw new PickleFault(`refused: the pickle calls for ${JSON.stringify(`${module}.${name}`)}`);
  }
  return new Global(known);
}

/** What Python's `callable(*args)` gives for an allowed callable. */
export function reduce(callable: unknown, args: unknown, budget: Budget): unknown {
  if (!(callable instanceof Global)) throw new PickleFault('refused: REDUCE of something that is not an allowed name');
  if (!(args instanceof Tuple)) throw new PickleFault('the arguments of REDUCE are not a tuple');
  switch (callable.name) {
    case 'reconstruct':
      return reconstruct(args);
    case 'dtype':
      return makeDType(args);
    case 'scalar':
      return scalar(args, budget);
    case 'frombuffer':
      return fromBuffer(args, budget);
    case 'encode':
      return encodeLatin1(args, budget);
    case 'bytes':
      if (args.length === 0) return new Uint8Array(0);
      break;
    case 'bytearray':
      if (args.length === 0) return new Uint8Array(0);
      if (args.length === 1 && args[0] instanceof Uint8Array) {
        budget.spend(args[0].byteLength, 'a copy of bytes');
        return new Uint8Array(args[0]);
      }
      if (args.length === 2) return encodeLatin1(args, budget);
      break;
    case 'set':
      if (args.length === 0) return new Set();
      if (args.length === 1 && Array.isArray(args[0])) {
        const set = new Set<unknown>();
        for (const item of args[0]) set.add(hashable(item, set, budget));
        return set;
      }
      break;
  }
  throw new PickleFault(`refused: a call of ${callable.name} with these arguments`);
}

/** What Python's `object.__setstate__(state)` does to a dtype or an array. */
export function build(target: unknown, state: unknown, budget: Budget): void {
  if (!(state instanceof Tuple)) throw new PickleFault('refused: BUILD with a state that is not a tuple');
  if (target instanceof PickledDType) setDTypeState(target, state);
  else if (target instanceof EmptyArray) target.fill(state, budget);
  else throw new PickleFault('refused: BUILD of something that is neither an array nor a dtype');
}

/**
 * Key of a dict or member of a set: Python's equality of scalars, where `True` is 1.
 *
 * Numbers can be chosen so that they collide in V8's hash tables; then each lookup takes as many steps as there are keys. Texts cannot, unless they
 * are so long that only their length is hashed.
 */
export function hashable(
  item: unknown,
  known: ReadonlySet<unknown> | ReadonlyMap<unknown, unknown>,
  budget: Budget,
): unknown {
  budget.spend(KEY_BYTES, 'a key');
  budget.work(known.size >> 8, 'keys of a dict or set');
  const key = item instanceof WholeFloat ? item.value : item;
  switch (typeof key) {
    case 'string':
      if (key.length > MAX_KEY) break;
      return key;
    case 'boolean':
      return known.has(Number(key)) ? Number(key) : key;
    case 'number':
      if (Number.isNaN(key)) break;
      return (key === 0 || key === 1) && known.has(key === 1) ? key === 1 : key;
    case 'object':
      if (key === null) return key;
  }
  throw new PickleFault(
    `a dict key or set member is not a text of up to ${MAX_KEY} characters, a number, a boolean or None`,
  );
}

/** Text from UTF-8 bytes. Throws a PickleFault if they are not valid. */
export function decodeText(utf8: Uint8Array): string {
  try {
    return decoder.decode(utf8);
  } catch {
    throw new PickleFault('a text is not UTF-8, or too long');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The array that `_reconstruct` makes. It is empty until BUILD, which fills the fields of an array. */
export class EmptyArray {
  filled = false;
  declare dtype: unknown;
  declare shape: readonly number[];
  declare data: unknown;
  /** Set if the array was too large for memory. */
  declare file: NpyFile | undefined;

  fill(state: Tuple, budget: Budget): void {
    if (this.filled) throw new PickleFault('an array is filled twice');
    if (state.length !== 5 || state[0] !== 1) throw new PickleFault('the state of an array does not have version 1');
    const shape = asShape(state[1]);
    if (!(state[2] instanceof PickledDType)) throw new PickleFault('the state of an array has no dtype');
    if (typeof state[3] !== 'boolean' && state[3] !== 0 && state[3] !== 1) {
      throw new PickleFault('the order of an array is not a boolean');
    }
    this.#set(makeArray(state[2].type, shape, Boolean(state[3]), state[4], budget));
  }

  #set(array: object): void {
    this.filled = true;
    if (array instanceof NpyFile) this.file = array;
    else Object.assign(this, array);
  }
}

function reconstruct(args: Tuple): EmptyArray {
  const [kind, shape, code] = args;
  if (args.length !== 3 || !(kind instanceof Global) || kind.name !== 'ndarray') {
    throw new PickleFault('refused: _reconstruct of something that is not numpy.ndarray');
  }
  if (!(shape instanceof Tuple) || shape.length !== 1 || shape[0] !== 0) {
    throw new PickleFault('_reconstruct with a shape other than (0,)');
  }
  if (code !== 'b' && !(code instanceof Uint8Array && code.length === 1 && code[0] === 0x62)) {
    throw new PickleFault("_reconstruct with a type code other than b'b'");
  }
  return new EmptyArray();
}

function makeDType(args: Tuple): PickledDType {
  const [code, align, copy] = args;
  // Without copy=True, BUILD would change NumPy's own dtype for the whole process. No writer does that.
  if (
    typeof code !== 'string' ||
    args.length !== 3 ||
    (align !== false && align !== 0) ||
    (copy !== true && copy !== 1)
  ) {
    throw new PickleFault('refused: a dtype made from anything but a type code');
  }
  const type = parseTypeCode(code);
  if (!type) throw new PickleFault(`refused: the element type ${JSON.stringify(code)}`);
  return new PickledDType(type);
}

function setDTypeState(target: PickledDType, state: Tuple): void {
  const [version, order, subtype, names, fields, size, alignment, flags] = state;
  const { type } = target;
  const plain = version === 3 && state.length === 8 && subtype === null && names === null && fields === null;
  if (!plain) throw new PickleFault('refused: a structured dtype, or one of another version');
  const sizeless = type.dtype === 'object' || type.itemSize === 1;
  if (order !== '<' && order !== '>' && order !== '=' && !(order === '|' && sizeless)) {
    throw new PickleFault(`the byte order of a dtype is ${JSON.stringify(order)}`);
  }
  const expected = type.dtype === 'str' ? [type.itemSize, 4, 8] : [-1, -1, type.dtype === 'object' ? 63 : 0];
  if (size !== expected[0] || alignment !== expected[1] || flags !== expected[2]) {
    throw new PickleFault('size, alignment or flags of a dtype do not fit its code');
  }
  target.type = { ...type, bigEndian: order === '>' && !sizeless };
}

function scalar(args: Tuple, budget: Budget): unknown {
  const [kind, payload] = args;
  if (args.length !== 2 || !(kind instanceof PickledDType)) throw new PickleFault('a NumPy scalar without a dtype');
  const array = makeArray(kind.type, [], false, payload, budget);
  if (!isArray(array) || array.dtype === 'object')
    throw new PickleFault('refused: a NumPy scalar that holds an object');
  const [value] = array.data;
  if (array.dtype === 'bool') return value === 1;
  if (array.dtype === 'float16') return fromFloat16(value as number);
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function fromBuffer(args: Tuple, budget: Budget): unknown {
  const [payload, kind, shape, order] = args;
  if (args.length !== 4 || !(kind instanceof PickledDType) || (order !== 'C' && order !== 'F')) {
    throw new PickleFault('an array made from a buffer lacks its dtype or order');
  }
  if (kind.type.dtype === 'object') throw new PickleFault('refused: objects made from a buffer');
  return makeArray(kind.type, asShape(shape), order === 'F', payload, budget);
}

function makeArray(
  type: ElementType,
  shape: readonly number[],
  fortranOrder: boolean,
  payload: unknown,
  budget: Budget,
): object {
  const size = sizeOf(shape);
  if (type.dtype === 'object') {
    if (!Array.isArray(payload) || payload.length !== size)
      throw new PickleFault(`an object array needs ${size} objects`);
    return { dtype: 'object', shape, data: payload };
  }
  const needed = size * type.itemSize;
  const length = payload instanceof Uint8Array || isSpilled(payload) ? payload.byteLength : undefined;
  if (length !== needed) {
    throw new PickleFault(
      `${length ?? 'no'} bytes do not fill ${type.dtype} of shape (${shape.join(', ')}), which needs ${needed}`,
    );
  }
  if (isSpilled(payload)) return NpyFile.open(payload.finish({ type, shape, fortranOrder }));
  // The memo may give the same bytes to another array, so bytes that would be changed are copied.
  const bytes = payload as Uint8Array;
  const copied = type.bigEndian || type.dtype === 'bool';
  budget.spend((copied ? bytes.byteLength : 0) + decodingCost(type, shape, fortranOrder), 'an array');
  try {
    return decodeElements(type, shape, fortranOrder, copied ? new Uint8Array(bytes) : bytes) as NdArray;
  } catch (error) {
    throw new PickleFault(error instanceof Error ? error.message : String(error));
  }
}

function asShape(value: unknown): number[] {
  if (!(value instanceof Tuple) || value.length > 32)
    throw new PickleFault('the shape of an array is not a tuple of up to 32 integers');
  const shape = Array.from(value, (extent) => {
    if (typeof extent !== 'number' || !Number.isSafeInteger(extent) || extent < 0) {
      throw new PickleFault(`the shape of an array holds ${String(extent)}`);
    }
    return extent;
  });
  if (!Number.isSafeInteger(sizeOf(shape) * 8)) throw new PickleFault(`the shape (${shape.join(', ')}) is impossible`);
  return shape;
}

function encodeLatin1(args: Tuple, budget: Budget): Uint8Array {
  const [text, encoding] = args;
  if (args.length !== 2 || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw new PickleFault('refused: _codecs.encode to anything but latin1');
  }
  budget.spend(text instanceof LongText ? text.utf8.byteLength : typeof text === 'string' ? text.length : 0, 'bytes');
  const bytes = text instanceof LongText && latin1FromUtf8(text.utf8);
  if (bytes) return bytes;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of Latin-1
  if (typeof text !== 'string' || !/^[\x00-\xff]*$/.test(text)) throw new PickleFault('a text that is not Latin-1');
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}
