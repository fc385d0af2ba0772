import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { chooserOf } from '../graph/convolutions.ts';
import type { FitState } from '../graph/fit.ts';
import { describeSpeeds, fasterFormat, isSlow, measureFormats } from '../graph/format_speed.ts';
import { measuredConvolutions } from '../graph/kernel_table.ts';
import type { ChooseKernels, Convolution, KernelChoice } from '../graph/kernels.ts';
import type { Precision, PrecisionChoice } from '../graph/precision.ts';
import { runtime } from '../graph/runtime.ts';
import type { Session } from '../graph/session.ts';
import { isAddress, withoutChecksum } from '../lib/address.ts';
import { flagOf } from '../lib/argparse/flags.ts';
import { readJson, writeJson } from '../lib/json/file.ts';
import { type Callback, CSVLogger } from '../lib/keras/callbacks.ts';
import { lockFolder } from '../lib/lock.ts';
import { RandomState, random } from '../lib/numpy/random.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { isTemporary, writeFileAtomic } from '../lib/python/atomic_file.ts';
import { differences, environment } from './environment.ts';
import { describeInputs, inputOptions, type Originals, requireSameInputs } from './inputs.ts';
import { completeSchema, configSchema, type JobConfig, type JobKind } from './job_files.ts';
import type { OptimizerOptions } from './optimizer_options.ts';
import { type CallbackMemory, readState, restoreVariables, type SavedState, writeState } from './saved_state.ts';
import type { ScheduleOptions } from './schedule.ts';

/** Options that both trainers share. */
export interface JobOptions extends OptimizerOptions, ScheduleOptions {
  /** Output folder, created. */
  readonly jobDir: string;
  readonly epochs?: number;
  /** Seed of NumPy; 0 means no seed (Quirk Q42). */
  readonly seed?: number;
  /** Seed of what the original leaves to chance: initial weights, the order of training samples, dropout. */
  readonly initSeed?: number;
  /** Number formats of the computation; default `float32`. `auto`: see `Job.precision`. */
  readonly precision?: PrecisionChoice;
  /** Kernels of convolutions; default `usual`, those of the original. `auto`: see `Job.begin`. */
  readonly kernels?: KernelChoice;
  /** Continue from the last checkpoint in the folder, or start if there is none. */
  readonly resume?: boolean;
  /** Start again in the folder of an earlier job and replace its files. */
  readonly force?: boolean;
  /**
   * The devices that share every batch: a number of GPUs (default 1), `all`, or `cpu:N`, which computes on the CPU what N GPUs would compute.
   * With several, training has the semantics of tf_keras's MirroredStrategy; see docs/jobs.md.
   */
  readonly devices?: number | string;
  /** Milliseconds between checkpoints within an epoch; default ten minutes. */
  readonly saveInterval?: number;
  /** Paths or addresses where inputs that are copies come from, by the path of the copy. The job describes itself by them. */
  readonly originals?: Originals;
}

export type { JobConfig, JobKind } from './job_files.ts';

/** Default values of options, by name. */
export type Defaults = Readonly<Record<string, string | number>>;

/** Options that name files or folders, and options that may change when a job is resumed. */
const paths = [...inputOptions, 'cacheVal'];
const free = ['jobDir', 'epochs', 'resume', 'saveInterval'];

/** Name of the file in a job folder that describes the job. */
export const configFile = 'config.json';

/** Name of the page about a finished job. */
export const reportFile = 'report.html';

const names = { config: configFile, state: 'checkpoint.npz', done: 'complete.json', history: 'history.csv' };

