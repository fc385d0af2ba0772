import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import { lineReporter, type Reporter } from '../events.ts';
import { JobPaused } from '../jobs/job.ts';
import { lockFolder } from '../lib/lock.ts';
import { appendText } from '../lib/own_files.ts';
import { formatDuration, printable } from '../text.ts';
import { describeRun } from './description.ts';
import { OriginalProcess } from './original_process.ts';
import { planRun } from './plan.ts';
import { RemainingTime } from './remaining_time.ts';
import type { RunSettings } from './settings.ts';
import { type StageName, type Step, StepMarks, type StepState, stageNames, titleOf } from './step.ts';

/** Which steps of a run are wanted. */
export interface StepSelection {
  /** Begin with this stage; those before it must be complete. */
  readonly from?: StageName;
  /** Only this stage; those before it must be complete. */
  readonly only?: StageName;
  /** Repeat the chosen stages even if they are complete. */
  readonly force?: boolean;
}

/** A step and whether it is done. */
export interface PlannedStep {
  readonly step: Step;
  readonly state: StepState;
}

/** A step failed. The message says which one, where its log is and what to type next. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** The steps of a run and their states, for `--list`. */
export function listSteps(run: RunSettings): PlannedStep[] {
  const marks = new StepMarks(run.folder.steps);
  return planRun(run).map((step) => ({ step, state: marks.state(step) }));
}

/**
 * Runs, in order, those of `steps` (default: all of the run) that are not done. Repeating a step invalidates everything made from its
 * results.
 *
 * @throws InputError if an earlier stage is not complete or another process works in the folder, JobPaused after `signal`, StepFailed.
 */
export async function runSteps(
  run: RunSettings,
  { from, only, force = false }: StepSelection,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
  steps: readonly Step[] = planRun(run),
): Promise<void> {
  describeRun(run);
  const unlock = lockFolder(run.folder.root, { work: 'works in this run folder' });
  const python = new OriginalProcess(run, report);
  try {
    const marks = new StepMarks(run.folder.steps);
    const [first, last] = bounds(from, only);
    const chosen = steps.filter((step) => within(step, first, last));
    requireEarlier(run, steps, marks, first);
    if (force) for (const step of chosen) marks.forget(step);
    const time = new RemainingTime();
    for (const step of steps)
      if (marks.state(step) === 'done') time.finished(step, marks.seconds(step) ?? step.seconds);
    for (const [position, step] of chosen.entries()) {
      if (marks.state(step) === 'done') continue;
      if (signal.aborted) throw new JobPaused();
      const left = chosen.slice(position).filter((one) => marks.state(one) !== 'done');
      const share = `${chosen.length - left.length + 1}/${chosen.length}`;
      report({ kind: 'message', text: `[${share}] ${titleOf(step)}; about ${formatDuration(time.of(left))} left` });
      // Before anything changes: what was made from its earlier result no longer counts as done, even if this process is killed.
      for (const other of steps) if (dependsOn(other, step)) marks.forget(other);
      const begun = performance.now();
      await runStep(run, step, marks, python, { report, signal });
      time.finished(step, (performance.now() - begun) / 1000);
    }
  } finally {
    await python.close();
    unlock();
  }
}

async function runStep(
  run: RunSettings,
  step: Step,
  marks: StepMarks,
  python: OriginalProcess,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<void> {
  const log = run.folder.log(step.stage);
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
    const context = { report: both, signal, original: () => python.original(), facts: () => python.facts() };
    await unlessAborted(Promise.resolve(step.run(context)), signal, step);
    const seconds = (performance.now() - begun) / 1000;
    marks.finish(step, seconds);
    write(`${titleOf(step)}: done, ${seconds.toFixed(1)} s`);
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

function bounds(from: StageName | undefined, only: StageName | undefined): [first: number, last: number] {
  if (only !== undefined) return [stageNames.indexOf(only), stageNames.indexOf(only)];
  return [from === undefined ? 0 : stageNames.indexOf(from), stageNames.length - 1];
}

function within({ stage }: Step, first: number, last: number): boolean {
  const position = stageNames.indexOf(stage);
  return position >= first && position <= last;
}

function requireEarlier(run: RunSettings, steps: readonly Step[], marks: StepMarks, first: number): void {
  const open = steps.find((step) => stageNames.indexOf(step.stage) < first && marks.state(step) !== 'done');
  if (open === undefined) return;
  throw new InputError('an earlier stage is not complete', {
    file: run.folder.root,
    where: titleOf(open),
    got: { begun: 'an interrupted step', open: 'a step that has not run with these settings', done: '' }[
      marks.state(open)
    ],
    next: 'Leave out --from and --only: finished steps are not repeated.',
  });
}

/** Whether a step reads, directly or not, what another one makes. */
function dependsOn(step: Step, other: Step): boolean {
  return step.needs.some((need) => need === other || dependsOn(need, other));
}
