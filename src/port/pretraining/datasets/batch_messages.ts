import type { MT19937State } from '../../../lib/numpy/random.ts';
import type { ErrorMessage } from '../../../lib/worker.ts';
import type { FrameBatch } from './batches.ts';
import type { StreamSpec } from './generators.ts';

/** What the thread is given. */
export interface WorkerTask {
  readonly spec: StreamSpec;
  readonly state: MT19937State;
  /** Batches that it may make before it is told `more`. */
  readonly readAhead: number;
}

/** What the thread sends: a batch with the state of the draws after it, the end, or an error. */
export type WorkerMessage =
  | { readonly kind: 'batch'; readonly batch: FrameBatch; readonly state: MT19937State }
  | { readonly kind: 'end'; readonly state: MT19937State }
  | { readonly kind: 'error'; readonly error: ErrorMessage };
