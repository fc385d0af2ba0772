import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Budget } from '../budget.ts';
import { formatNpyHeader } from '../numpy/npy_header.ts';
import { AtomicFile, temporaryPath } from './atomic_file.ts';
import { ValueError } from './errors.ts';
import { gunzip, gunzipFile, isGzip } from './gzip.ts';
import { Feed } from './pickle_feed.ts';
import { type SpillTarget, Unpickler } from './pickle_reader.ts';
import { ArrayStream, pickle } from './pickle_writer.ts';
import { streamFile, withRegular } from './regular_file.ts';
import { readWholeFile } from './whole_file.ts';

export { ArrayStream } from './pickle_writer.ts';

/** How a pickle is read. */
export interface LoadOptions {
  /** Most bytes held in memory, copies included; default 1 GiB. A small file may take less: see `Budget`. */
  readonly maxBytes?: number;
  /** Whether the file is gzip; default: as its first two bytes say. */
  readonly compress?: boolean;
  /**
   * Arrays above `threshold` bytes (default 256 MiB) are unpacked into `folder` under temporary names, which the caller removes, and returned as
   * open `NpyFile`s; only for protocols 3 to 5.
   */
  readonly spill?: { readonly folder: string; readonly threshold?: number };
}

const DEFAULT_MAX_BYTES = 2 ** 30;
/** Opcodes around the payloads of a pickle: only payloads and what is made of them are counted. */
const AROUND_PAYLOADS = 2 ** 20;
const DEFAULT_SPILL_THRESHOLD = 2 ** 28;
/** Room for the head of a spilled array, which is known only after its elements. */
const SPILL_HEAD = 256;

/**
 * Reads a pickle of protocol 2 to 5 from bytes; arrays may share their memory. Dicts come back as `Map`, tuples as `Tuple`, ints beyond 2⁵³ as
 * bigint, bytes as `Uint8Array`, NumPy scalars as plain values. Twin of `pickle.loads` for data: whatever else a pickle asks for is refused.
 *
 * @param options.budget what the reading may cost, if the bytes are part of a larger file.
 * @throws InputError naming the opcode and its place, or what it asks for beyond its budget.
 */
export function loads(
  bytes: Uint8Array,
  options: { readonly file?: string; readonly maxBytes?: number; readonly budget?: Budget } = {},
): unknown {
  const { file = 'pickle', maxBytes = DEFAULT_MAX_BYTES, budget } = options;
  return unpickle(bytes, budget ?? new Budget(file, bytes.byteLength, { maxBytes }));
}

/** Reads a pickle file as a stream, so that no more than its largest arrays is held (with `spill`: less). Errors as `loads`. */
export async function load(path: string, options: LoadOptions = {}): Promise<unknown> {
  const compressed = options.compress ?? isGzip(path);
  const { size } = withRegular(path, (file) => file);
  const budget = new Budget(path, size, { maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES });
  const feed = new Feed();
  const targets: SpillFile[] = [];
  const spill = options.spill && {
    threshold: options.spill.threshold ?? DEFAULT_SPILL_THRESHOLD,
    open: (byteLength: number): SpillTarget => {
      const target = new SpillFile(temporaryPath(join(options.spill!.folder, 'array.npy')), byteLength);
      targets.push(target);
      return target;
    },
  };
  const reading = new Unpickler(feed, { budget, spill }).read();
  try {
    return await drive(path, compressed, feed, reading, budget);
  } finally {
    for (const target of targets) target.abandon();
  }
}

async function drive(
  path: string,
  compressed: boolean,
  feed: Feed,
  reading: Generator<undefined, unknown, undefined>,
  budget: Budget,
): Promise<unknown> {
  let step: IteratorResult<undefined, unknown> | undefined;
  for await (const chunk of compressed ? gunzipFile(path) : streamFile(path)) {
    // As in Python what follows the pickle has no meaning; but a file that is cut off or damaged there is refused.
    if (step?.done) budget.work(chunk.byteLength, 'bytes behind the pickle');
    else {
      feed.push(chunk);
      step = reading.next();
    }
  }
  if (step?.done) return step.value;
  feed.end();
  return reading.next().value;
}

