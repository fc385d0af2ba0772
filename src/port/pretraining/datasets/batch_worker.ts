/** The thread of `BatchStream`: draws batches from a copy of the random state, at most `readAhead` more than were taken. */
import { parentPort } from 'node:worker_threads';
import { RandomState } from '../../../lib/numpy/random.ts';
import { packError, workerInput } from '../../../lib/worker.ts';
import type { WorkerMessage, WorkerTask } from './batch_messages.ts';
import { drawBatches } from './generators.ts';
import { patientsAheadFor } from './patients_ahead.ts';

const { spec, state, readAhead } = workerInput<WorkerTask>();
const port = parentPort!;
const random = new RandomState(0);
random.setState(state);
const ahead = patientsAheadFor(spec);
const batches = drawBatches(spec, random, ahead && ((id, asking, next) => ahead.load(id, asking, next)));
let allowed = readAhead;
let ended = false;

function send(message: WorkerMessage): void {
  const transfer: ArrayBuffer[] = [];
  if (message.kind === 'batch') {
    const { x, y } = message.batch;
    const arrays = 'context' in x ? [x.context, x.samples, y] : [x, y];
    transfer.push(...arrays.map(({ data }) => data.buffer as ArrayBuffer));
  }
  port.postMessage(message, transfer);
}

function work(): void {
  while (allowed > 0 && !ended) {
    allowed--;
    try {
      const { done, value } = batches.next();
      ended = done === true;
      if (ended) ahead?.close();
      send(
        done ? { kind: 'end', state: random.getState() } : { kind: 'batch', batch: value, state: random.getState() },
      );
    } catch (error) {
      ended = true;
      ahead?.close();
      send({ kind: 'error', error: packError(error) });
    }
  }
}

port.on('message', () => {
  allowed++;
  work();
});
work();
