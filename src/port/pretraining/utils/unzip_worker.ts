/** Thread of `unzipIcentia11k`: converts the patients of each list that it is sent. */
import { parentPort } from 'node:worker_threads';
import { type ErrorMessage, packError, workerInput } from '../../../lib/worker.ts';
import { unzipPatientData } from '../../transplant/datasets/icentia11k.ts';

/** Folders of the zipped and of the unzipped files. */
export interface UnzipTask {
  readonly dbDir: string;
  readonly outDir: string;
}

/** What the thread answers to each list: nothing more, or why it stopped. */
export interface UnzipMessage {
  readonly error?: ErrorMessage;
}

const { dbDir, outDir } = workerInput<UnzipTask>();
const port = parentPort!;

port.on('message', async (patientIds: readonly number[]) => {
  const message = await unzip(patientIds).then(
    () => ({}),
    (error) => ({ error: packError(error) }),
  );
  port.postMessage(message satisfies UnzipMessage);
});

async function unzip(patientIds: readonly number[]): Promise<void> {
  for (const id of patientIds) await unzipPatientData(dbDir, id, outDir);
}
