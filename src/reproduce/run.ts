import type { Reporter } from '../events.ts';
import { JobPaused } from '../jobs/job.ts';
import { FurtherProcess } from './further_process.ts';
import { OriginalProcess } from './original_process.ts';
import { planRun } from './plan.ts';
import { chosenSteps, prepareRun, type StepSelection } from './prepare_run.ts';
import { RunProgress, runTask } from './run_task.ts';
import type { RunSettings } from './settings.ts';
import { type Step, StepMarks, type StepState } from './step.ts';
import { isShareable, TaskQueue } from './task_queue.ts';

/** A step and whether it is done. */
export interface PlannedStep {
  readonly step: Step;
  readonly state: StepState;
}

/** The steps of a run and their states, for `--list`. */
export function listSteps(run: RunSettings): PlannedStep[] {
  const marks = new StepMarks(run.folder.steps);
  return planRun(run).map((step) => ({ step, state: marks.state(step) }));
}

/** How a run is done. */
export interface RunOptions {
  readonly report: Reporter;
  /** Pauses the run. */
  readonly signal: AbortSignal;
  /** Number of processes, each with a Python of its own; the second and further ones take suites and short trainings of the original. Default 1. */
  readonly workers?: number;
  /** Path of the module of the further processes; default the one that runs tasks. */
  readonly furtherModule?: string;
}

/** Seconds of shareable tasks for which it is worth starting a further process, which takes about ten. */
const worthwhile = 40;

/**
 * Runs those of `steps` (default: all of the run) that are chosen and not done, task after task; with several workers, suites and short
 * trainings of the original beside the other tasks.
 * Repeating a step invalidates everything made from its results.
 *
 * @throws InputError if an earlier stage is not complete or another process works in the folder, JobPaused after `signal`, StepFailed.
 */
export async function runSteps(
  run: RunSettings,
  selection: StepSelection,
  { report, signal, workers = 1, furtherModule: module }: RunOptions,
  steps: readonly Step[] = planRun(run),
): Promise<void> {
  const tasks = prepareRun(run, selection, steps);
  const chosen = chosenSteps(steps, selection);
  const shareable = tasks.filter(isShareable);
  const seconds = shareable.reduce((sum, task) => sum + task.seconds, 0);
  const further = seconds < worthwhile ? 0 : Math.min(workers - 1, shareable.length);
  const progress = new RunProgress(new StepMarks(run.folder.steps), steps, chosen, further + 1);
  const queue = new TaskQueue(tasks);
  const python = new OriginalProcess(run, report);
  const processes = Array.from(
    { length: further },
    () => new FurtherProcess(run, { queue, report, progress, signal, module }),
  );
  for (const process of processes) process.work();
  try {
    while (!queue.isDone) {
      if (signal.aborted) throw new JobPaused();
      const task = queue.take();
      if (task !== undefined) {
        await runTask(run, task, { report, signal, chosen, python, progress });
        queue.finished(task);
      } else {
        if (queue.failure) throw queue.failure;
        await queue.change(signal);
      }
    }
  } finally {
    await Promise.all([python.close(), ...processes.map((process) => process.close())]);
  }
}
