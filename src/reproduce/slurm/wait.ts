import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Reporter } from '../../events.ts';
import type { RunSettings } from '../settings.ts';
import { type Slurm, SlurmError } from './client.ts';
import { type RunStatus, statusOf, summaryOf } from './status.ts';

/** Milliseconds between two looks at the queue: more would burden the controller. */
const interval = 15_000;

/** Looks without an answer after which waiting makes no sense: a controller that is started anew is back before that. */
const mostFailures = 20;

/**
 * Shows the progress of a run until none of its tasks is in the queue.
 *
 * @returns the last state; undefined if `signal` ended the waiting.
 */
export async function waitForRun(
  run: RunSettings,
  client: Slurm,
  { report, signal, every = interval }: { report: Reporter; signal: AbortSignal; every?: number },
): Promise<RunStatus | undefined> {
  let failures = 0;
  let shown = '';
  const task = 'Tasks on Slurm';
  let begun = false;
  while (!signal.aborted) {
    try {
      const status = await statusOf(run, client);
      failures = 0;
      const done = status.tasks.filter(({ state }) => state === 'done').length;
      if (!begun) report({ kind: 'start', task, total: status.tasks.length, unit: 'tasks' });
      begun = true;
      const summary = summaryOf(status);
      report({ kind: 'progress', task, done, detail: summary });
      for (const { task: failed, detail } of status.tasks.filter(({ state }) => state === 'failed')) {
        const line = `${failed.id} failed: ${detail}`;
        if (!shown.includes(line)) report({ kind: 'warning', text: line });
        shown += `${line}\n`;
      }
      if (!status.tasks.some(({ state }) => state === 'running' || state === 'pending')) {
        report({ kind: 'end', task, detail: summary });
        return status;
      }
    } catch (error) {
      if (!(error instanceof SlurmError) || ++failures >= mostFailures) throw error;
      if (failures === 1) report({ kind: 'warning', text: `${messageOf(error)} Trying again.` });
    }
    await delay(every, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
