/** Worker process of a reproduction: holds one Python original and runs suites and trainings of the original, one task per request. */
import { answerRequests, tell } from '../compare/workers/answering.ts';
import type { ProgressEvent } from '../events.ts';
import { endingSignals } from '../lib/first_signals.mjs';
import { type FurtherEvent, type FurtherReply, type FurtherRequest, received } from './further_messages.ts';
import { OriginalProcess } from './original_process.ts';
import { type Progress, runTask } from './run_task.ts';
import type { RunSettings } from './settings.ts';
import { titleOf } from './step.ts';
import { planTasks, type Task } from './tasks.ts';

// The terminal sends Ctrl-C to every process. The one that started this worker decides what ends.
for (const name of endingSignals) process.on(name, () => {});

let opened:
  | { readonly run: RunSettings; readonly tasks: readonly Task[]; readonly python: OriginalProcess }
  | undefined;

const say = (event: FurtherEvent): void => tell(event);

/** Bars are left to the first process. */
function report(event: ProgressEvent): void {
  if (event.kind === 'message' || event.kind === 'warning') say(event);
}

const progress: Progress = {
  begins: (step) => say({ kind: 'begins', step: titleOf(step) }),
  finished: (step, seconds) => say({ kind: 'finished', step: titleOf(step), seconds }),
};

async function handle(request: FurtherRequest): Promise<FurtherReply> {
  if (request.kind === 'open') {
    const run = received(request.run);
    const python = new OriginalProcess(run, report);
    await python.original();
    opened = { run, tasks: planTasks(run), python };
    return { kind: 'opened' };
  }
  const task = opened?.tasks.find(({ id }) => id === request.task);
  if (opened === undefined || task === undefined)
    throw new Error(`asked for the task ${request.task}, which is unknown`);
  const { run, python } = opened;
  // The process that started this one ends it; nothing is saved in the middle of such a task.
  await runTask(run, task, { report, signal: new AbortController().signal, python, progress });
  return { kind: 'ran' };
}

answerRequests(handle);
