import { statSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { cpuLimit, memoryLimit } from '../../../lib/machine.ts';
import { statedSize } from '../../../lib/python/gzip.ts';
import { startWorker, unpackError } from '../../../lib/worker.ts';
import { patientFile } from '../../transplant/datasets/icentia11k/files.ts';
import { signalInMemory } from '../../transplant/datasets/icentia11k/signal.ts';
import { loadPatientData, type PatientData } from '../../transplant/datasets/icentia11k.ts';
import type { StreamSpec } from './generators.ts';
import type { PatientAnswer, PatientWorkerTask } from './patient_worker.ts';

/** How patients are loaded ahead. */
export interface AheadOptions {
  readonly includeLabels?: boolean;
  /** Threads that unpack patients; default one per CPU, at most 16. */
  readonly threads?: number;
  /** Largest size in bytes of the patients that wait or are being unpacked; default 4 GiB, or a quarter of the memory if that is less. */
  readonly maxBytes?: number;
  /** Milliseconds after which a patient that a thread does not deliver is loaded without it; default a minute. */
  readonly patience?: number;
}

/** A patient that is being loaded, or that waits to be taken. */
interface Load {
  readonly bytes: number;
  readonly helper: Helper;
  answer?: PatientAnswer;
}

/** A thread and this side's end of its channel. */
interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** Loads that it has not finished. */
  pending: number;
}

/**
 * Unpacks zipped patients in threads before they are asked for. `load` blocks until its patient is there, so the generators that draw frames stay in
 * one thread and draw in the same order.
 *
 * Memory: one patient per thread and one more wait or are being unpacked, but no more than `maxBytes` together (a single patient may be larger). A patient of
 * Icentia11k takes 210 MB. In addition, each thread holds the zipped file that it unpacks, and of a pickle of protocol 2 a copy of the signal.
 */
