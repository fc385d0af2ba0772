import { fileURLToPath } from 'node:url';
import { WorkerLost, WorkerProcess } from '../compare/workers/process.ts';
import { messageOf } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { root } from '../lib/installation.mjs';
import { ownModule } from '../lib/own_module.ts';
import { type FurtherEvent, type FurtherReply, type FurtherRequest, sent } from './further_messages.ts';
import { type Progress, StepFailed } from './run_task.ts';
import type { RunSettings } from './settings.ts';
import { titleOf } from './step.ts';
import type { TaskQueue } from './task_queue.ts';
import type { Task } from './tasks.ts';

/** What a further process of a run shares with the first one. */
export interface FurtherWork {
  readonly queue: TaskQueue;
  readonly report: Reporter;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Path of the worker's module; default the one that runs tasks. */
  readonly module?: string | undefined;
}

const workerModule = fileURLToPath(ownModule(new URL('./further_worker.ts', import.meta.url)));

/** A further process of a run, with a Python of its own. It takes suites and short trainings of the original from the queue until none is left. */
export class FurtherProcess {
  readonly #run: RunSettings;
  readonly #work: FurtherWork;
  readonly #process: WorkerProcess<FurtherRequest, FurtherReply>;
  #task: Task | undefined;
  #isClosing = false;

  constructor(run: RunSettings, work: FurtherWork) {
    this.#run = run;
    this.#work = work;
    this.#process = new WorkerProcess({
      module: work.module ?? workerModule,
      cwd: root,
      // Only events of this project's own worker arrive here.
      heard: (event) => this.#heard(event as FurtherEvent),
    });
  }

  /** Never throws: the run does not depend on this process, and what it cannot do the first one does. */
  async work(): Promise<void> {
    const { queue, report, signal } = this.#work;
    try {
      await this.#process.ask({ kind: 'open', run: sent(this.#run) });
      while (!signal.aborted) {
        this.#task = queue.takeShared();
        if (this.#task) await this.#do(this.#task);
        else if (queue.hasShared && !queue.failure) await queue.change(signal);
        else return;
      }
    } catch (error) {
      if (signal.aborted || this.#isClosing) return;
      report({ kind: 'warning', text: `the run goes on with a process less: ${messageOf(error)}` });
    }
  }

  /** Ends the process and its Python. What it has not finished the next run does again. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#process.close(5000);
  }

  /** Throws WorkerLost if the process has died. */
  async #do(task: Task): Promise<void> {
    const { queue } = this.#work;
    try {
      await this.#process.ask({ kind: 'run', task: task.id });
      queue.finished(task);
    } catch (error) {
      if (error instanceof WorkerLost) {
        queue.giveBack(task);
        throw error;
      }
      queue.failed(task, new StepFailed(messageOf(error)));
    }
  }

  #heard(event: FurtherEvent): void {
    const { report, progress } = this.#work;
    if (!('step' in event)) {
      report(event);
      return;
    }
    const step = this.#task?.steps.find((one) => titleOf(one) === event.step);
    if (step === undefined) return;
    if (event.kind === 'begins') progress.begins(step, report);
    else progress.finished(step, event.seconds);
  }
}
