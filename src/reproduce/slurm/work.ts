import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { InputError, messageOf, UsageError } from '../../errors.ts';
import type { Reporter } from '../../events.ts';
import { JobPaused } from '../../jobs/job.ts';
import { pausedCode } from '../../lib/ending_signals.ts';
import { FolderBusy } from '../../lib/lock.ts';
import type { RunSettings } from '../settings.ts';
import type { Task } from '../tasks.ts';
import type { Slurm } from './client.ts';
import { SlurmFiles, type TaskRecord } from './files.ts';
import { progressOf } from './progress.ts';

/** Starts from one place after which a task is given up: the first and two restarts. */
const mostStarts = 3;

const lockInterval = 5000;

export interface WorkContext {
  readonly client: Slurm;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Runs the task in this process. Throws JobPaused after `signal`. Returns the exit code. */
  run(): Promise<number>;
  /** Milliseconds between two looks whether another process still works on the task; default 5 s. */
  readonly every?: number;
}

/**
 * Runs a task of a run within a job of Slurm. Writes what becomes of it for `--status`. A task that has to stop for the time limit goes back into the
 * queue, unless it has started three times from the same place.
 *
 * @returns exit code: 0 done, 75 paused, 2 failed; that of `run` for the last task.
 */
export async function workUnderSlurm(run: RunSettings, task: Task, context: WorkContext): Promise<number> {
  const files = new SlurmFiles(run.folder);
  const { job, log } = placeOf(files, context.env);
  const before = files.record(task.id);
  const progress = progressOf(run, task);
  const starts = before?.progress === progress ? before.starts + 1 : 1;
  const begun: TaskRecord = { format: 1, job, host: hostname(), state: 'running', progress, starts, log };
  const end = (state: TaskRecord['state'], reason?: string): void =>
    files.writeRecord(task.id, { ...begun, state, ...(reason !== undefined && { reason }) });
  const fail = (reason: string): number => {
    end('failed', reason);
    context.report({ kind: 'warning', text: `${task.id}: ${reason}` });
    return 2;
  };
  if (starts > mostStarts) return fail(`${mostStarts - 1} restarts without progress (${progress})`);
  end('running');
  try {
    const code = await whenFree(context);
    end('done');
    return code;
  } catch (error) {
    if (!(error instanceof JobPaused)) {
      end('failed', messageOf(error));
      throw error;
    }
  }
  const signal = String(context.signal.reason);
  // Slurm sends TERM when it cancels, requeues or preempts a job, and does itself what is to follow.
  if (signal !== 'SIGUSR1' && signal !== 'SIGUSR2') {
    end('paused', `Slurm ended it (${signal})`);
    context.report({ kind: 'message', text: `${task.id}: paused by ${signal}` });
    return pausedCode;
  }
  if (!task.resumes) return fail('it reached the time limit, and has to be done in one go: give it more --time');
  if (progressOf(run, task) === progress && starts >= mostStarts) {
    return fail(`${mostStarts - 1} restarts without progress (${progress}): give it more --time`);
  }
  end('paused', 'the time limit');
  await requeue(task, job, context);
  return pausedCode;
}

function placeOf(files: SlurmFiles, env: NodeJS.ProcessEnv): { readonly job: string; readonly log: string } {
  const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: index, SLURM_JOB_NAME: name } = env;
  const submission = files.submissions().find((one) => files.jobName(one) === name);
  if (array === undefined || index === undefined || submission === undefined) {
    throw new UsageError('--engine slurm --run-task is for the scripts that the engine submits', {
      got: `SLURM_ARRAY_JOB_ID=${array ?? ''}, SLURM_JOB_NAME=${name ?? ''}`,
      next: 'To run one task yourself, leave out --engine slurm.',
    });
  }
  return { job: `${array}_${index}`, log: files.log(submission, Number(index)) };
}

/** After a node has failed, Slurm may start a task although its first process still runs. */
async function whenFree({ run, report, signal, every = lockInterval }: WorkContext): Promise<number> {
  for (let first = true; ; first = false) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof FolderBusy)) throw error;
      if (first) report({ kind: 'message', text: `${error.message.replace(/\. Wait .*$/s, '')}. Waiting for it.` });
    }
    await delay(every, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new JobPaused();
  }
}

async function requeue(task: Task, job: string, { client, report }: WorkContext): Promise<void> {
  try {
    report({ kind: 'message', text: `${task.id}: back into the queue (job ${job})` });
    await client.requeue(job);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    report({
      kind: 'warning',
      text: `${task.id}: ${messageOf(error)} The state is saved; submit the run again, and the task goes on.`,
    });
  }
}
