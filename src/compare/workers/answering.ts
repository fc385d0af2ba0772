import { messageOf } from '../../errors.ts';
import type { WorkerMessage } from './process.ts';

/**
 * Makes this process a worker (see `WorkerProcess`): answers each request with what `handle` returns, or with the message of its error. Ends
 * the process when the one that started it has ended.
 */
export function answerRequests<Request, Reply>(handle: (request: Request) => Promise<Reply>): void {
  process.on('message', (request: Request) => {
    handle(request)
      .catch((error: unknown): WorkerMessage => ({ kind: 'error', message: messageOf(error) }))
      .then((message) => process.send?.(message));
  });
  process.on('disconnect', () => process.exit(0));
}

/** Says something to the process that started this worker, while a request is worked on. */
export function tell(event: unknown): void {
  process.send?.({ kind: 'event', event } satisfies WorkerMessage);
}
