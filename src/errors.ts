import { oneLine } from './text.ts';

/** What a bad input was, where it lies and what to do next. */
export interface Problem {
  /** File (or other source) that holds the fault. */
  readonly file?: string;
  /** Place inside the file: record, field, byte offset, line. */
  readonly where?: string;
  /** What was found. */
  readonly got?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** The next command or action for the user. */
  readonly next?: string;
}

/** Input that cannot be used: the message says what was got, what was expected, where, and what to do next. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  readonly problem: Problem;

  constructor(summary: string, problem: Problem = {}) {
    super(describe(summary, problem));
    this.problem = problem;
  }
}

function describe(summary: string, { file, where, got, expected, next }: Problem): string {
  const place = oneLine([file, where].filter(Boolean).join(', '));
  const parts = [
    place ? `${place}: ${summary}` : summary,
    got === undefined ? '' : `got ${oneLine(got)}`,
    expected === undefined ? '' : `expected ${oneLine(expected)}`,
  ].filter(Boolean);
  const sentence = parts.join('; ');
  return next ? `${sentence}. ${next}` : sentence;
}
