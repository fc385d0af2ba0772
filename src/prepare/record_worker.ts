/** Thread of `prepareRecordings`: reads and transforms recordings, a few at a time, as their paths arrive. */
import { parentPort } from 'node:worker_threads';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { openResampler, type ResamplerChoice } from '../lib/samplerate/resample.ts';
import { type ErrorMessage, packError, workerInput } from '../lib/worker.ts';
import type { Note } from '../recordings/recordings.ts';
import { prepareTogether, type RecordPlan } from './record_transform.ts';

/** Input of the thread. */
export interface RecordWorkerTask {
  readonly plan: RecordPlan;
  readonly resampler: ResamplerChoice;
}

/** Answer of the thread for each path. */
export type RecordWorkerAnswer =
  | { readonly signal: NdArray<'float32' | 'float64'>; readonly notes: readonly Note[] }
  | { readonly error: ErrorMessage };

const { plan, resampler: choice } = workerInput<RecordWorkerTask>();
const port = parentPort!;
const resampler = openResampler(choice);

port.on('message', async (paths: readonly string[]) => {
  let answers: RecordWorkerAnswer[];
  try {
    const notes = paths.map((): Note[] => []);
    const outcomes = prepareTogether(paths, plan, await resampler, (note, place) => notes[place].push(note));
    answers = outcomes.map((outcome, i) =>
      'error' in outcome
        ? { error: packError(outcome.error) }
        : { signal: { ...outcome.signal, data: whole(outcome.signal.data) }, notes: notes[i] },
    );
  } catch (error) {
    answers = paths.map(() => ({ error: packError(error) }));
  }
  const buffers = answers.flatMap((answer) => ('signal' in answer ? [answer.signal.data.buffer as ArrayBuffer] : []));
  port.postMessage(answers, buffers);
});

/** A view of a larger buffer is copied, because only whole buffers can be transferred. */
function whole(data: Float32Array | Float64Array): Float32Array | Float64Array {
  return data.byteLength === data.buffer.byteLength ? data : data.slice();
}
