/** A thread of `PatientsAhead`: unpacks the patients whose numbers arrive on the port that it gets first. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { type ErrorMessage, packError, workerInput } from '../../../lib/worker.ts';
import { loadZippedSignal } from '../../transplant/datasets/icentia11k/files.ts';
import { type Labels, loadLabels } from '../../transplant/datasets/icentia11k.ts';

/** Input of the thread. */
export interface PatientWorkerTask {
  readonly dbDir: string;
  readonly includeLabels: boolean;
  /** Shared; the thread increases it after each answer and wakes who waits. */
  readonly answers: Int32Array<SharedArrayBuffer>;
}

/** Answer to the number of a patient. */
export type PatientAnswer =
  | { readonly id: number; readonly signal: NdArray; readonly source: string; readonly labels: Labels | null }
  | { readonly id: number; readonly error: ErrorMessage };

/** Smaller buffers may belong to Node's pool, which cannot be given away. */
const POOLED = 1 << 17;

const { dbDir, includeLabels, answers } = workerInput<PatientWorkerTask>();

parentPort!.once('message', (port: MessagePort) => {
  port.on('message', (id: number) => {
    answer(port, id);
    Atomics.add(answers, 0, 1);
    Atomics.notify(answers, 0);
  });
});

function answer(port: MessagePort, id: number): void {
  try {
    const { signal, source } = loadZippedSignal(dbDir, id);
    const labels = includeLabels ? loadLabels(dbDir, id) : null;
    const message: PatientAnswer = { id, signal, source, labels };
    const { buffer } = signal.data;
    port.postMessage(message, buffer.byteLength < POOLED ? [] : [buffer as ArrayBuffer]);
  } catch (error) {
    port.postMessage({ id, error: packError(error) } satisfies PatientAnswer);
  }
}
