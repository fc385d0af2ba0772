import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../errors.ts';
import { lineReporter, type Reporter } from '../events.ts';
import { JobPaused } from '../jobs/job.ts';
import { appendText } from '../lib/own_files.ts';
import { formatDuration, printable } from '../text.ts';
import { requireDescribed } from './description.ts';
import { OriginalProcess } from './original_process.ts';
import { lockTask } from './prepare_run.ts';
import { RemainingTime } from './remaining_time.ts';
import type { RunSettings } from './settings.ts';
import { type StagedInputs, stagedInputs } from './staging.ts';
import { type Step, type StepContext, StepMarks, type StepState, titleOf } from './step.ts';
import { isShareable } from './task_queue.ts';
import type { Task } from './tasks.ts';

/** What running a task may use. */
export interface TaskContext {
  readonly report: Reporter;
  /** Pauses the task. */
  readonly signal: AbortSignal;
  /** Only those of these steps that belong to the task; default all of the task. */
  readonly chosen?: readonly Step[];
  /** The Python process to use. Default: one of the task's own, if it needs one. */
  readonly python?: OriginalProcess;
  /** Says what is to be done; default: the steps of the task. */
  readonly progress?: Progress;
}

/** A step failed. The message says which one, where its log is and what to type next. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** Is told before and after each step. */
export interface Progress {
  begins(step: Step, report: Reporter): void;
  finished(step: Step, seconds: number): void;
}

/** Says before each step which one it is, and for how long the work will still take. */
export class RunProgress implements Progress {
  readonly #time = new RemainingTime();
  readonly #marks: StepMarks;
  readonly #chosen: readonly Step[];
  readonly #processes: number;
  #begun: number;

  /**
   * @param all steps whose times show how fast this machine is.
   * @param chosen those that are to be done.
   * @param processes number of processes that share what can be shared.
   */
  constructor(marks: StepMarks, all: readonly Step[], chosen: readonly Step[], processes = 1) {
    this.#marks = marks;
    this.#chosen = chosen;
    this.#processes = processes;
    this.#begun = chosen.filter((one) => marks.state(one) === 'done').length;
    this.#time.learn(all, marks);
  }

  begins(step: Step, report: Reporter): void {
    const left = this.#chosen.filter((one) => one === step || this.#marks.state(one) !== 'done');
    const alone = left.filter(({ task, seconds }) => !isShareable({ kind: task.kind, seconds }));
    const seconds = Math.max(this.#time.of(alone), this.#time.of(left) / this.#processes);
    const share = `${++this.#begun}/${this.#chosen.length}`;
    report({ kind: 'message', text: `[${share}] ${titleOf(step)}; about ${formatDuration(seconds)} left` });
  }

  finished(step: Step, seconds: number): void {
    this.#time.finished(step, seconds);
  }
}

/**
 * Runs those steps of a task that are not done. Several processes may run tasks of one run at the same time. The results of other tasks that it reads must be
 * there: a scheduler may start a task although one before it has failed.
 *
 * @returns whether there was anything to do.
 * @throws InputError if another process works on the task or the folder was not prepared for this run, JobPaused after `signal`, StepFailed.
 */
export async function runTask(run: RunSettings, task: Task, context: TaskContext): Promise<boolean> {
  const { report, signal, chosen } = context;
  const marks = new StepMarks(run.folder.steps);
  requireDescribed(run);
  const unlock = lockTask(run, task.id);
  const python = context.python ?? new OriginalProcess(run, report);
  let staged: StagedInputs | undefined;
  try {
    const left = task.steps.filter((step) => chosen?.includes(step) !== false && marks.state(step) !== 'done');
    if (left.length === 0) return false;
    requireResults(run, task, left, marks);
    staged = stagedInputs(run);
    const progress = context.progress ?? new RunProgress(marks, task.steps, left);
    for (const step of left) {
      if (signal.aborted) throw new JobPaused();
      progress.begins(step, report);
      progress.finished(step, await runStep(run, step, marks, python, { report, signal, staged }));
    }
    return true;
  } finally {
    if (context.python === undefined) await python.close();
    staged?.remove();
    unlock();
  }
}

/** Names the tasks whose results are missing. */
function requireResults(run: RunSettings, task: Task, steps: readonly Step[], marks: StepMarks): void {
  const wanted = new Set(steps.flatMap(({ needs }) => needs).filter((need) => need.task.id !== task.id));
  const missing = [...wanted].filter((need) => !marks.isComplete(need));
  if (missing.length === 0) return;
  const words: Record<StepState, string> = { begun: 'interrupted', open: 'not begun', done: '' };
  const states = new Map<string, StepState>();
  for (const step of missing) if (states.get(step.task.id) !== 'begun') states.set(step.task.id, marks.state(step));
  const lines = [...states].map(([id, state]) => {
    const log = state === 'begun' ? `; log: ${run.folder.log(id)}` : '';
    return `  ${id}: ${words[state]}${log}`;
  });
  const count =
    lines.length === 1 ? 'a task is not done whose results' : `${lines.length} tasks are not done whose results`;
  throw new StepFailed(
    `${task.id}: ${count} it reads:\n${lines.join('\n')}\nDo what is missing, and this task, with the same command as before: ${run.command}`,
  );
}

/** Runs a step; returns the seconds that it took. */
async function runStep(
  run: RunSettings,
  step: Step,
  marks: StepMarks,
  python: OriginalProcess,
  { report, signal, staged }: Pick<StepContext, 'report' | 'signal' | 'staged'>,
): Promise<number> {
  const log = run.folder.log(step.task.id);
  const write = logOf(log);
  const lines = lineReporter(write);
  const both: Reporter = (event) => {
    report(event);
    lines(event);
  };
  write(`${titleOf(step)}: begin`);
  marks.begin(step);
  const begun = performance.now();
  try {
    const context = { report: both, signal, staged, original: () => python.original(), facts: () => python.facts() };
    await unlessAborted(Promise.resolve(step.run(context)), signal, step);
    const seconds = (performance.now() - begun) / 1000;
    marks.finish(step, seconds);
    write(`${titleOf(step)}: done, ${seconds.toFixed(1)} s`);
    return seconds;
  } catch (error) {
    const reason = messageOf(error);
    write(
      `${titleOf(step)}: ${error instanceof JobPaused ? 'paused' : (error instanceof Error && error.stack) || reason}`,
    );
    if (error instanceof JobPaused) throw error;
    throw new StepFailed(
      `${titleOf(step)}: ${reason}\nLog: ${log}\nOnce the problem is fixed, continue with the same command: ${run.command}`,
      {
        cause: error,
      },
    );
  }
}

/** After a signal the port saves its state. The original cannot, so nothing waits for it. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal, { stage }: Step): Promise<void> {
  if (stage !== 'original') return work;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new JobPaused());
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
    // Whatever Python still answers is ignored.
    work.catch(() => {});
  }
}

function logOf(file: string): (line: string) => void {
  mkdirSync(dirname(file), { recursive: true });
  return (line) => appendText(file, `${new Date().toISOString()} ${printable(line)}\n`);
}
