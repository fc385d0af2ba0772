import { join } from 'node:path';
import { Budget } from '../budget.ts';
import { formatNpyHeader } from '../numpy/npy_header.ts';
import { AtomicFile, temporaryPath } from './atomic_file.ts';
import { ValueError } from './errors.ts';
import { gunzip, gunzipFile, isGzip } from './gzip.ts';
import { gzipBlocks } from './gzip_writer.ts';
import { Feed } from './pickle_feed.ts';
import { type SpillTarget, Unpickler } from './pickle_reader.ts';
import { ArrayStream, pickle } from './pickle_writer.ts';
import { streamFile, withRegular } from './regular_file.ts';
import { readWholeFile } from './whole_file.ts';

export { ArrayStream } from './pickle_writer.ts';

/** How to read a pickle. */
export interface LoadOptions {
  /** Largest number of bytes in memory, including copies; default 1 GiB. A small file may take less, see `Budget`. */
  readonly maxBytes?: number;
  /** Whether the file is compressed with gzip; by default, its first two bytes decide. */
  readonly compress?: boolean;
  /**
   * Writes arrays of more than `threshold` bytes (default 256 MiB) to `folder` under temporary names and returns them as open `NpyFile`s. The caller
   * removes these files. Only for protocols 3 to 5.
   */
  readonly spill?: { readonly folder: string; readonly threshold?: number };
}

const DEFAULT_MAX_BYTES = 2 ** 30;
/** Allowance for the opcodes around the payloads of a pickle, which `maxBytes` does not count. */
const AROUND_PAYLOADS = 2 ** 20;
const DEFAULT_SPILL_THRESHOLD = 2 ** 28;
/** Space reserved for the header of a spilled array, whose content is known only after the elements. */
const SPILL_HEAD = 256;

/**
 * Reads a pickle of protocol 2 to 5 from bytes. Arrays may share memory with them. Dicts become `Map`, tuples `Tuple`, ints beyond 2⁵³ bigint, bytes
 * `Uint8Array`, and NumPy scalars plain values. Twin of `pickle.loads` for data; refuses everything else that a pickle asks for.
 *
 * @param options.budget budget to use, if the bytes are part of a larger file.
 * @throws InputError that names the opcode and its place, or what exceeds the budget.
 */
export function loads(
  bytes: Uint8Array,
  options: { readonly file?: string; readonly maxBytes?: number; readonly budget?: Budget } = {},
): unknown {
  const { file = 'pickle', maxBytes = DEFAULT_MAX_BYTES, budget } = options;
  return unpickle(bytes, budget ?? new Budget(file, bytes.byteLength, { maxBytes }));
}

/** Reads a pickle file as a stream. Holds only its arrays in memory (with `spill`: only the small ones). Errors as `loads`. */
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
    // As in Python, bytes after the pickle are ignored. But a file that is cut off or damaged there is refused.
    if (step?.done) budget.work(chunk.byteLength, 'bytes after the pickle');
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
  const bytes = compressed ? gunzip(packed, path, budget.maxBytes + AROUND_PAYLOADS) : packed;
  return unpickle(bytes, budget, { movable: true });
}

function unpickle(bytes: Uint8Array, budget: Budget, options: { readonly movable?: boolean } = {}): unknown {
  const feed = new Feed(options);
  feed.push(bytes);
  feed.end();
  return new Unpickler(feed, { budget }).read().next().value;
}

/** The bytes of a pickle of protocol 4. Accepts the values of `pickle_writer.pickle`, except streams. Twin of `pickle.dumps`. */
export function dumps(value: unknown): Buffer {
  const pieces: Uint8Array[] = [];
  for (const piece of pickle(value)) {
    if (!(piece instanceof ArrayStream)) pieces.push(piece);
    else if (Symbol.iterator in piece.pieces) pieces.push(...checkLength(piece, piece.pieces));
    else throw new ValueError('an asynchronous stream can only be written to a file');
  }
  return Buffer.concat(pieces);
}

/** Writes a pickle of protocol 4 under a temporary name, then renames it. Compresses with gzip by default. Arrays may be streams of any size. */
export async function dump(path: string, value: unknown, options: { compress?: boolean } = {}): Promise<void> {
  const file = new AtomicFile(path);
  try {
    const source = gather(pickle(value));
    for await (const chunk of (options.compress ?? true) ? gzipBlocks(source) : source) file.write(chunk);
    file.commit();
  } finally {
    file.abort();
  }
}

/** Joins small pieces, so that the compressor is not called for each opcode. */
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

/** Writes a payload to an `.npy` file. */
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
        throw new ValueError('only arrays of numbers can be written to a file');
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
