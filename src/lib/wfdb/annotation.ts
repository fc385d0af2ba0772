import { InputError } from '../../errors.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { nearInteger, readHeader } from './header.ts';

/** Annotations of a WFDB record, in the order of the file. Twin of `wfdb.Annotation`. */
export interface Annotation {
  /** Sample at which each annotation stands. */
  readonly sample: readonly number[];
  /** Annotation type: `N`, `V`, `+`, … (`annotationSymbols`). */
  readonly symbol: readonly string[];
  readonly subtype: readonly number[];
  readonly chan: readonly number[];
  readonly num: readonly number[];
  /** Text of each annotation, or ''. As in wfdb-python a closing NUL is part of it. */
  readonly auxNote: readonly string[];
  /** Samples per second (Hz), from the file or else the record's header; `null` if neither tells. */
  readonly fs: number | null;
}

/** Symbol of each annotation code. */
export const annotationSymbols: ReadonlyMap<number, string> = new Map([
  ...[...' NLRaVFJASEj/Q~'].map((symbol, code): [number, string] => [code, symbol]).slice(1),
  [16, '|'],
  ...[...'sT*D"=pB^t+u?![]en@xf()r'].map((symbol, i): [number, string] => [18 + i, symbol]),
]);

/** Codes that are no annotation types. */
export const codes = { none: 0, comment: 22, skip: 59, num: 60, subtype: 61, chan: 62, auxNote: 63 } as const;

/** An annotation takes two bytes in the file and two hundred in memory; a day has a hundred thousand. */
const MAX_BYTES = 2 ** 23;

/**
 * Reads an annotation file. Twin of `wfdb.rdann(path, extension)`.
 *
 * @param path record path without ending.
 * @param extension ending of the annotation file, such as `atr`.
 * @throws FileNotFoundError; InputError naming the byte for a damaged or unfinished file, and for annotation types that WFDB does not define
 *   (files that define their own included).
 */
export function rdann(path: string, extension: string): Annotation {
  const file = `${path}.${extension}`;
  const whole = readWholeFile(file, { maxBytes: MAX_BYTES });
  const bytes = Buffer.from(whole.buffer, 0, whole.byteLength);
  const annotation = parseAnnotations(bytes, file);
  return { ...annotation, fs: annotation.fs ?? headerFrequency(path) };
}

/** One annotation as it stands in the file. */
interface Entry {
  sample: number;
  code: number;
  subtype: number | undefined;
  chan: number | undefined;
  num: number | undefined;
  auxNote: string | undefined;
  /** Byte at which it begins. */
  at: number;
}

/** Parses the bytes of an annotation file; `file` is named in errors. `fs` is `null` unless the file itself tells it. */
function parseAnnotations(bytes: Uint8Array, file: string): Annotation {
  const entries = new AnnotationReader(bytes, file).entries();
  // Comments at sample 0 describe the file. As in wfdb-python they are taken from the first entries, whichever those are.
  const isDefinition = (entry: Entry): boolean => entry.sample === 0 && entry.code === codes.comment;
  const fs = describedFrequency(entries.slice(0, entries.filter(isDefinition).length), file);
  const kept = entries.filter((entry) => !isDefinition(entry) && entry.code !== codes.none);
  return {
    sample: kept.map((entry) => entry.sample),
    symbol: kept.map(({ code, at }) => {
      const symbol = annotationSymbols.get(code);
      if (symbol === undefined)
        throw new InputError('the annotation type is not defined by WFDB', {
          file,
          where: `byte ${at}`,
          got: `type ${code}`,
        });
      return symbol;
    }),
    subtype: kept.map((entry) => entry.subtype ?? 0),
    chan: kept.map((entry) => entry.chan!),
    num: kept.map((entry) => entry.num!),
    auxNote: kept.map((entry) => entry.auxNote ?? ''),
    fs,
  };
}

function describedFrequency(definitions: readonly Entry[], file: string): number | null {
  for (const { auxNote = '', at } of definitions) {
    if (!auxNote.startsWith('## ')) continue;
    const found = /## time resolution: (\d+\.?\d*)/.exec(auxNote);
    if (found) return nearInteger(Number(found[1]));
    if (auxNote === '## annotation type definitions') {
      throw new InputError('annotation files that define types of their own are not supported', {
        file,
        where: `byte ${at}`,
      });
    }
  }
  return null;
}

function headerFrequency(path: string): number | null {
  try {
    return readHeader(path).fs;
  } catch {
    return null; // as in wfdb-python: annotations can be read without a header
  }
}

/** The file is a row of 16-bit words: six bits of code and ten of time (or value). */
class AnnotationReader {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  #at = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
  }

  entries(): Entry[] {
    const end = this.#bytes.length - 2;
    if (end < 0 || end % 2 !== 0)
      this.#fail('this is no annotation file', `${this.#bytes.length} bytes`, 'an even number of bytes');
    if (this.#bytes[end] !== 0 || this.#bytes[end + 1] !== 0) {
      this.#fail(
        'the annotation file has no end mark; it is cut off',
        `bytes ${this.#bytes[end]} ${this.#bytes[end + 1]}`,
        'bytes 0 0 at the end',
      );
    }
    const entries: Entry[] = [];
    let sample = 0;
    while (this.#at < end) {
      const entry = this.#entry(sample);
      const previous = entries.at(-1);
      // Channel and number stay as they were until the file changes them.
      entry.chan ??= previous?.chan ?? 0;
      entry.num ??= previous?.num ?? 0;
      sample = entry.sample;
      entries.push(entry);
    }
    return entries;
  }

  #entry(before: number): Entry {
    const entry: Entry = {
      sample: before,
      code: 0,
      subtype: undefined,
      chan: undefined,
      num: undefined,
      auxNote: undefined,
      at: this.#at,
    };
    while (this.#code() === codes.skip) {
      // A 32-bit step of time, its high half first.
      entry.sample += (this.#byte(2) << 16) | (this.#byte(3) << 24) | this.#byte(4) | (this.#byte(5) << 8) | 0;
      this.#at += 6;
    }
    entry.code = this.#code();
    entry.sample += this.#byte(0) | ((this.#byte(1) & 3) << 8);
    this.#at += 2;
    while (this.#code() > codes.skip) this.#field(entry);
    return entry;
  }

  #field(entry: Entry): void {
    const names = {
      [codes.num]: 'num',
      [codes.subtype]: 'subtype',
      [codes.chan]: 'chan',
      [codes.auxNote]: 'auxNote',
    } as const;
    const name = names[this.#code() as keyof typeof names];
    if (entry[name] !== undefined) this.#fail(`an annotation has two values of ${name}`, 'a second one', 'one');
    const value = this.#byte(0);
    if (name === 'auxNote') {
      const start = this.#at + 2;
      this.#at = start + value + (value & 1);
      entry.auxNote = Buffer.from(this.#bytes.subarray(start, start + value)).toString('latin1');
    } else {
      entry[name] = name === 'chan' ? value : (value << 24) >> 24;
      this.#at += 2;
    }
  }

  #code(): number {
    return this.#byte(1) >> 2;
  }

  #byte(offset: number): number {
    const byte = this.#bytes[this.#at + offset];
    return (
      byte ??
      this.#fail('the annotation file ends inside of an annotation', `${this.#bytes.length} bytes`, 'more bytes')
    );
  }

  #fail(summary: string, got: string, expected: string): never {
    throw new InputError(summary, { file: this.#file, where: `byte ${this.#at}`, got, expected });
  }
}
