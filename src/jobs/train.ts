import { type FitOptions, fit } from '../graph/fit.ts';
import type { Session } from '../graph/session.ts';
import type { Logs } from '../lib/keras/callbacks.ts';
import { TensorBoard } from '../lib/keras/tensorboard.ts';
import { type Job, JobPaused } from './job.ts';
import type { Journal } from './journal.ts';
import { percent } from './progress.ts';

/** What a trainer says about its training; the rest is the same for all jobs. */
export interface TrainOptions
  extends Pick<
    FitOptions,
    'batches' | 'steps' | 'epochs' | 'validation' | 'callbacks' | 'saveWeights' | 'signal' | 'saveInterval'
  > {
  readonly journal: Journal;
}

/**
 * Trains as a job: from its checkpoint if it has one, with checkpoints of its own, TensorBoard files and the journal. Throws JobPaused
 * when `signal` came first.
 */
export async function train(
  job: Job,
  session: Session,
  { journal, saveInterval = 600_000, ...options }: TrainOptions,
): Promise<readonly Logs[]> {
  const board = new TensorBoard(job.path('tensorboard'));
  const callbacks = [...options.callbacks, board, journal];
  job.restore(session, callbacks);
  try {
    const { history, waiting, paused } = await fit(session, {
      ...options,
      callbacks,
      state: job.state?.fit,
      report: journal.report,
      save: (state) => job.save(session, state, callbacks),
      saveInterval,
    });
    if (!Number.isNaN(waiting)) {
      journal.report({ kind: 'message', text: `Waited for data: ${percent(waiting)} of the training time` });
    }
    if (paused) throw new JobPaused();
    return history;
  } finally {
    board.close();
  }
}
