import type { Reporter } from '../events.ts';
import type { Note } from './stored.ts';

/** How many notes about one matter are reported in full. */
const told = 3;

/** Reports notes about recordings: the first few about each matter in full, the rest as a count at the end. */
export class NoteBook {
  readonly #report: Reporter;
  readonly #counts = new Map<string, { kind: Note['kind']; count: number }>();

  constructor(report: Reporter) {
    this.#report = report;
  }

  readonly add = ({ kind, about, text }: Note): void => {
    const { count } = this.#counts.get(about) ?? { count: 0 };
    this.#counts.set(about, { kind, count: count + 1 });
    if (count < told) this.#report({ kind, text });
  };

  /** Reports how many more notes there were. */
  close(): void {
    for (const [about, { kind, count }] of this.#counts) {
      if (count > told) this.#report({ kind, text: `${about}: ${count - told} more` });
    }
  }
}
