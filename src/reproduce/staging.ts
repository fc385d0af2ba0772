import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';
import { InputError, UsageError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { inputOptions } from '../jobs/inputs.ts';
import { type JobOptions, JobPaused } from '../jobs/job.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { gigabytes } from '../text.ts';
import type { RunSettings } from './settings.ts';

/** The folder of `--stage` on this machine: the same text with the values of environment variables. Throws a UsageError if one is not set. */
export function stageFolder(text: string, env: NodeJS.ProcessEnv = process.env): string {
  return text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, plain: string | undefined, braced: string | undefined) => {
    const name = plain ?? braced ?? '';
    const value = env[name];
    if (value) return value;
    throw new UsageError(`--stage: the environment variable ${name} is not set on this machine`, {
      got: `--stage '${text}'`,
      next: 'Name another folder, or leave --stage out.',
    });
  });
}

interface Watch {
  readonly report: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Copies of a task's inputs in a folder of its own, on a disk of the machine that runs the task. A copy is made when a job first needs it. `remove` deletes
 * them all; if the process is killed, they stay.
 */
export class StagedInputs {
  readonly #base: string;
  readonly #copies = new Map<string, string>();
  #folder: string | undefined;

  /** @param base existing or new folder. */
  constructor(base: string) {
    this.#base = base;
  }

  /**
   * The options of a job with copies of its inputs. The job describes itself by the originals.
   *
   * @throws InputError if there is not enough room, JobPaused after `signal`.
   */
  async of<O extends JobOptions>(options: O, watch: Watch): Promise<O & Pick<JobOptions, 'originals'>> {
    const given = new Map<string, unknown>(Object.entries(options));
    const staged: Record<string, string> = {};
    const originals: Record<string, string> = {};
    for (const name of inputOptions) {
      const path = given.get(name);
      if (typeof path !== 'string') continue;
      staged[name] = await this.path(path, watch);
      originals[staged[name]] = path;
    }
    return { ...options, ...staged, originals };
  }

  /** The copy of a file or a folder. Throws as `of` does. */
  async path(original: string, watch: Watch): Promise<string> {
    const known = this.#copies.get(original);
    if (known !== undefined) return known;
    this.#folder ??= this.#make();
    const copy = await copyTree(original, join(this.#folder, String(this.#copies.size)), watch);
    this.#copies.set(original, copy);
    return copy;
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
    this.#copies.clear();
  }

  #make(): string {
    try {
      mkdirSync(this.#base, { recursive: true });
      return mkdtempSync(join(this.#base, 'ecg-transplant-stage-'));
    } catch (error) {
      throw new InputError('--stage: nothing can be written into the folder', {
        file: this.#base,
        got: (error as NodeJS.ErrnoException).code ?? 'an error',
        next: 'Name another folder, or leave --stage out.',
      });
    }
  }
}

/** Copies of the inputs for one task of a run, if it asks for them. */
export function stagedInputs({ stage }: Pick<RunSettings, 'stage'>): StagedInputs | undefined {
  return stage === undefined ? undefined : new StagedInputs(stageFolder(stage));
}

/** Copies a file, or a folder with all that links in it lead to, into a new folder. Returns the copy's path, which ends as the original's. */
async function copyTree(original: string, folder: string, { report, signal }: Watch): Promise<string> {
  const isFolder = statSync(original).isDirectory();
  const files = isFolder
    ? globSync('**', { cwd: original, dot: true, followSymbolicLinks: true, expandDirectories: false })
    : [''];
  const sizes = files.map((file) => statSync(join(original, file)).size);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  mkdirSync(folder);
  const free = freeBytes(folder);
  if (bytes > free) {
    throw new InputError('--stage: the disk has no room for a copy of the inputs', {
      file: dirname(folder),
      got: `${gigabytes(free)} free`,
      expected: `${gigabytes(bytes)} for ${original}`,
      next: 'Name another folder, or leave --stage out.',
    });
  }
  // Readers tell formats by the last part of a path.
  const copy = join(folder, basename(original));
  const task = `Copying ${original}`;
  report({ kind: 'start', task, total: bytes, unit: 'bytes' });
  let done = 0;
  for (const [i, file] of files.entries()) {
    if (signal.aborted) throw new JobPaused();
    const target = join(copy, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(original, file), target);
    done += sizes[i];
    report({ kind: 'progress', task, done });
  }
  report({ kind: 'end', task });
  return copy;
}
