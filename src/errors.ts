import { oneLine, shellCommand } from './text.ts';

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

/** Longest text from a file that a message repeats. */
const longest = 400;

function brief(text: string): string {
  const shown = oneLine(text);
  if (shown.length <= longest) return shown;
  return `${shown.slice(0, longest)}… (${shown.length.toLocaleString('en')} characters)`;
}

/** A command line that cannot be read or carried out as it was typed; the program ends with code 2, as argparse does. */
export class UsageError extends InputError {
  override readonly name: string = 'UsageError';
}

function describe(summary: string, { file, where, got, expected, next }: Problem): string {
  const place = oneLine([file, where].filter(Boolean).join(', '));
  const parts = [
    place ? `${place}: ${summary}` : summary,
    got === undefined ? '' : `got ${brief(got)}`,
    expected === undefined ? '' : `expected ${brief(expected)}`,
  ].filter(Boolean);
  const sentence = parts.join('; ');
  return next ? `${sentence}. ${next}` : sentence;
}

/** What a refusal of the operating system means to a user, by its code, and what helps; `path` is ready for a shell. */
const refusals: Readonly<Record<string, readonly [meaning: string, next: (path: string) => string]>> = {
  ENOENT: ['there is no such file or folder', (path) => `Check the path: ls -d ${path}`],
  EACCES: ['permission denied', (path) => `See who may use it: ls -ld ${path}`],
  EPERM: ['the system does not permit this', (path) => `See who may use it: ls -ld ${path}`],
  ENOTDIR: ['a part of the path is a file, not a folder', () => 'Check the path.'],
  EISDIR: ['a folder, where a file is expected', (path) => `See what it holds: ls ${path}`],
  EEXIST: ['the name is taken', (path) => `See what is there: ls -ld ${path}`],
  ENOTEMPTY: ['the folder is not empty', (path) => `See what it holds: ls -A ${path}`],
  ENOSPC: ['there is no room on the disk', (path) => `Make room (df -h ${path}), then run the same command again.`],
  EDQUOT: ['the quota of the disk is used up', () => 'Make room (quota -s), then run the same command again.'],
  EFBIG: [
    'the file is larger than the file system or ulimit -f permits',
    () => 'Choose a place on another file system.',
  ],
  EROFS: ['the file system is read-only', () => 'Choose a place that can be written.'],
  ELOOP: ['the links lead in a circle', (path) => `See where they lead: ls -l ${path}`],
  ENAMETOOLONG: ['the name is too long', () => 'Choose a shorter one (255 bytes for each part of a path).'],
  EMFILE: ['too many files are open', () => 'Permit more: ulimit -n 4096'],
  ENFILE: ['too many files are open on this machine', () => 'Close other programs.'],
  EBUSY: ['it is in use', () => 'Close what uses it, then run the same command again.'],
  EXDEV: ['the two places are on different file systems', () => 'Choose a place on the same one.'],
  EIO: ['the disk or the network file system failed', () => 'Look into the log of the system: dmesg'],
  ESTALE: ['the network file system lost the file', () => 'Run the same command again.'],
  ETXTBSY: ['the program is being written', () => 'Run the same command again.'],
};

/**
 * A refusal of the operating system (a missing file, no permission, a full disk) in words for a user; undefined for any other error.
 *
 * @param flag option that named the path, as typed.
 */
export function systemFault(error: unknown, flag?: string): InputError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (code === undefined || syscall === undefined || typeof code !== 'string') return undefined;
  const file = dest ?? path;
  const [meaning, next] = refusals[code] ?? [error.message, undefined];
  const what = syscall.startsWith('spawn') ? `the program cannot be started: ${meaning}` : meaning;
  return new InputError(what, {
    ...(file !== undefined && { file: flag === undefined ? file : `${flag}: ${file}` }),
    got: code,
    ...(next && { next: next(file === undefined ? '.' : shellCommand([file])) }),
  });
}

/** What an error says to a user. */
export function messageOf(error: unknown): string {
  const shown = systemFault(error) ?? error;
  return shown instanceof Error ? shown.message : String(shown);
}
