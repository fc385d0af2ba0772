import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import type { FlagTable, Values } from '../lib/argparse/flags.ts';
import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { heedSignals, type PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { print } from '../output.ts';
import type { StepSelection } from '../reproduce/prepare_run.ts';
import type { RunSettings } from '../reproduce/settings.ts';
import { cancelRun } from '../reproduce/slurm/cancel.ts';
import { SlurmClient } from '../reproduce/slurm/client.ts';
import { SlurmFiles } from '../reproduce/slurm/files.ts';
import { formatPlan } from '../reproduce/slurm/listing.ts';
import { sbatchOptions } from '../reproduce/slurm/options.ts';
import { formatStatus, statusOf } from '../reproduce/slurm/status.ts';
import { type SubmitOptions, submitRun } from '../reproduce/slurm/submit.ts';
import { waitForRun } from '../reproduce/slurm/wait.ts';

/** Flags of `reproduce` for a cluster with Slurm. */
export const slurmFlags = {
  engine: {
    value: 'NAME',
    type: oneOf(['local', 'slurm']),
    default: 'local',
    help: 'local: run everything in this process; slurm: submit job arrays to Slurm and return (docs/cluster.md)',
  },
  slurmArgs: {
    value: 'OPTIONS',
    help: 'options of sbatch for tasks that need a GPU, with =: --slurm-args="--partition gpu --gres gpu:1 --time 24:00:00"',
  },
  slurmArgsCpu: {
    value: 'OPTIONS',
    help: 'options of sbatch for the other tasks',
    defaultText: 'those of --slurm-args',
  },
  slurmMaxParallel: {
    value: 'N',
    type: wholeNumber(1, 100_000),
    help: 'largest number of trainings at a time',
    defaultText: 'as many as Slurm starts',
  },
  wait: {
    help: 'show the progress until the report is there, and exit with its verdict; Ctrl-C leaves the jobs alone',
  },
  status: { help: 'show what is done, running, pending and why, missing and failed, and exit' },
  cancel: { help: "cancel the run's jobs; those that run save their state first" },
} as const satisfies FlagTable;

type SlurmValues = Pick<Values<typeof slurmFlags>, keyof typeof slurmFlags> & { readonly list?: boolean };

/** Options that belong to one call; the command that continues a run leaves them out. */
export const slurmOnce = ['--wait', '--status', '--cancel'];

/** What is to be done with Slurm. */
export interface SlurmRequest {
  readonly work: 'list' | 'submit' | 'status' | 'cancel';
  readonly wait: boolean;
  readonly options: Omit<SubmitOptions, 'selection'>;
}

/** Says how to write options whose value begins with a dash: argparse takes such a word for the next flag. */
export function requireEquals(args: readonly string[]): void {
  const i = args.findIndex((word, at) => /^--slurm-args(-cpu)?$/.test(word) && args[at + 1]?.startsWith('-'));
  if (i < 0) return;
  throw new UsageError(`${args[i]}: write = before the value, since it begins with a dash`, {
    got: `${args[i]} "${args[i + 1]}"`,
    expected: `${args[i]}="${args[i + 1]}"`,
  });
}

/** What the flags ask of Slurm; undefined if they ask nothing. Throws a UsageError if they contradict each other. */
export function slurmRequest(values: SlurmValues): SlurmRequest | undefined {
  const { engine, slurmArgs, slurmArgsCpu, slurmMaxParallel, wait, status, cancel, list } = values;
  const asked = [list && '--list', status && '--status', cancel && '--cancel', wait && '--wait'].filter(Boolean);
  if (asked.length > 1) {
    throw new UsageError(`${asked.join(' and ')} exclude each other`, { next: 'Type one of them.' });
  }
  const stray = [
    slurmArgs !== undefined && '--slurm-args',
    slurmArgsCpu !== undefined && '--slurm-args-cpu',
    slurmMaxParallel !== undefined && '--slurm-max-parallel',
    wait && '--wait',
  ].find((flag) => flag !== false);
  if (engine !== 'slurm' && stray !== undefined && !status && !cancel) {
    throw new UsageError(`${stray} is for Slurm`, { next: `Add --engine slurm, or leave ${stray} out.` });
  }
  if (engine !== 'slurm' && !status && !cancel) return undefined;
  const gpu = sbatchOptions(slurmArgs ?? '', '--slurm-args');
  const cpu = slurmArgsCpu === undefined ? gpu : sbatchOptions(slurmArgsCpu, '--slurm-args-cpu');
  return {
    work: list ? 'list' : status ? 'status' : cancel ? 'cancel' : 'submit',
    wait: wait ?? false,
    options: { gpu, cpu, ...(slurmMaxParallel !== undefined && { maxParallel: slurmMaxParallel }) },
  };
}

/** Shows the arrays of a run. */
export function listSlurm(run: RunSettings, { options }: SlurmRequest): number {
  print(formatPlan(run, options.maxParallel));
  return 0;
}

/** Does what is asked; returns the exit code, or `done` if the run is complete and its report is to be shown. */
export async function onSlurm(
  run: RunSettings,
  { work, wait, options }: SlurmRequest,
  { selection, pause }: { readonly selection: StepSelection; readonly pause: PauseSignals },
): Promise<number | 'done'> {
  const client = new SlurmClient();
  const report = reporterFor();
  if (work === 'status') {
    print(`${formatStatus(run, await statusOf(run, client))}\n`);
    return 0;
  }
  if (work === 'cancel') {
    const count = await cancelRun(run, client);
    print(
      count === 0
        ? 'No task of this run is in the queue.\n'
        : `${count} tasks cancelled; those that ran save their state. To go on: ${new SlurmFiles(run.folder).commandOf(run)}\n`,
    );
    return 0;
  }
  const { arrays, queued } = await submitRun(run, { ...options, selection }, client, report, pause.signal);
  const count = arrays.reduce((sum, { tasks }) => sum + tasks.length, 0);
  if (count === 0 && queued === 0) return 'done';
  const before = queued === 0 ? '' : `; ${queued} were in the queue already`;
  print(
    count === 0 ? `Nothing to submit: ${queued} tasks are in the queue.\n` : `${count} tasks submitted${before}.\n`,
  );
  if (!wait) {
    print(`See them: ${run.command} --status\nEnd them: ${run.command} --cancel\n`);
    return 0;
  }
  pause.dispose();
  return waitFor(run, client);
}

async function waitFor(run: RunSettings, client: SlurmClient): Promise<number | 'done'> {
  const stop = new AbortController();
  const ignore = heedSignals(() => stop.abort());
  try {
    const status = await waitForRun(run, client, { report: reporterFor(), signal: stop.signal });
    if (status === undefined) {
      print(
        `The tasks go on without this command.\nSee them: ${run.command} --status\nEnd them: ${run.command} --cancel\n`,
      );
      return pausedCode;
    }
    if (status.tasks.every(({ state }) => state === 'done')) return 'done';
    print(`${formatStatus(run, status)}\n`);
    return 2;
  } finally {
    ignore();
  }
}
