import { InputError } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import type { Feed } from './pickle_feed.ts';
import {
  build,
  decodeText,
  findGlobal,
  hashable,
  LongText,
  PickleFault,
  reduce,
  type Spilled,
  WholeFloat,
} from './pickle_numpy.ts';
import { settle } from './pickle_settle.ts';
import { Tuple } from './tuple.ts';

/** Options of a reader. */
export interface UnpickleOptions {
  /** Limits on memory and work; names the file. */
  readonly budget: Budget;
  /** Opens a file for a payload of more than `threshold` bytes. */
  readonly spill?: { readonly threshold: number; open(byteLength: number): SpillTarget };
}

/** A payload that is written to the disk while it is read. */
export interface SpillTarget extends Spilled {
  write(piece: Uint8Array): void;
}

/**
 * Memory taken by a value on the stack or in a container, by an empty list or tuple, by an empty dict, set or array, and by a text in addition to its
 * characters.
 */
const COST = { slot: 16, list: 160, dict: 320, text: 32, memo: 24 };
const LONG_TEXT = 1 << 16;
/** Arrays of smaller payloads are copied if they are not aligned, so that they do not keep the whole file in memory. */
const LONG_PAYLOAD = 1 << 16;
const MAX_NAME = 1024;
const MAX_INTEGER_BYTES = 4096;

/** Length of the argument of each opcode that has a fixed one. Opcodes that are not in `OPCODES` are refused. */
const OPCODES: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map(
  (
    [
      [0x80, 'PROTO', 1],
      [0x95, 'FRAME', 8],
      [0x2e, 'STOP', 0],
      [0x4e, 'NONE', 0],
      [0x88, 'NEWTRUE', 0],
      [0x89, 'NEWFALSE', 0],
      [0x4b, 'BININT1', 1],
      [0x4d, 'BININT2', 2],
      [0x4a, 'BININT', 4],
      [0x8a, 'LONG1', 1],
      [0x8b, 'LONG4', 4],
      [0x47, 'BINFLOAT', 8],
      [0x55, 'SHORT_BINSTRING', 1],
      [0x54, 'BINSTRING', 4],
      [0x8c, 'SHORT_BINUNICODE', 1],
      [0x58, 'BINUNICODE', 4],
      [0x8d, 'BINUNICODE8', 8],
      [0x43, 'SHORT_BINBYTES', 1],
      [0x42, 'BINBYTES', 4],
      [0x8e, 'BINBYTES8', 8],
      [0x96, 'BYTEARRAY8', 8],
      [0x5d, 'EMPTY_LIST', 0],
      [0x7d, 'EMPTY_DICT', 0],
      [0x8f, 'EMPTY_SET', 0],
      [0x29, 'EMPTY_TUPLE', 0],
      [0x28, 'MARK', 0],
      [0x30, 'POP', 0],
      [0x31, 'POP_MARK', 0],
      [0x32, 'DUP', 0],
      [0x61, 'APPEND', 0],
      [0x65, 'APPENDS', 0],
      [0x73, 'SETITEM', 0],
      [0x75, 'SETITEMS', 0],
      [0x90, 'ADDITEMS', 0],
      [0x91, 'FROZENSET', 0],
      [0x6c, 'LIST', 0],
      [0x64, 'DICT', 0],
      [0x74, 'TUPLE', 0],
      [0x85, 'TUPLE1', 0],
      [0x86, 'TUPLE2', 0],
      [0x87, 'TUPLE3', 0],
      [0x71, 'BINPUT', 1],
      [0x72, 'LONG_BINPUT', 4],
      [0x94, 'MEMOIZE', 0],
      [0x68, 'BINGET', 1],
      [0x6a, 'LONG_BINGET', 4],
      [0x63, 'GLOBAL', 0],
      [0x93, 'STACK_GLOBAL', 0],
      [0x52, 'REDUCE', 0],
      [0x62, 'BUILD', 0],
    ] as const
  ).map(([code, name, bytes]) => [code, { name, bytes }]),
);

