import type { Reporter } from '../events.ts';
import { JobPaused } from '../jobs/job.ts';
import { OriginalProcess } from './original_process.ts';
import { planRun } from './plan.ts';
import { chosenSteps, prepareRun, type StepSelection } from './prepare_run.ts';
import { RunProgress, runTask } from './run_task.ts';
import type { RunSettings } from './settings.ts';
import { type Step, StepMarks, type StepState } from './step.ts';

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

/**
 * Runs those of `steps` (default: all of the run) that are chosen and not done, task after task. Repeating a step invalidates everything made from its
 * results.
 *
 * @throws InputError if an earlier stage is not complete or another process works in the folder, JobPaused after `signal`, StepFailed.
 */
export async function runSteps(
  run: RunSettings,
  selection: StepSelection,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
  steps: readonly Step[] = planRun(run),
): Promise<void> {
  const tasks = prepareRun(run, selection, steps);
  const chosen = chosenSteps(steps, selection);
  const progress = new RunProgress(new StepMarks(run.folder.steps), steps, chosen);
  const python = new OriginalProcess(run, report);
  try {
    for (const task of tasks) {
      if (signal.aborted) throw new JobPaused();
      await runTask(run, task, { report, signal, chosen, python, progress });
    }
  } finally {
    await python.close();
  }
}
