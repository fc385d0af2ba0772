import { closeSync, fsyncSync, ftruncateSync, lstatSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { object, picklist } from 'valibot';
import { InputError } from '../errors.ts';
import { amount, maxLeads, whole } from '../lib/json/fields.ts';
import { type Described, readSoundLines } from '../lib/json/file.ts';
import { lockFolder } from '../lib/lock.ts';
import { bytesOf, fromBytes, itemSize, type NdArray } from '../lib/numpy/ndarray.ts';
import { makeOwnFolder, openAnew, openToAppend } from '../lib/own_files.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import type { RowShape } from '../port/finetuning/datasets/preparation.ts';

/** Position and form of one recording in the cache. */
type Entry = Described<typeof entrySchema>;

const entrySchema = object({
  offset: amount,
  samples: whole(0, 2 ** 31 - 1),
  leads: whole(1, maxLeads),
  dtype: picklist(['float32', 'float64']),
});

/** Recordings between two flushes to disk: at most so many are lost if the machine crashes. */
const FLUSH_EVERY = 64;

/**
 * Prepared recordings on disk, so that an interrupted preparation can continue. `signals.bin` holds the samples, `journal.jsonl` has one line for each complete
 * recording, and `plan.json` holds the plan that they were prepared by.
 */
export class RecordCache {
  readonly folder: string;
  readonly #entries: Entry[];
  readonly #signals: number;
  readonly #journal: number;
  #end: number;
  readonly #unlock: () => void;
  #closed = false;

  private constructor(folder: string, entries: Entry[], unlock: () => void) {
    this.#unlock = unlock;
    this.folder = folder;
    this.#entries = entries;
    this.#end = entries.reduce((end, entry) => Math.max(end, entry.offset + byteLength(entry)), 0);
    this.#signals = openToAppend(join(folder, 'signals.bin'));
    ftruncateSync(this.#signals, this.#end);
    this.#journal = openAnew(join(folder, 'journal.jsonl'));
    writeSync(this.#journal, entries.map(line).join(''));
  }

  /**
   * Opens the cache of a plan. If the folder holds the cache of another plan, or a damaged one, it is discarded.
   *
   * @param plan plain data that determines every sample.
   * @throws InputError if another process is preparing the same set.
   */
  static open(folder: string, plan: unknown): RecordCache {
    makeOwnFolder(folder);
    const unlock = lockFolder(folder, { name: 'lock', work: 'is preparing this set' });
    try {
      return RecordCache.#openLocked(folder, plan, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  static #openLocked(folder: string, plan: unknown, unlock: () => void): RecordCache {
    const planFile = join(folder, 'plan.json');
    const text = `${JSON.stringify(plan)}\n`;
    if (!holds(planFile, text)) {
      for (const name of ['signals.bin', 'journal.jsonl']) rmSync(join(folder, name), { force: true });
      writeFileAtomic(planFile, text);
    }
    return new RecordCache(folder, completeEntries(folder), unlock);
  }

  /** Number of recordings in the cache. */
  get size(): number {
    return this.#entries.length;
  }

  /** Form of each recording. */
  get shapes(): readonly RowShape[] {
    return this.#entries;
  }

  /** Adds the next recording. */
  append({ dtype, shape, data }: NdArray<'float32' | 'float64'>): void {
    const entry: Entry = { offset: this.#end, samples: shape[0], leads: shape[1], dtype };
    const bytes = bytesOf({ dtype, shape, data });
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#signals, bytes, done);
    if (this.#entries.length % FLUSH_EVERY === 0) fsyncSync(this.#signals);
    writeSync(this.#journal, line(entry));
    this.#entries.push(entry);
    this.#end += bytes.length;
  }

  /** Reads a recording: shape (samples, leads). */
  read(index: number): NdArray<'float32' | 'float64'> {
    const entry = this.#entries[index];
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

  /** Closes the files and keeps the cache for the next run. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#signals);
    closeSync(this.#journal);
    this.#unlock();
  }
}

function byteLength({ samples, leads, dtype }: Entry): number {
  return samples * leads * itemSize[dtype];
}

function line(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** Entries of the journal before the first one that is incomplete or lacks samples. */
function completeEntries(folder: string): Entry[] {
  const size = lstatSync(join(folder, 'signals.bin'), { throwIfNoEntry: false })?.size ?? 0;
  const lines = readSoundLines(join(folder, 'journal.jsonl'), entrySchema, { maxBytes: 2 ** 28 });
  let end = 0;
  const broken = lines.findIndex((entry) => {
    const follows = entry.offset === end;
    end += byteLength(entry);
    return !follows || end > size;
  });
  return broken === -1 ? lines : lines.slice(0, broken);
}

/** Whether a file holds exactly this text. */
function holds(file: string, text: string): boolean {
  const size = Buffer.byteLength(text);
  if (lstatSync(file, { throwIfNoEntry: false })?.size !== size) return false;
  return Buffer.from(readWholeFile(file, { maxBytes: size })).toString('utf8') === text;
}
