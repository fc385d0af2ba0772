import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { type Reporter, reporterFor, silent } from '../../../events.ts';
import { startWorker, unpackError } from '../../../lib/worker.ts';
import { unzipPatientData } from '../../transplant/datasets/icentia11k.ts';
import type { UnzipMessage, UnzipTask } from './unzip_worker.ts';

/** Options of `unzipIcentia11k`; names and defaults are those of the original. */
export interface UnzipOptions {
  /** Threads (processes in the original); 1 works in the calling thread. */
  readonly numWorkers?: number;
  /** Patients handed to a thread at a time. */
  readonly patientsPerWorker?: number;
  /** Show progress on standard error. */
  readonly verbose?: boolean;
  /** Receives the progress instead. */
  readonly report?: Reporter;
}

/**
 * Converts patients of Icentia11k from the zipped form (`ppppp_batched.pkl.gz`, `ppppp_batched_lbls.pkl.gz`) to the unzipped form
 * (`ppppp_batched.npy`, `ppppp_batched_lbls.npz`). Twin of `pretraining.utils.unzip_icentia11k`.
 *
 * @param outDir Created if missing.
 * @throws what `unzipPatientData` throws for the first patient that cannot be converted; files that are written stay.
 */
export async function unzipIcentia11k(
  dbDir: string,
  patientIds: Iterable<number>,
  outDir: string,
  options: UnzipOptions = {},
): Promise<void> {
  const { numWorkers = 1, patientsPerWorker = 1, verbose = false } = options;
  const { report = verbose ? reporterFor() : silent } = options;
  mkdirSync(outDir, { recursive: true });
  const ids = [...patientIds];
  const task = 'unzipping patients';
  let done = 0;
  const count = (patients: number): void => {
    done += patients;
    report({ kind: 'progress', task, done });
  };
  report({ kind: 'start', task, total: ids.length, unit: 'patients' });
  if (numWorkers > 1) {
    await unzipInThreads({ dbDir, outDir }, listsOf(ids, patientsPerWorker), numWorkers, count);
  } else {
    for (const id of ids) {
      await unzipPatientData(dbDir, id, outDir);
      count(1);
    }
  }
  report({ kind: 'end', task });
}

function listsOf(ids: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));
}

/** Each thread takes the next list when it is done with one. */
async function unzipInThreads(
  task: UnzipTask,
  lists: readonly number[][],
  numWorkers: number,
  count: (patients: number) => void,
): Promise<void> {
  const waiting = lists.values();
  const workers: Worker[] = [];
  const run = async (): Promise<void> => {
    const worker = startWorker(new URL('./unzip_worker.ts', import.meta.url), task);
    workers.push(worker);
    for (const list of waiting) {
      worker.postMessage(list);
      const [{ error }] = (await once(worker, 'message')) as [UnzipMessage];
      if (error) throw unpackError(error);
      count(list.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(numWorkers, lists.length) }, run));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
