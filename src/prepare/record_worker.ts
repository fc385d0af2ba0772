/** Thread of `prepareRecordings`: reads and transforms recordings one by one, as their paths arrive. */
import { parentPort } from 'node:worker_threads';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { openResampler, type ResamplerChoice } from '../lib/samplerate/resample.ts';
import { type ErrorMessage, packError, workerInput } from '../lib/worker.ts';
import type { Note } from '../recordings/recordings.ts';
import { prepareRecording, type RecordPlan } from './record_transform.ts';

/** Input of the thread. */
export interface RecordWorkerTask {
  readonly plan: RecordPlan;
  readonly resampler: ResamplerChoice;
}

/** Answer of the thread to each path. */
export type RecordWorkerMessage =
  | { readonly signal: NdArray<'float32' | 'float64'>; readonly notes: readonly Note[] }
  | { readonly error: ErrorMessage };

const { plan, resampler: choice } = workerInput<RecordWorkerTask>();
const port = parentPort!;
const resampler = openResampler(choice);

port.on('message', async (path: string) => {
  try {
    const notes: Note[] = [];
    const signal = prepareRecording(path, plan, await resampler, (note) => notes.push(note));
    // A view of a larger buffer is copied, because only whole buffers can be transferred.
    const data = signal.data.byteLength === signal.data.buffer.byteLength ? signal.data : signal.data.slice();
    const message: RecordWorkerMessage = { signal: { ...signal, data }, notes };
    port.postMessage(message, [data.buffer as ArrayBuffer]);
  } catch (error) {
    port.postMessage({ error: packError(error) } satisfies RecordWorkerMessage);
  }
});
