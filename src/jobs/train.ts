import { type FitOptions, fit } from '../graph/fit.ts';
import type { Session } from '../graph/session.ts';
import type { Logs } from '../lib/keras/callbacks.ts';
import { TensorBoard } from '../lib/keras/tensorboard.ts';
import type { EventLog } from './event_log.ts';
import { type Job, JobPaused } from './job.ts';
import { percent } from './progress.ts';

/** The part of a training run that differs between trainers. */
export interface TrainOptions
  extends Pick<
    FitOptions,
    | 'batches'
    | 'frozenEpochs'
    | 'learningRate'
    | 'steps'
    | 'epochs'
    | 'validation'
    | 'callbacks'
    | 'saveWeights'
    | 'signal'
    | 'saveInterval'
  > {
  readonly log: EventLog;
}

/**
 * Trains as a job: resumes from its checkpoint if it has one, and writes checkpoints, TensorBoard files and the event log. Throws JobPaused
 * if `signal` stops it.
 */
export async function train(
  job: Job,
  session: Session,
  { log, saveInterval = 600_000, ...options }: TrainOptions,
): Promise<readonly Logs[]> {
  const board = new TensorBoard(job.path('tensorboard'));
  const callbacks = [...options.callbacks, board, log];
  job.restore(session, callbacks);
  try {
    const { history, waiting, paused } = await fit(session, {
      ...options,
      callbacks,
      state: job.state?.fit,
      report: log.report,
      save: (state) => job.save(session, state, callbacks),
      saveInterval,
    });
    if (!Number.isNaN(waiting)) {
      log.report({ kind: 'message', text: `Waited for data: ${percent(waiting)} of the training time` });
    }
    if (paused) throw new JobPaused();
    return history;
  } finally {
    board.close();
  }
}
