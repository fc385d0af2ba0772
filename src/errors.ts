import { oneLine, shellCommand } from './text.ts';

/** Description of bad input: what it is, where it is, and what to do next. */
export interface Problem {
  /** File (or other source) with the fault. */
  readonly file?: string;
  /** Place inside the file: record, field, byte offset, line. */
  readonly where?: string;
  /** What was found. */
  readonly got?: string;
  /** What would have been correct. */
  readonly expected?: string;
  /** The next command or action for the user. */
  readonly next?: string;
}

/** Input that cannot be used. The message says what was got, what was expected, where, and what to do next. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  readonly problem: Problem;

  constructor(summary: string, problem: Problem = {}) {
    super(describe(summary, problem));
    this.problem = problem;
  }
}

/** Largest number of characters that a message quotes from a file. */
const longest = 400;

function brief(text: string): string {
  const shown = oneLine(text);
  if (shown.length <= longest) return shown;
  return `${shown.slice(0, longest)}… (${shown.length.toLocaleString('en')} characters)`;
}

/** A command line that cannot be parsed or executed as typed. The program ends with exit code 2, as with argparse. */
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

/** What an error of the operating system means for a user, and what helps, by error code. `path` is quoted for a shell. */
const refusals: Readonly<Record<string, readonly [meaning: string, next: (path: string) => string]>> = {
  ENOENT: ['there is no such file or folder', (path) => `Check the path: ls -d ${path}`],
  EACCES: ['permission denied', (path) => `See who may use it: ls -ld ${path}`],
  EPERM: ['the system does not allow this', (path) => `See who may use it: ls -ld ${path}`],
  ENOTDIR: ['a part of the path is a file, not a folder', () => 'Check the path.'],
  EISDIR: ['this is a folder, not a file', (path) => `See what it holds: ls ${path}`],
  EEXIST: ['a file or folder of this name exists already', (path) => `See what is there: ls -ld ${path}`],
  ENOTEMPTY: ['the folder is not empty', (path) => `See what it holds: ls -A ${path}`],
  ENOSPC: ['there is no room on the disk', (path) => `Make room (df -h ${path}), then run the same command again.`],
  EDQUOT: ['the disk quota is used up', () => 'Make room (quota -s), then run the same command again.'],
  EFBIG: [
    'the file is larger than the file system or ulimit -f allows',
    () => 'Choose a place on another file system.',
  ],
  EROFS: ['the file system is read-only', () => 'Choose a place on a writable file system.'],
  ELOOP: ['the symbolic links form a loop', (path) => `See where they lead: ls -l ${path}`],
  ENAMETOOLONG: ['the name is too long', () => 'Choose a shorter one (255 bytes for each part of a path).'],
  EMFILE: ['too many files are open', () => 'Allow more: ulimit -n 4096'],
  ENFILE: ['too many files are open on this machine', () => 'Close other programs.'],
  EBUSY: ['the file is in use', () => 'Close the program that uses it, then run the same command again.'],
  EXDEV: ['the two places are on different file systems', () => 'Choose a place on the same one.'],
  EIO: ['the disk or the network file system failed', () => 'See the system log: dmesg'],
  ESTALE: ['the network file system lost the file', () => 'Run the same command again.'],
  ETXTBSY: ['the program is being written', () => 'Run the same command again.'],
};

/**
 * Explains an error of the operating system (a missing file, no permission, a full disk) to a user; undefined for any other error.
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

/** The message of an error for a user. */
export function messageOf(error: unknown): string {
  const shown = systemFault(error) ?? error;
  return shown instanceof Error ? shown.message : String(shown);
}
