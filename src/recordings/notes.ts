import type { Reporter } from '../events.ts';
import type { Note } from './recordings.ts';

/** Notes about the same that are told in full. */
const told = 3;

/** Passes on what is noticed of recordings: the first about each matter in full, the others as a number at the end. */
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

  /** Tells how many more there were. */
  close(): void {
    for (const [about, { kind, count }] of this.#counts) {
      if (count > told) this.#report({ kind, text: `${about}: ${count - told} more` });
    }
  }
}