export class PatientsAhead {
  readonly #dbDir: string;
  readonly #includeLabels: boolean;
  readonly #threads: number;
  readonly #maxBytes: number;
  readonly #patience: number;
  readonly #helpers: Helper[] = [];
  readonly #loads = new Map<number, Load>();
  /** Patients that each generator will ask for next. */
  readonly #wanted = new Map<object, readonly number[]>();
  /** Counts the answers of all threads. */
  readonly #answers = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    dbDir: string,
    {
      includeLabels = true,
      threads,
      maxBytes = Math.min(2 ** 32, memoryLimit() / 4),
      patience = 60_000,
    }: AheadOptions = {},
  ) {
    this.#patience = patience;
    this.#dbDir = dbDir;
    this.#includeLabels = includeLabels;
    this.#threads = threads ?? Math.min(cpuLimit(), 16);
    this.#maxBytes = maxBytes;
  }

  /**
   * The data of a patient. Blocks the thread until they are there.
   *
   * @param asking the generator that asks.
   * @param next patients that it will ask for afterwards, in order.
   * @throws what `loadPatientData` throws for this patient.
   */
  load(id: number, asking: object, next: readonly number[]): PatientData {
    this.#wanted.set(asking, next);
    const load = this.#loads.get(id) ?? this.#begin(id);
    this.#beginNext();
    const answer = this.#wait(load, id);
    this.#loads.delete(id);
    this.#beginNext();
    if (answer === undefined) return loadPatientData(this.#dbDir, id, { includeLabels: this.#includeLabels });
    if ('error' in answer) throw unpackError(answer.error);
    return dataOf(answer);
  }

  /** Number of threads. */
  get threads(): number {
    return this.#helpers.length;
  }

  /** Ends the threads. */
  close(): void {
    for (const { worker, port } of this.#helpers.splice(0)) {
      port.close();
      worker.terminate().catch(() => {});
    }
    this.#loads.clear();
  }

  /** Begins to load what will be asked for next, as far as threads and memory allow; the generators take turns. */
  #beginNext(): void {
    const lists = [...this.#wanted.values()];
    const deepest = Math.max(...lists.map(({ length }) => length));
    for (let depth = 0; depth < deepest; depth++) {
      for (const id of lists.flatMap((list) => list.slice(depth, depth + 1))) {
        if (this.#loads.has(id)) continue;
        if (this.#loads.size > this.#threads || this.#bytes() + this.#sizeOf(id) > this.#maxBytes) return;
        this.#begin(id);
      }
    }
  }

  #begin(id: number): Load {
    this.#receive();
    const helper = this.#freeHelper();
    const load: Load = { bytes: this.#sizeOf(id), helper };
    helper.pending++;
    helper.port.postMessage(id);
    this.#loads.set(id, load);
    return load;
  }

  #freeHelper(): Helper {
    const least = this.#helpers.toSorted((a, b) => a.pending - b.pending).at(0);
    if (least !== undefined && (least.pending === 0 || this.#helpers.length >= this.#threads)) return least;
    const { port1, port2 } = new MessageChannel();
    const task: PatientWorkerTask = {
      dbDir: this.#dbDir,
      includeLabels: this.#includeLabels,
      answers: this.#answers,
    };
    const worker = startWorker(new URL('./patient_worker.ts', import.meta.url), task);
    // A thread that fails does not answer; then its patients are loaded without it.
    worker.on('error', () => {});
    worker.postMessage(port2, [port2]);
    worker.unref();
    const helper: Helper = { worker, port: port1, pending: 0 };
    this.#helpers.push(helper);
    return helper;
  }

  /** Waits for the answer; undefined if the thread does not give one. */
  #wait(load: Load, id: number): PatientAnswer | undefined {
    for (;;) {
      const seen = Atomics.load(this.#answers, 0);
      this.#receive();
      if (load.answer) return load.answer;
      if (Atomics.wait(this.#answers, 0, seen, this.#patience) === 'timed-out') {
        this.#giveUp(load.helper, id);
        return undefined;
      }
    }
  }

  #receive(): void {
    for (const helper of this.#helpers) {
      for (let got = receiveMessageOnPort(helper.port); got; got = receiveMessageOnPort(helper.port)) {
        const answer = got.message as PatientAnswer;
        helper.pending--;
        const load = this.#loads.get(answer.id);
        if (load?.helper === helper) load.answer = answer;
      }
    }
  }

  /** Ends a thread, and forgets what it was to load. */
  #giveUp(helper: Helper, id: number): void {
    this.#helpers.splice(this.#helpers.indexOf(helper), 1);
    for (const [other, load] of this.#loads) {
      if (load.helper === helper && other !== id) this.#loads.delete(other);
    }
    helper.port.close();
    helper.worker.terminate().catch(() => {});
  }

  #bytes(): number {
    let bytes = 0;
    for (const load of this.#loads.values()) bytes += load.bytes;
    return bytes;
  }

  /** Unpacked size of a patient. A file that cannot be read takes none: its fault is reported when it is its turn. */
  #sizeOf(id: number): number {
    try {
      return statedSize(patientFile(this.#dbDir, id, '.pkl.gz'));
    } catch {
      return 0;
    }
  }
}

/** Zipped signals of fewer bytes are unpacked faster than a thread starts. */
const worthThreads = 1 << 20;

/** Loads the patients of a stream ahead, if that pays: if they are zipped and large, and there is more than one CPU. */
export function patientsAheadFor({ dbDir, patientIds, task, options }: StreamSpec): PatientsAhead | undefined {
  const first = patientIds.length > 0 && !options.unzipped ? zippedSize(dbDir, patientIds[0]) : undefined;
  if (first === undefined || first < worthThreads || cpuLimit() < 2) return undefined;
  return new PatientsAhead(dbDir, { includeLabels: task !== 'cpc' });
}

/** Size of a zipped signal in bytes; undefined if it is missing. */
function zippedSize(dbDir: string, id: number): number | undefined {
  return statSync(patientFile(dbDir, id, '.pkl.gz'), { throwIfNoEntry: false })?.size;
}

function dataOf({ signal, source, labels }: Exclude<PatientAnswer, { error: unknown }>): PatientData {
  return [signalInMemory(signal, source), labels];
}
