import { join } from 'node:path';
import { object } from 'valibot';
import { InputError } from '../errors.ts';
import { type Reporter, reporterFor, silent } from '../events.ts';
import { type Address, isAddress, readAddress } from '../lib/address.ts';
import { parseKnown } from '../lib/argparse/command_line.ts';
import { defaultsOf, type FlagTable, flagOf, requireFlags } from '../lib/argparse/flags.ts';
import { duration } from '../lib/argparse/types.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { faultOf } from '../lib/json/file.ts';
import { throwFault } from '../lib/json/text.ts';
import { print, printError } from '../output.ts';
import { formatDuration } from '../text.ts';
import { optionsSchema } from './flags.ts';
import { configFile, isComplete, type JobKind, type JobOptions, JobPaused, readConfig, requireSameJob } from './job.ts';

/** What the help of both trainers says after their flags. */
export function jobNotes(flags: FlagTable): string {
  const additions = Object.keys(flags).filter((name) => flags[name].addition);
  return `As in the original, unknown options are ignored (here with a warning), and options may be abbreviated, except those that the original does
not have: ${additions.map(flagOf).join(', ')}.

After Ctrl-C, SIGTERM, SIGUSR1 or --max-time the job finishes the step, saves, and exits with code 75; the same command with --resume
continues to the same results, bit for bit. docs/jobs.md describes the files in a job folder.`;
}

/** A trainer as a program. */
export interface JobProgram<O extends JobOptions> {
  readonly kind: JobKind;
  readonly flags: FlagTable;
  /** Options as the job's `config.json` keeps them; default as given. */
  settle?(options: O): O;
  start(options: O, context: { readonly report: Reporter; readonly signal: AbortSignal }): Promise<unknown>;
}

/** Fetches an input; resolves to the path of a local copy. */
export type FetchInput = (
  address: Address,
  watch: { readonly report: Reporter; readonly signal: AbortSignal },
) => Promise<string>;

/** What a command line asks for: the job, and limits on time as they were typed. */
export interface ParsedJob<O> {
  readonly options: O;
  readonly maxTime?: string;
  readonly saveEvery?: string;
}

/** Reads a trainer's command line. Throws a UsageError if that cannot be done. */
export function parseJob<O extends JobOptions>(
  { kind, flags }: JobProgram<O>,
  argv: readonly string[],
  report: Reporter = silent,
): ParsedJob<O> {
  const { given, ignored } = parseKnown(argv, flags);
  // Quirk Q41: unknown words are ignored; the original says nothing.
  if (ignored.length > 0) report({ kind: 'warning', text: `ignored on the command line: ${ignored.join(' ')}` });
  const all = optionsOf(given, kind, flags);
  requireFlags(all, flags);
  const { maxTime, saveEvery, verbose: _verbose, ...options } = all as Record<string, string | undefined>;
  const saveInterval = saveEvery === undefined ? undefined : duration.read(saveEvery, '--save-every');
  return { options: { ...options, saveInterval } as unknown as O, maxTime, saveEvery };
}

/**
 * Runs a job by its command line; resolves to the exit code.
 *
 * @param fetchInput fetches weights that are named by an address.
 */
export async function runJob<O extends JobOptions>(
  program: JobProgram<O>,
  argv: readonly string[],
  fetchInput?: FetchInput,
): Promise<number> {
  const report = reporterFor();
  const { options, maxTime, saveEvery } = parseJob(program, argv, report);
  const { jobDir, epochs = 1, resume, force, saveInterval } = options;
  const limit = maxTime === undefined ? undefined : duration.read(maxTime, '--max-time');
  if (resume && !force && isComplete(jobDir, epochs)) {
    requireSameJob(program.kind, program.settle?.(options) ?? options, defaultsOf(program.flags));
    print(`${jobDir}: the job is complete\n`);
    return 0;
  }
  if (limit !== undefined) report({ kind: 'message', text: pauseText(`${maxTime}`, limit) });
  if (saveInterval !== undefined) {
    const text = `--save-every ${saveEvery}: a checkpoint every ${formatDuration(saveInterval / 1000)} within an epoch`;
    report({ kind: 'message', text });
  }
  const pause = new PauseSignals(limit);
  try {
    const watch = { report, signal: pause.signal };
    const local = fetchInput === undefined ? options : await withFetched(program.kind, options, fetchInput, watch);
    await program.start(local, watch);
    print(`${jobDir}: the job is complete\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof JobPaused)) throw error;
    printError(
      `${jobDir}: paused (${pause.signal.reason}), all is saved. To continue, run the same command with --resume\n`,
    );
    return pausedCode;
  } finally {
    pause.dispose();
  }
}

/** The options with a local copy of weights that are named by an address. A job that goes on takes the bytes with which it began. */
async function withFetched<O extends JobOptions>(
  kind: JobKind,
  options: O,
  fetchInput: FetchInput,
  watch: Parameters<FetchInput>[1],
): Promise<O> {
  const { weightsFile, jobDir, resume } = options as O & { readonly weightsFile?: string };
  if (weightsFile === undefined || !isAddress(weightsFile)) return options;
  const address = readAddress(weightsFile, 'file', '--weights-file');
  const { inputs = {} } = (resume ? readConfig(jobDir, kind) : undefined) ?? {};
  const known = Object.hasOwn(inputs, address.text) ? inputs[address.text] : undefined;
  const sha256 = typeof known === 'object' ? known.sha256 : undefined;
  if (sha256 !== undefined && address.sha256 !== undefined && sha256 !== address.sha256) {
    throw new InputError('the job began with other weights', {
      file: jobDir,
      where: '--weights-file',
      got: `SHA-256 ${address.sha256}`,
      expected: sha256,
      next: 'Leave the option out, choose another --job-dir, or start again with --force instead of --resume',
    });
  }
  let copy: string;
  try {
    copy = await fetchInput({ ...address, ...(sha256 !== undefined && { sha256 }) }, watch);
  } catch (error) {
    throw watch.signal.aborted ? new JobPaused() : error;
  }
  return { ...options, weightsFile: copy, originals: { ...options.originals, [copy]: address.text } };
}

/** Options by their names in the API. A resumed job takes those that are not given from its `config.json`. */
function optionsOf(given: Readonly<Record<string, unknown>>, kind: JobKind, flags: FlagTable): Record<string, unknown> {
  if (!given.resume || typeof given.jobDir !== 'string') return given;
  const { resume: _resume, saveInterval: _interval, ...begun } = readConfig(given.jobDir, kind)?.options ?? {};
  const fault = faultOf({ options: begun }, object({ options: optionsSchema(flags) }), 'the description of the job');
  if (fault) throwFault(fault, join(given.jobDir, configFile), 'Restore the file.');
  return { ...begun, ...given };
}

/** Says when the time limit will pause the job, in local time. */
function pauseText(text: string, limit: number): string {
  const time = new Date(Date.now() + limit).toLocaleString('sv-SE');
  return `--max-time ${text}: pauses after ${formatDuration(limit / 1000)}, at ${time}`;
}
