import { join } from 'node:path';
import { object } from 'valibot';
import { type Reporter, reporterFor } from '../events.ts';
import {
  configFile,
  isComplete,
  type JobKind,
  type JobOptions,
  JobPaused,
  readConfig,
  requireSameJob,
} from '../jobs/job.ts';
import {
  defaultsOf,
  type FlagTable,
  optionName,
  optionsSchema,
  parseDuration,
  parseFlags,
  requireFlags,
} from '../jobs/options.ts';
import { faultOf } from '../lib/json/file.ts';
import { throwFault } from '../lib/json/text.ts';
import { print, printError } from '../output.ts';
import { formatDuration } from '../reproduce/remaining_time.ts';
import { PauseSignals, pausedCode } from './ending_signals.ts';

/** A trainer behind a command line. */
export interface JobCommand {
  readonly kind: JobKind;
  readonly flags: FlagTable;
  /** Options as the job's `config.json` keeps them; default as given. */
  settle?(options: JobOptions): JobOptions;
  start(options: JobOptions, context: { report: Reporter; signal: AbortSignal }): Promise<unknown>;
}

/** Runs a job by its command line; resolves to the exit code. */
export async function runJob({ kind, flags, settle, start }: JobCommand, args: readonly string[]): Promise<number> {
  const { given, ignored } = parseFlags(args, flags);
  const report = reporterFor();
  // Quirk Q41: unknown words are ignored; the original says nothing.
  if (ignored.length > 0) report({ kind: 'warning', text: `ignored on the command line: ${ignored.join(' ')}` });
  const options = optionsOf(given, kind, flags);
  requireFlags(Object.fromEntries(Object.keys(flags).map((flag) => [flag, options[optionName(flag)]])), flags);
  const { maxTime, saveEvery, verbose: _verbose, ...jobOptions } = options;
  const { jobDir, epochs = 1, resume, force } = jobOptions as unknown as JobOptions;
  const limit = maxTime === undefined ? undefined : parseDuration('--max-time', String(maxTime));
  const saveInterval = saveEvery === undefined ? undefined : parseDuration('--save-every', String(saveEvery));
  if (resume && !force && isComplete(jobDir, epochs)) {
    const asked = jobOptions as unknown as JobOptions;
    requireSameJob(kind, settle?.(asked) ?? asked, defaultsOf(flags));
    print(`${jobDir}: the job is complete\n`);
    return 0;
  }
  if (limit !== undefined) report({ kind: 'message', text: pauseText(String(maxTime), limit) });
  if (saveInterval !== undefined) {
    const text = `--save-every ${saveEvery}: a checkpoint every ${formatDuration(saveInterval / 1000)} within an epoch`;
    report({ kind: 'message', text });
  }
  const pause = new PauseSignals(limit);
  try {
    await start({ ...(jobOptions as unknown as JobOptions), saveInterval }, { report, signal: pause.signal });
    print(`${jobDir}: the job is complete\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof JobPaused)) throw error;
    printError(`${jobDir}: paused (${pause.signal.reason}), all is saved. Go on: the same command with --resume\n`);
    return pausedCode;
  } finally {
    pause.dispose();
  }
}

/** Options by their names in the API; a job that goes on has those of its `config.json` where none are given. */
function optionsOf(given: Readonly<Record<string, unknown>>, kind: JobKind, flags: FlagTable): Record<string, unknown> {
  const options = Object.fromEntries(Object.entries(given).map(([flag, value]) => [optionName(flag), value]));
  if (!options.resume || typeof options.jobDir !== 'string') return options;
  const { resume: _resume, saveInterval: _interval, ...begun } = readConfig(options.jobDir, kind)?.options ?? {};
  const fault = faultOf({ options: begun }, object({ options: optionsSchema(flags) }), 'the description of the job');
  if (fault) throwFault(fault, join(options.jobDir, configFile), 'Put the file back as it was.');
  return { ...begun, ...options };
}

/** When a limit on time pauses the job, in local time. */
function pauseText(text: string, limit: number): string {
  const time = new Date(Date.now() + limit).toLocaleString('sv-SE');
  return `--max-time ${text}: pauses after ${formatDuration(limit / 1000)}, at ${time}`;
}