/** Reads a whole pickle file into memory at once. Errors as `loads`. */
export function loadSync(path: string, options: Pick<LoadOptions, 'maxBytes' | 'compress'> = {}): unknown {
  const packed = readWholeFile(path);
  const budget = new Budget(path, packed.length, { maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES });
  const compressed = options.compress ?? (packed[0] === 0x1f && packed[1] === 0x8b);
  return unpickle(compressed ? gunzip(packed, path, budget.maxBytes + AROUND_PAYLOADS) : packed, budget);
}

function unpickle(bytes: Uint8Array, budget: Budget): unknown {
  const feed = new Feed();
  feed.push(bytes);
  feed.end();
  return new Unpickler(feed, { budget }).read().next().value;
}

/** Pickle of protocol 4. Values as `pickle_writer.pickle` says; streams are not possible here. Twin of `pickle.dumps`. */
export function dumps(value: unknown): Buffer {
  const pieces: Uint8Array[] = [];
  for (const piece of pickle(value)) {
    if (!(piece instanceof ArrayStream)) pieces.push(piece);
    else if (Symbol.iterator in piece.pieces) pieces.push(...checkLength(piece, piece.pieces));
    else throw new ValueError('an asynchronous stream can only be written to a file');
  }
  return Buffer.concat(pieces);
}

/** Writes a pickle of protocol 4 under a temporary name and renames it; gzip by default. Arrays may be streams of any size. */
export async function dump(path: string, value: unknown, options: { compress?: boolean } = {}): Promise<void> {
  const file = new AtomicFile(path);
  try {
    const target = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of source) file.write(chunk);
    };
    const source = gather(pickle(value));
    // Level 1: recordings hardly shrink more at Python's level 9, which takes ten times as long.
    if (options.compress ?? true)
      await pipeline(Readable.from(source), createGzip({ level: 1, chunkSize: 1 << 18 }), target);
    else await target(source);
    file.commit();
  } finally {
    file.abort();
  }
}

/** Joins small pieces, so that the packer is not called for each opcode. */
async function* gather(pieces: Iterable<Uint8Array | ArrayStream>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    if (piece instanceof ArrayStream || piece.byteLength > 1 << 16) {
      if (size > 0) yield Buffer.concat(waiting);
      waiting = [];
      size = 0;
      if (piece instanceof ArrayStream) yield* checkStream(piece);
      else yield* slices(piece);
    } else {
      waiting.push(piece);
      size += piece.byteLength;
      if (size > 1 << 16) {
        yield Buffer.concat(waiting);
        waiting = [];
        size = 0;
      }
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
}

function* slices(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += 1 << 22) yield bytes.subarray(at, at + (1 << 22));
}

function* checkLength(stream: ArrayStream, pieces: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
  let length = 0;
  for (const piece of pieces) {
    length += piece.byteLength;
    if (length > stream.byteLength) break;
    yield piece;
  }
  if (length !== stream.byteLength) throw wrongLength(stream, length);
}

async function* checkStream(stream: ArrayStream): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const piece of stream.pieces) {
    length += piece.byteLength;
    if (length > stream.byteLength) break;
    yield piece;
  }
  if (length !== stream.byteLength) throw wrongLength(stream, length);
}

function wrongLength(stream: ArrayStream, length: number): ValueError {
  return new ValueError(
    `the pieces of a stream of shape (${stream.shape.join(', ')}) hold ${length} bytes; expected ${stream.byteLength}`,
  );
}

/** A payload on its way into an `.npy` file. */
class SpillFile implements SpillTarget {
  readonly byteLength: number;
  readonly #file: AtomicFile;
  #finished = false;

  constructor(path: string, byteLength: number) {
    this.byteLength = byteLength;
    this.#file = new AtomicFile(path);
    this.#file.write(new Uint8Array(SPILL_HEAD));
  }

  write(piece: Uint8Array): void {
    this.#file.write(piece);
  }

  finish({ type, shape, fortranOrder }: Parameters<SpillTarget['finish']>[0]): string {
    if (!this.#finished) {
      if (type.dtype === 'object' || type.dtype === 'str')
        throw new ValueError('only numbers can be unpacked to a file');
      this.#file.write(
        formatNpyHeader({ dtype: type.dtype, shape }, { length: SPILL_HEAD, fortranOrder, bigEndian: type.bigEndian }),
        0,
      );
      this.#file.commit();
      this.#finished = true;
    }
    return this.#file.path;
  }

  abandon(): void {
    if (!this.#finished) this.#file.abort();
  }
}