const REFUSED: { readonly [code: number]: string } = {
  105: 'INST',
  111: 'OBJ',
  80: 'PERSID',
  81: 'BINPERSID',
  129: 'NEWOBJ',
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  146: 'NEWOBJ_EX',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
  70: 'FLOAT',
  73: 'INT',
  76: 'LONG',
  83: 'STRING',
  86: 'UNICODE',
  103: 'GET',
  112: 'PUT',
};

/**
 * The pickle machine for protocols 2 to 5: a generator that pauses when the feed is empty and returns the value at the end. Returns only numbers,
 * texts, bytes, built-in containers and NumPy arrays. Looks up names in a fixed list, and never runs code from the pickle.
 */
export class Unpickler {
  readonly #feed: Feed;
  readonly #budget: Budget;
  readonly #spillable: UnpickleOptions['spill'];
  #stack: unknown[] = [];
  readonly #marks: unknown[][] = [];
  /** Dense, as in Python: undefined where nothing is stored. */
  readonly #memo: unknown[] = [];
  /** Number of used entries in the memo. */
  #stored = 0;
  #opcode = 'the start';
  #offset = 0;
  #frameEnd = 0;

  constructor(feed: Feed, { budget, spill }: UnpickleOptions) {
    this.#feed = feed;
    this.#budget = budget;
    this.#spillable = spill;
    budget.where = () => this.#place();
  }

  *read(): Generator<undefined, unknown, undefined> {
    try {
      return yield* this.#run();
    } catch (error) {
      if (!(error instanceof PickleFault)) throw error;
      throw new InputError(error.message, {
        file: this.#budget.file,
        where: this.#place(),
        expected: 'only numbers, texts, built-in containers and NumPy arrays',
      });
    }
  }

