import type { MT19937State } from '../../../lib/numpy/random.ts';
import type { ErrorMessage } from '../../../lib/worker.ts';
import type { FrameBatch } from './batches.ts';
import type { StreamSpec } from './generators.ts';

/** Input of the thread. */
export interface WorkerTask {
  readonly spec: StreamSpec;
  readonly state: MT19937State;
  /** Batches that it may make before it gets a message that asks for more. */
  readonly readAhead: number;
}

/** Output of the thread: a batch and the random state after it, the end, or an error. */
export type WorkerMessage =
  | { readonly kind: 'batch'; readonly batch: FrameBatch; readonly state: MT19937State }
  | { readonly kind: 'end'; readonly state: MT19937State }
  | { readonly kind: 'error'; readonly error: ErrorMessage };
