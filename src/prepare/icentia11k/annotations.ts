import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import type { RawLabels } from '../../port/transplant/datasets/icentia11k.ts';

/** Annotations of a record, as `wfdb.rdann` returns them. */
export interface Annotations {
  readonly sample: ArrayLike<number>;
  readonly symbol: readonly string[];
  readonly auxNote: readonly string[];
}

/** Label code of each beat symbol of the edition. */
export const beatCodes: ReadonlyMap<string, number> = new Map([...'QNSaV'].map((symbol, code) => [symbol, code]));
/** Label code of each rhythm note of the edition: `(N` begins a span of normal rhythm, `)` ends it, `(N)` is one of a single beat. */
export const rhythmCodes: ReadonlyMap<string, number> = new Map(
  ['(N', '(AFIB', '(AFL'].map((note, k) => [note, 3 + k]),
);
/** Code of a beat outside every span. */
const noise = 2;
const beatCount = 5;
const rhythmCount = 6;
/** Notes of beats that carry no information. */
const emptyNotes = ['', 'None'];

export interface Place {
  /** Annotation file, for messages. */
  readonly file: string;
  /** Samples of the segment. */
  readonly samples: number;
  /** Called with each unknown annotation, which is then left out; by default an unknown annotation is an error. */
  readonly onUnknown?: (annotation: string) => void;
}

/**
 * Labels of a segment in the original's form from the annotations of PhysioNet's edition. The edition marks where a label changes, the
 * original labels every position, so each mark stands for a label of its rhythm at its sample, and a beat without a mark has the rhythm of the
 * span it is in, or noise. data/README.md lists the annotations.
 *
 * @throws InputError for marks that are out of order, and, without `onUnknown`, for annotations that the edition does not have.
 */
export function rawLabelsOf(annotations: Annotations, { file, samples, onUnknown }: Place): RawLabels {
  const { sample, symbol } = annotations;
  const beats: number[][] = Array.from({ length: beatCount }, () => []);
  const rhythms: number[][] = Array.from({ length: rhythmCount }, () => []);
  let open: number | undefined;
  for (let k = 0; k < symbol.length; ) {
    const position = sample[k];
    if (k > 0 && position < sample[k - 1]) {
      throw new InputError('the annotations are out of order', {
        file,
        where: `annotation ${k} at sample ${position}`,
        got: `${position} after ${sample[k - 1]}`,
        expected: 'ascending samples',
      });
    }
    const here = new Moment(open);
    for (; k < symbol.length && sample[k] === position; k++) {
      const unknown =
        position >= 0 && position < samples ? here.add(symbol[k], noteOf(annotations, k)) : outside(samples);
      if (unknown === undefined) continue;
      if (onUnknown === undefined) {
        throw new InputError('unknown annotation', {
          file,
          where: `annotation ${k} at sample ${position}`,
          got: unknown,
          expected: `a beat (${[...beatCodes.keys()].join(', ')}), or + with a note (${notes.join(', ')})`,
          next: 'To leave such annotations out and count them, add --skip-unknown.',
        });
      }
      onUnknown(unknown);
    }
    for (const code of here.beats) beats[code].push(position);
    for (const code of here.rhythms()) rhythms[code].push(position);
    open = here.openAfter();
  }
  return { btype: beats.map(positionsOf), rtype: rhythms.map(positionsOf) };
}

const notes = [...[...rhythmCodes.keys()].flatMap((note) => [note, `${note})`]), ')'];

function noteOf({ auxNote }: Annotations, k: number): string {
  return auxNote[k].replace(/\0+$/, '').trim();
}

function outside(samples: number): string {
  return `an annotation outside of the segment of ${samples} samples`;
}

/** All annotations at one sample. Their order in the file hardly matters. */
class Moment {
  readonly beats: number[] = [];
  /** The span that is open before this sample. */
  readonly #open: number | undefined;
  /** Rhythms of a single beat. */
  readonly #single: number[] = [];
  readonly #begun: number[] = [];
  #ends = 0;

  constructor(open: number | undefined) {
    this.#open = open;
  }

  /** Adds an annotation; returns its description if it is unknown. */
  add(symbol: string, note: string): string | undefined {
    if (symbol === '+') {
      const rhythm = rhythmCodes.get(note.replace(/\)$/, ''));
      if (note === ')') {
        // An end without an open span has no effect.
        if (this.#open !== undefined || this.#begun.length > 0) this.#ends++;
      } else if (rhythm === undefined) return `the rhythm ${JSON.stringify(note)}`;
      else (note.endsWith(')') ? this.#single : this.#begun).push(rhythm);
      return undefined;
    }
    const beat = beatCodes.get(symbol);
    if (beat === undefined) return `the beat ${JSON.stringify(symbol)}`;
    if (!emptyNotes.includes(note)) return `the beat ${symbol} with the note ${JSON.stringify(note)}`;
    this.beats.push(beat);
    return undefined;
  }

  /** One label for each mark and at least one for each beat. */
  rhythms(): number[] {
    const marked = [...this.#single, ...this.#begun, ...(this.#endsOpen ? [this.#open!] : [])];
    // One mark of a span stands for any number of labels; the mark of a single beat stands for one.
    const lasting = this.#begun.at(-1) ?? this.#open ?? noise;
    const rest = Math.max(0, this.beats.length - marked.length);
    return [...marked, ...new Array<number>(rest).fill(lasting)];
  }

  /** The span that is open after this sample. A span that begins within another one replaces it. */
  openAfter(): number | undefined {
    const ended = this.#ends - (this.#endsOpen ? 1 : 0);
    if (this.#begun.length > ended) return this.#begun.at(-1);
    return this.#begun.length > 0 || this.#endsOpen ? undefined : this.#open;
  }

  get #endsOpen(): boolean {
    return this.#open !== undefined && this.#ends > 0;
  }
}

function positionsOf(positions: readonly number[]): NdArray<'int32'> {
  return ndarray('int32', [positions.length], Int32Array.from(positions));
}
