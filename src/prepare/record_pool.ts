import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { ResamplerChoice } from '../lib/samplerate/resample.ts';
import { startWorker, unpackError } from '../lib/worker.ts';
import type { Note } from '../recordings/recordings.ts';
import type { RecordPlan } from './record_transform.ts';
import type { RecordWorkerMessage, RecordWorkerTask } from './record_worker.ts';

/** Finished recordings that may wait per thread: enough to keep every thread busy, few enough to limit memory. */
const AHEAD = 4;

/**
 * Reads and transforms recordings on threads, and yields them in the order of `paths`.
 *
 * @throws what `prepareRecording` throws, when it is that recording's turn.
 */
export async function* prepareRecordings(
  paths: readonly string[],
  plan: RecordPlan,
  {
    threads,
    resampler,
    note,
  }: { readonly threads: number; readonly resampler: ResamplerChoice; readonly note?: (note: Note) => void },
): AsyncGenerator<NdArray<'float32' | 'float64'>, void, undefined> {
  const task: RecordWorkerTask = { plan, resampler };
  const count = Math.max(1, Math.min(threads, paths.length));
  const idle = Array.from({ length: count }, () => startWorker(new URL('./record_worker.ts', import.meta.url), task));
  const workers = [...idle];
  const running: Promise<RecordWorkerMessage>[] = [];
  const free: ((worker: Worker) => void)[] = [];
  const start = async (path: string): Promise<RecordWorkerMessage> => {
    const worker = idle.pop() ?? (await new Promise<Worker>((resolve) => free.push(resolve)));
    try {
      worker.postMessage(path);
      // `once` rejects if the thread itself fails.
      const [message] = (await once(worker, 'message')) as [RecordWorkerMessage];
      return message;
    } finally {
      const next = free.shift();
      if (next) next(worker);
      else idle.push(worker);
    }
  };
  try {
    let begun = 0;
    for (let done = 0; done < paths.length; done++) {
      for (; begun < Math.min(paths.length, done + count * AHEAD); begun++) {
        const answer = start(paths[begun]);
        // The error is thrown when it is this recording's turn; until then it must not count as unhandled.
        answer.catch(() => {});
        running.push(answer);
      }
      const message = await running.shift()!;
      if ('error' in message) throw unpackError(message.error);
      for (const each of message.notes) note?.(each);
      yield message.signal;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