  #place(): string {
    return `pickle opcode ${this.#opcode} at byte ${this.#offset}`;
  }

  *#run(): Generator<undefined, unknown, undefined> {
    const feed = this.#feed;
    for (;;) {
      this.#offset = feed.position;
      while (feed.available === 0) yield* this.#more();
      const code = feed.byte();
      const opcode = OPCODES.get(code);
      if (!opcode)
        throw new PickleFault(`refused: the opcode ${REFUSED[code] ?? `0x${code.toString(16).padStart(2, '0')}`}`);
      this.#opcode = opcode.name;
      if (this.#offset === 0 && opcode.name !== 'PROTO')
        throw new PickleFault('this is not a pickle of protocol 2 to 5');
      while (feed.available < opcode.bytes) yield* this.#more();
      if (opcode.name === 'STOP') break;
      this.#budget.work(1, 'its opcodes');
      if (opcode.name === 'BINFLOAT') this.#push(float(feed.take(8).readDoubleBE(0)));
      else yield* this.#step(opcode.name, opcode.bytes === 0 ? 0 : this.#integer(opcode.bytes));
    }
    const value = this.#pop();
    const position = feed.position;
    while (feed.available < this.#frameEnd - position) yield* this.#more();
    return settle(value, this.#budget);
  }

  *#step(name: string, argument: number): Generator<undefined, void, undefined> {
    switch (name) {
      case 'PROTO':
        if (argument < 2 || argument > 5) throw new PickleFault(`protocol ${argument}, not 2 to 5`);
        return;
      case 'FRAME':
        this.#frameEnd = Math.max(this.#frameEnd, this.#feed.position + argument);
        return;
      case 'LONG1':
      case 'LONG4':
        if (argument > MAX_INTEGER_BYTES) throw new PickleFault(`an integer of ${argument} bytes`);
        this.#push(longInteger((yield* this.#payload(argument)) as Uint8Array));
        return;
      case 'SHORT_BINSTRING':
      case 'BINSTRING':
        this.#budget.spend(COST.text + argument, 'a text');
        this.#push(ascii((yield* this.#payload(argument)) as Uint8Array));
        return;
      case 'SHORT_BINUNICODE':
      case 'BINUNICODE':
      case 'BINUNICODE8': {
        const utf8 = (yield* this.#payload(argument)) as Uint8Array;
        this.#budget.spend(COST.text + (argument > LONG_TEXT ? 0 : 2 * argument), 'a text');
        this.#push(argument > LONG_TEXT ? new LongText(utf8) : decodeText(utf8));
        return;
      }
      case 'SHORT_BINBYTES':
        this.#push(yield* this.#payload(argument, { spillable: true }));
        return;
      case 'BINBYTES':
        this.#push(yield* this.#payload(argument, { spillable: true, before: 5 }));
        return;
      case 'BINBYTES8':
      case 'BYTEARRAY8':
        this.#push(yield* this.#payload(argument, { spillable: true, before: 9 }));
        return;
      case 'GLOBAL': {
        const module = yield* this.#line();
        this.#push(findGlobal(module, yield* this.#line()));
        return;
      }
      default:
        this.#simple(name, argument);
        return;
    }
  }

  #simple(name: string, argument: number): void {
    switch (name) {
      case 'NONE':
        this.#push(null);
        return;
      case 'NEWTRUE':
        this.#push(true);
        return;
      case 'NEWFALSE':
        this.#push(false);
        return;
      case 'BININT1':
      case 'BININT2':
        this.#push(argument);
        return;
      case 'BININT':
        this.#push(argument | 0);
        return;
      case 'EMPTY_LIST':
        this.#container([], COST.list);
        return;
      case 'EMPTY_DICT':
        this.#container(new Map(), COST.dict);
        return;
      case 'EMPTY_SET':
        this.#container(new Set(), COST.dict);
        return;
      case 'EMPTY_TUPLE':
        this.#container(new Tuple(), COST.list);
        return;
      case 'MARK':
        if (this.#marks.length > 10_000) throw new PickleFault('too many marks');
        this.#marks.push(this.#stack);
        this.#stack = [];
        return;
      case 'POP':
        if (this.#stack.length > 0) this.#stack.pop();
        else this.#popMark();
        return;
      case 'POP_MARK':
        this.#popMark();
        return;
      case 'DUP':
        this.#push(this.#top());
        return;
      case 'BINPUT':
      case 'LONG_BINPUT':
        this.#remember(argument);
        return;
      case 'MEMOIZE':
        this.#remember(this.#stored);
        return;
      case 'BINGET':
      case 'LONG_BINGET': {
        const value = this.#memo[argument];
        if (value === undefined) throw new PickleFault(`nothing is stored under ${argument}`);
        this.#push(value);
        return;
      }
      case 'STACK_GLOBAL': {
        const [member, module] = [this.#pop(), this.#pop()];
        if (typeof member !== 'string' || typeof module !== 'string')
          throw new PickleFault('a name that is not a text');
        this.#push(findGlobal(module, member));
        return;
      }
      case 'REDUCE': {
        const [args, callable] = [this.#pop(), this.#pop()];
        this.#container(reduce(callable, args, this.#budget), COST.dict);
        return;
      }
      case 'BUILD': {
        const state = this.#pop();
        build(this.#top(), state, this.#budget);
        return;
      }
      default:
        this.#collect(name);
        return;
    }
  }

  #collect(name: string): void {
    switch (name) {
      case 'TUPLE1':
      case 'TUPLE2':
      case 'TUPLE3': {
        const count = Number(name.at(-1));
        if (this.#stack.length < count) throw new PickleFault('the stack is empty');
        this.#container(Tuple.from(this.#stack.splice(-count)), COST.list);
        return;
      }
      case 'TUPLE':
        this.#container(Tuple.from(this.#popMark()), COST.list);
        return;
      case 'LIST':
        this.#container(this.#popMark(), COST.list);
        return;
      case 'DICT': {
        const items = this.#popMark();
        this.#container(setItems(new Map(), items, this.#budget), COST.dict);
        return;
      }
      case 'FROZENSET':
        this.#container(addItems(new Set(), this.#popMark(), this.#budget), COST.dict);
        return;
      case 'APPEND': {
        const item = this.#pop();
        this.#list().push(item);
        return;
      }
      case 'APPENDS': {
        const items = this.#popMark();
        const list = this.#list();
        for (const item of items) list.push(item);
        return;
      }
      case 'SETITEM': {
        const [value, key] = [this.#pop(), this.#pop()];
        setItems(this.#top(), [key, value], this.#budget);
        return;
      }
      case 'SETITEMS': {
        const items = this.#popMark();
        setItems(this.#top(), items, this.#budget);
        return;
      }
      case 'ADDITEMS': {
        const items = this.#popMark();
        addItems(this.#top(), items, this.#budget);
        return;
      }
      default:
        throw new Error(`opcode ${name} has no meaning here`);
    }
  }

  /** The argument of an opcode, little-endian. */
  #integer(bytes: number): number {
    const buffer = this.#feed.take(bytes);
    if (bytes < 8) return buffer.readUIntLE(0, bytes);
    const value = buffer.readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new PickleFault(`a length of ${value} bytes`);
    return Number(value);
  }

  /** `before`: length of the opcode and its argument, over which a large payload may move. */
  *#payload(
    length: number,
    { spillable = false, before = 0 } = {},
  ): Generator<undefined, Uint8Array | Spilled, undefined> {
    const feed = this.#feed;
    if (feed.ended && feed.available < length) this.#truncated();
    const spill = this.#spillable;
    if (spillable && spill && length > spill.threshold) return yield* this.#spill(spill.open(length), length);
    this.#budget.spend(length, `${length} bytes of payload`);
    if (feed.available >= length) return length > LONG_PAYLOAD ? feed.takeAligned(length, before) : feed.take(length);
    const out = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      while (feed.available === 0) yield* this.#more();
      const piece = feed.takePiece(length - done);
      out.set(piece, done);
      done += piece.byteLength;
    }
    return out;
  }

  *#spill(target: SpillTarget, length: number): Generator<undefined, Spilled, undefined> {
    const feed = this.#feed;
    for (let done = 0; done < length; ) {
      while (feed.available === 0) yield* this.#more();
      const piece = feed.takePiece(length - done);
      target.write(piece);
      done += piece.byteLength;
    }
    return target;
  }

  *#line(): Generator<undefined, string, undefined> {
    let end = this.#feed.indexOf(0x0a);
    while (end < 0) {
      if (this.#feed.available > MAX_NAME) break;
      yield* this.#more();
      end = this.#feed.indexOf(0x0a);
    }
    if (end < 0 || end > MAX_NAME) throw new PickleFault('a name without an end');
    const text = decodeText(this.#feed.take(end));
    this.#feed.take(1);
    return text;
  }

  *#more(): Generator<undefined, void, undefined> {
    if (this.#feed.ended) this.#truncated();
    yield;
  }

  #truncated(): never {
    throw new PickleFault('the pickle is cut off');
  }

  #container(value: unknown, cost: number): void {
    this.#budget.spend(cost, 'a container');
    this.#push(value);
  }

  #push(value: unknown): void {
    this.#budget.spend(COST.slot, 'a value');
    this.#stack.push(value);
  }

  #remember(place: number): void {
    const added = Math.max(1, place + 1 - this.#memo.length);
    this.#budget.spend(COST.memo * added, 'entries of the memo');
    while (this.#memo.length < place) this.#memo.push(undefined);
    if (this.#memo[place] === undefined) this.#stored++;
    this.#memo[place] = this.#top();
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw new PickleFault('the stack is empty');
    return this.#stack[this.#stack.length - 1];
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw new PickleFault('the stack is empty');
    return this.#stack.pop();
  }

  #popMark(): unknown[] {
    const items = this.#stack;
    const outer = this.#marks.pop();
    if (!outer) throw new PickleFault('a mark is missing');
    this.#stack = outer;
    return items;
  }

  #list(): unknown[] {
    const list = this.#top();
    if (!Array.isArray(list) || list instanceof Tuple)
      throw new PickleFault('items are appended to something that is not a list');
    return list;
  }
}

function setItems(dict: unknown, items: unknown[], budget: Budget): unknown {
  if (!(dict instanceof Map)) throw new PickleFault('items are set in something that is not a dict');
  if (items.length % 2 !== 0) throw new PickleFault('a key without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(hashable(items[i], dict, budget), items[i + 1]);
  return dict;
}

function addItems(set: unknown, items: unknown[], budget: Budget): unknown {
  if (!(set instanceof Set)) throw new PickleFault('items are added to something that is not a set');
  for (const item of items) set.add(hashable(item, set, budget));
  return set;
}

function float(value: number): number | WholeFloat {
  return Number.isInteger(value) ? new WholeFloat(value) : value;
}

function ascii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte > 0x7f)) throw new PickleFault('a Python 2 text that is not ASCII');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function longInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  const value = BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