/** The place from which a job would go on: whole epochs, and steps of the next one. Undefined without a checkpoint that can be read. */
export function placeOfJob(jobDir: string): { readonly epoch: number; readonly step: number } | undefined {
  const file = join(jobDir, names.state);
  if (!existsSync(file)) return undefined;
  try {
    const { epoch, step } = readState(file).fit;
    return { epoch, step };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** Thrown when a job has been paused and its state saved. */
export class JobPaused extends Error {
  override readonly name = 'JobPaused';
}

/** A training job and its folder. */
export class Job {
  readonly dir: string;
  readonly config: JobConfig;
  /** The state to resume from; undefined for a new job. */
  readonly state: SavedState | undefined;

  readonly #unlock: () => void;
  readonly #originals: Originals | undefined;
  #measuredKernels: JobConfig['measuredKernels'];

  private constructor(
    dir: string,
    config: JobConfig,
    state: SavedState | undefined,
    { unlock, originals }: { readonly unlock: () => void; readonly originals?: Originals },
  ) {
    this.#unlock = unlock;
    this.#originals = originals;
    this.dir = dir;
    this.config = config;
    this.state = state;
    this.#measuredKernels = config.measuredKernels;
  }

  /**
   * Opens and locks a job folder; `run` unlocks it. Nothing of an earlier job changes before `begin`. With `resume` the job continues where the earlier one stopped.
   * Seeds NumPy's global generator and reports the seed.
   *
   * @throws InputError if the folder holds a job and neither `resume` nor `force` is set, or if `resume` is set and options or inputs have changed.
   */
  static open(kind: JobKind, options: JobOptions, report: Reporter, defaults: Defaults = {}): Job {
    checkOutputFolder(options.jobDir, { flag: '--job-dir' });
    mkdirSync(options.jobDir, { recursive: true });
    const unlock = lockFolder(options.jobDir);
    try {
      return Job.#openLocked(kind, options, report, defaults, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  static #openLocked(
    kind: JobKind,
    options: JobOptions,
    report: Reporter,
    defaults: Defaults,
    unlock: () => void,
  ): Job {
    const dir = options.jobDir;
    removeUnfinishedFiles(dir);
    requireFileNames(dir);
    const stateFile = join(dir, names.state);
    const hasState = existsSync(stateFile);
    if (options.resume && options.force) {
      throw new InputError('--resume continues a job, --force starts it again', { expected: 'one of them' });
    }
    const complete = isComplete(dir);
    if ((hasState || complete) && !options.resume && !options.force) {
      throw new InputError(`the folder holds ${complete ? 'a complete' : 'an unfinished'} job`, {
        file: dir,
        next: complete
          ? 'Add --force to replace it, or --resume and more --epochs to train it for longer, or choose another --job-dir.'
          : 'Add --resume to continue it, or --force to start again, or choose another --job-dir.',
      });
    }
    const held = { unlock, originals: options.originals };
    const given = comparable(options);
    const present = environment();
    if (hasState && options.resume) {
      const config = readConfig(dir, kind);
      if (config === undefined) {
        throw new InputError('the description of the job is missing', {
          file: join(dir, names.config),
          next: 'Restore it, or remove the folder and start again.',
        });
      }
      if (config.options.kernels === 'auto' && config.measuredKernels === undefined) {
        throw new InputError('the description of the job does not say which kernels it has chosen', {
          file: join(dir, names.config),
          where: 'measuredKernels',
          next: 'Restore the file, or start again with --force instead of --resume.',
        });
      }
      requireSameOptions(dir, config, given, defaults);
      requireSameInputs(dir, config, given, report, { originals: options.originals });
      const different = differences(config.environment, present);
      if (different) {
        report({ kind: 'warning', text: `the last bits may differ from an uninterrupted run: ${different}` });
      }
      const state = readState(stateFile);
      checkFormat((config.measuredPrecision ?? config.options).precision, options.kernels, report, dir);
      const { epoch, step } = state.fit;
      report({ kind: 'message', text: `Resuming after ${epoch} epochs and ${step} steps. Seed: ${config.seed}` });
      random.seed(config.seed);
      return new Job(dir, config, state, held);
    }
    checkFormat(options.precision, options.kernels, report);
    // Quirk Q42: 0 means no seed.
    const seed = options.seed || random.randint(2 ** 16);
    const initSeed = options.initSeed ?? new RandomState().randint(2 ** 31);
    // `begin` adds the inputs: to read them takes time, and first they are checked against each other.
    const config: JobConfig = {
      format: 1,
      job: kind,
      options: given,
      seed,
      initSeed,
      inputs: {},
      environment: present,
    };
    report({ kind: 'message', text: `Seed: ${seed}` });
    random.seed(seed);
    if (options.precision !== 'auto') return new Job(dir, config, undefined, held);
    const measuredPrecision = measurePrecision(report);
    return new Job(dir, { ...config, measuredPrecision }, undefined, held);
  }

  /**
   * Marks the job as not complete and removes the page about it; a new job also removes an earlier job's checkpoint and writes `config.json`. Call it once the inputs are
   * checked: until then the folder stays as the earlier job left it. With the option `kernels` of `auto`, a new job first measures the `convolutions` of its network.
   */
  begin(convolutions: () => readonly Convolution[], report: Reporter): void {
    if (this.state === undefined && this.config.options.kernels === 'auto') {
      this.#measuredKernels = measureKernels(convolutions, report);
    }
    rmSync(this.path(names.done), { force: true });
    rmSync(this.path(reportFile), { force: true });
    if (this.state !== undefined) return;
    rmSync(this.path(names.state), { force: true });
    writeJson(this.path(names.config), {
      ...this.config,
      ...(this.#measuredKernels && { measuredKernels: this.#measuredKernels }),
      inputs: describeInputs(this.config.options, this.#originals),
    });
  }

  /** Number format of the job. For `auto`, the faster one when the job began. */
  get precision(): Precision {
    const { measuredPrecision, options } = this.config;
    return measuredPrecision?.precision ?? ((options.precision as Precision | undefined) || 'float32');
  }

  /** How the job computes convolutions, once it has begun. */
  get kernelsOf(): ChooseKernels {
    return chooserOf(this.#measuredKernels ?? []);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** The logger of `history.csv`. For a resumed job it first restores the file as it was at the checkpoint. */
  historyLogger(): CSVLogger {
    const file = this.path(names.history);
    const text = this.state?.historyCsv;
    if (text === undefined) return new CSVLogger(file);
    writeFileAtomic(file, text);
    return new CSVLogger(file, text.slice(0, text.indexOf('\r\n')).split(',').slice(1));
  }

  /** Restores a session and the callbacks from the checkpoint; does nothing for a new job. */
  restore(session: Session, callbacks: readonly Callback[]): void {
    if (this.state === undefined) return;
    restoreVariables(this.path(names.state), session);
    const kept = this.state.callbacks;
    if (kept.length > callbacks.length) {
      throw new InputError('the checkpoint belongs to another job', {
        file: this.path(names.state),
        where: 'callbacks',
        got: `${kept.length}`,
        expected: `at most ${callbacks.length}`,
      });
    }
    for (const [i, memory] of kept.entries()) Object.assign(callbacks[i], memory);
  }

  /** Replaces the checkpoint. */
  async save(session: Session, fit: FitState, callbacks: readonly Callback[]): Promise<void> {
    const historyCsv = fit.history.length > 0 ? readFileSync(this.path(names.history), 'utf8') : undefined;
    await writeState(this.path(names.state), session, { fit, callbacks: callbacks.map(memoryOf), historyCsv });
  }

  /** Runs the work, then unlocks the folder. If the disk is full, the error says what is kept and what to do. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') throw error;
      const kept = existsSync(this.path(names.state));
      throw new InputError('there is no room to write', {
        file: path ?? this.dir,
        got: code,
        next: kept
          ? `The last complete checkpoint is kept (${this.path(names.state)}): free some space, then continue with --resume.`
          : 'Free some space and start again.',
      });
    } finally {
      this.#unlock();
    }
  }

  /** Marks the job as complete. This is the last file that it writes. */
  complete(epochs: number): void {
    const marker = { epochs, finished: new Date().toISOString() };
    writeJson(this.path(names.done), marker, 0);
  }
}

/** Whether the folder holds a complete job of at least `epochs` epochs. */
export function isComplete(dir: string, epochs = 0): boolean {
  const file = join(dir, names.done);
  if (!existsSync(file)) return false;
  const what = 'the mark of a complete job';
  const next = 'Remove the file, then continue the job with --resume.';
  return readJson(file, completeSchema, { what, next }).epochs >= epochs;
}

/** The folder's `config.json`, if there is one. Throws an InputError if it cannot be read or is not that of a job of this kind (default: any). */
export function readConfig(dir: string, kind?: JobKind): JobConfig | undefined {
  const file = join(dir, names.config);
  if (!existsSync(file)) return undefined;
  const what = 'the description of the job';
  const next = 'Restore the file, or choose another --job-dir and start again.';
  const config = readJson(file, configSchema, { what, next });
  if (kind !== undefined && config.job !== kind) {
    throw new InputError('the folder belongs to another job', { file, got: config.job, expected: kind });
  }
  return config;
}

/**
 * Throws an InputError for bfloat16 on a processor for which TensorFlow has no bfloat16 kernels, and warns where they are slow. `resumed` is the folder
 * of a job that goes on.
 */
function checkFormat(precision: unknown, kernels: KernelChoice | undefined, report: Reporter, resumed?: string): void {
  if (precision !== 'bfloat16') return;
  const speeds = measureFormats();
  if (kernels !== 'auto' && isSlow(speeds)) {
    const text = `bfloat16 is slow on this processor (${describeSpeeds(speeds)}); a job with --kernels auto computes convolutions in float32`;
    report({ kind: 'warning', text });
  }
  if (speeds.bfloat16 > 0) return;
  throw new InputError('TensorFlow cannot train in bfloat16 on this processor', {
    ...(resumed !== undefined && { file: resumed }),
    expected: 'an x86 processor with AVX-512 or AMX, or a GPU',
    next:
      resumed === undefined
        ? 'Use --precision float32, or auto, which takes the faster format that works.'
        : 'Continue the job on such a machine: a job keeps its number format.',
  });
}

function measurePrecision(report: Reporter): JobConfig['measuredPrecision'] {
  const speeds = measureFormats();
  const precision = fasterFormat(speeds);
  report({ kind: 'message', text: `--precision auto: ${precision} (measured ${describeSpeeds(speeds)})` });
  return { precision, ...speeds };
}

function measureKernels(
  convolutions: () => readonly Convolution[],
  report: Reporter,
): NonNullable<JobConfig['measuredKernels']> {
  if (runtime().usesGpu) {
    report({ kind: 'message', text: '--kernels auto: the usual kernels, because TensorFlow computes on a GPU' });
    return [];
  }
  const given = convolutions();
  const measured = measuredConvolutions(given);
  const others = measured.filter(({ chosen }) => chosen === 'taps').length;
  const what = others === 0 ? 'the usual kernels' : `another kernel for ${others} of ${measured.length} convolutions`;
  const format = given[0].dtype === measured[0].dtype ? '' : 'float32 between conversions, ';
  report({ kind: 'message', text: `--kernels auto: ${format}${what} (config.json has the measured speeds)` });
  return measured;
}

/** Throws an InputError for a folder that has the name of a file that the job writes, perhaps hours later. */
function requireFileNames(dir: string): void {
  const entries = readdirSync(dir, { withFileTypes: true });
  const taken = entries.find((entry) => entry.isDirectory() && /\.(csv|html|json|jsonl|npz|h5)$/.test(entry.name));
  if (taken === undefined) return;
  throw new InputError('this is a folder, but the job writes a file of this name', {
    file: join(dir, taken.name),
    next: 'Move it away, or choose another --job-dir.',
  });
}

/** Removes what a killed process was writing. */
function removeUnfinishedFiles(dir: string): void {
  for (const name of readdirSync(dir).filter(isTemporary)) rmSync(join(dir, name), { force: true });
}

/** Numbers that a callback keeps from epoch to epoch. */
function memoryOf(callback: Callback): CallbackMemory[number] {
  const { best, wait, rate } = callback as { best?: number; wait?: number; rate?: number };
  return {
    ...(best !== undefined && { best }),
    ...(wait !== undefined && { wait }),
    ...(rate !== undefined && { rate }),
  };
}

/** The given options, with absolute paths; of addresses, without checksums. */
function comparable(options: JobOptions): Record<string, unknown> {
  const { force: _force, originals = {}, ...kept } = options;
  const own = (path: string): string => {
    const original = Object.hasOwn(originals, path) ? originals[path] : path;
    return isAddress(original) ? withoutChecksum(original) : resolve(original);
  };
  const entries = Object.entries(kept).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, paths.includes(name) ? own(value as string) : value]),
  );
}

/** Throws an InputError if a complete job has other options, or if one of its inputs has changed. Inputs may be gone: nothing reads them any more. */
export function requireSameJob(kind: JobKind, options: JobOptions, defaults: Defaults = {}): void {
  const config = readConfig(options.jobDir, kind);
  if (config === undefined) return;
  requireSameOptions(options.jobDir, config, comparable(options), defaults);
  requireSameInputs(options.jobDir, config, comparable(options), silent, { mayBeGone: true });
}

/** Whether the learning rates of a job depend on the option: a cosine ends with the last epoch. */
function isScheduled(name: string, { options }: JobConfig): boolean {
  return name === 'epochs' && options.schedule === 'cosine';
}

function requireSameOptions(
  dir: string,
  config: JobConfig,
  given: Readonly<Record<string, unknown>>,
  defaults: Defaults,
): void {
  for (const name of new Set([...Object.keys(config.options), ...Object.keys(given)])) {
    const [got, expected] = [given[name] ?? defaults[name], config.options[name] ?? defaults[name]];
    if (got === expected || (free.includes(name) && !isScheduled(name, config))) continue;
    // Inputs are compared by their content.
    if (inputOptions.includes(name) && got !== undefined && expected !== undefined) continue;
    throw new InputError('a job can only be resumed with the options it started with', {
      file: dir,
      where: flagOf(name),
      got: `${got ?? 'nothing'}`,
      expected: `${expected ?? 'nothing'}`,
      next: 'Leave the option out, choose another --job-dir, or start again with --force instead of --resume',
    });
  }
}
