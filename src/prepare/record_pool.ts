import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { ResamplerChoice } from '../lib/samplerate/resample.ts';
import { startWorker, unpackError } from '../lib/worker.ts';
import type { Note } from '../recordings/recordings.ts';
import { type RecordPlan, recordingsTogether } from './record_transform.ts';
import type { RecordWorkerAnswer, RecordWorkerTask } from './record_worker.ts';

/** Tasks that may wait or be finished per thread: enough to keep every thread busy, few enough to limit memory. */
const AHEAD = 4;

/**
 * Reads and transforms recordings on threads, and yields them in the order of `paths`.
 *
 * @throws the error of a recording, when it is its turn.
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
  const input: RecordWorkerTask = { plan, resampler };
  const count = Math.max(1, Math.min(threads, paths.length));
  const idle = Array.from({ length: count }, () => startWorker(new URL('./record_worker.ts', import.meta.url), input));
  const workers = [...idle];
  const running: Promise<readonly RecordWorkerAnswer[]>[] = [];
  const free: ((worker: Worker) => void)[] = [];
  const start = async (task: readonly string[]): Promise<readonly RecordWorkerAnswer[]> => {
    const worker = idle.pop() ?? (await new Promise<Worker>((resolve) => free.push(resolve)));
    try {
      worker.postMessage(task);
      // `once` rejects if the thread itself fails.
      const [answers] = (await once(worker, 'message')) as [readonly RecordWorkerAnswer[]];
      return answers;
    } finally {
      const next = free.shift();
      if (next) next(worker);
      else idle.push(worker);
    }
  };
  let longest: number | undefined;
  try {
    for (let begun = 0; begun < paths.length || running.length > 0; ) {
      while (begun < paths.length && running.length < count * AHEAD) {
        // Towards the end tasks are small, so that all threads end at about the same time.
        const size = Math.max(
          1,
          Math.min(recordingsTogether(longest), Math.floor((paths.length - begun) / (2 * count))),
        );
        const answers = start(paths.slice(begun, begun + size));
        // The error is thrown when it is this recording's turn; until then it must not count as unhandled.
        answers.catch(() => {});
        running.push(answers);
        begun += size;
      }
      for (const answer of await running.shift()!) {
        if ('error' in answer) throw unpackError(answer.error);
        for (const each of answer.notes) note?.(each);
        longest = Math.max(longest ?? 0, answer.signal.data.length);
        yield answer.signal;
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
