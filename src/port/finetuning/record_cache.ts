import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { bytesOf, fromBytes, itemSize, type NdArray } from '../../lib/numpy/ndarray.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';

/** Place of one recording in the cache. */
interface Entry {
  readonly offset: number;
  readonly samples: number;
  readonly leads: number;
  readonly dtype: 'float32' | 'float64';
}

/** Entries between two flushes: what a crash of the machine can cost. */
const FLUSH_EVERY = 64;

/**
 * Prepared recordings on disk, so that an interrupted preparation goes on where it was: `signals.bin` holds the samples one after the other,
 * `journal.jsonl` one line for each recording that is complete, `plan.json` what they were prepared for.
 */
export class RecordCache {
  readonly folder: string;
  readonly #entries: Entry[];
  readonly #signals: number;
  readonly #journal: number;
  #end: number;
  #closed = false;

  private constructor(folder: string, entries: Entry[]) {
    this.folder = folder;
    this.#entries = entries;
    this.#end = entries.reduce((end, entry) => Math.max(end, entry.offset + byteLength(entry)), 0);
    this.#signals = openSync(join(folder, 'signals.bin'), 'a+');
    ftruncateSync(this.#signals, this.#end);
    this.#journal = openSync(join(folder, 'journal.jsonl'), 'w');
    writeSync(this.#journal, entries.map(line).join(''));
  }

  /**
   * Opens the cache of a plan. What another plan, or a broken one, has left there is discarded.
   *
   * @param plan plain data that decides every sample.
   * @throws InputError if another process is preparing the same set.
   */
  static open(folder: string, plan: unknown): RecordCache {
    mkdirSync(folder, { recursive: true });
    lock(folder);
    const planFile = join(folder, 'plan.json');
    const text = `${JSON.stringify(plan)}\n`;
    if (!existsSync(planFile) || readFileSync(planFile, 'utf8') !== text) {
      for (const name of ['signals.bin', 'journal.jsonl']) rmSync(join(folder, name), { force: true });
      writeFileAtomic(planFile, text);
    }
    return new RecordCache(folder, completeEntries(folder));
  }

  /** Recordings that are there. */
  get size(): number {
    return this.#entries.length;
  }

  /** Shape and dtype of a recording. */
  describe(index: number): { readonly samples: number; readonly leads: number; readonly dtype: 'float32' | 'float64' } {
    return this.#entries[index]!;
  }

  /** Adds the next recording. */
  append({ dtype, shape, data }: NdArray<'float32' | 'float64'>): void {
    const entry: Entry = { offset: this.#end, samples: shape[0]!, leads: shape[1]!, dtype };
    const bytes = bytesOf({ dtype, shape, data });
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#signals, bytes, done);
    if (this.#entries.length % FLUSH_EVERY === 0) fsyncSync(this.#signals);
    writeSync(this.#journal, line(entry));
    this.#entries.push(entry);
    this.#end += bytes.length;
  }

  /** Reads a recording: shape (samples, leads). */
  read(index: number): NdArray<'float32' | 'float64'> {
    const entry = this.#entries[index]!;
    const bytes = new Uint8Array(byteLength(entry));
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#signals, bytes, done, bytes.length - done, entry.offset + done);
      if (read === 0)
        throw new InputError('the cache of prepared recordings is damaged', {
          file: this.folder,
          next: 'Remove the folder.',
        });
      done += read;
    }
    return fromBytes(entry.dtype, [entry.samples, entry.leads], bytes);
  }

  /** Closes the files; the cache stays for another run. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#signals);
    closeSync(this.#journal);
    rmSync(join(this.folder, 'lock'), { force: true });
  }
}

function byteLength({ samples, leads, dtype }: Entry): number {
  return samples * leads * itemSize[dtype];
}

function line(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** Entries of the journal up to the first that is not whole, or whose samples are not all there. */
function completeEntries(folder: string): Entry[] {
  const journal = join(folder, 'journal.jsonl');
  if (!existsSync(journal)) return [];
  const descriptor = openSync(join(folder, 'signals.bin'), 'a+');
  const size = fstatSync(descriptor).size;
  closeSync(descriptor);
  const entries: Entry[] = [];
  const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1);
  for (const text of lines) {
    const entry = parseEntry(text);
    if (!entry || entry.offset + byteLength(entry) > size) break;
    entries.push(entry);
  }
  return entries;
}

function parseEntry(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry;
  } catch {
    return undefined;
  }
}

/** Marks the folder as in use by this process; a mark of a process that has ended is taken over. */
function lock(folder: string): void {
  const file = join(folder, 'lock');
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    if (owner !== process.pid && isRunning(owner)) {
      throw new InputError('another process is preparing this set', {
        file,
        got: `process ${owner}`,
        next: 'Wait for it, or end it and try again.',
      });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  writeFileAtomic(file, `${process.pid}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
