import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A call of NumPy's global generator. Lists of numbers become arrays; `shuffle` shuffles 0 … n − 1. */
export type Draw =
  | { readonly method: 'random_sample'; readonly size: number }
  | { readonly method: 'randint'; readonly low: number; readonly high?: number; readonly size: number }
  | { readonly method: 'shuffle' | 'permutation'; readonly n: number }
  | {
      readonly method: 'choice';
      readonly n: number;
      readonly size: number;
      readonly replace?: boolean;
      readonly p?: readonly number[];
    };

/** State of the generator after the draws. */
export interface GeneratorState {
  /** 624 words, uint32. */
  readonly key: NdArray;
  /** int64 `(1)`. */
  readonly position: NdArray;
  /** Whether a normal draw is kept, and that draw; float64 `(2)`. */
  readonly gaussian: NdArray;
}

/** Pretraining task, by the name of its generator. */
export type FrameTask = 'rhythm' | 'beat' | 'heart_rate' | 'cpc';

/** Where frames are drawn from. */
export interface FrameSource {
  readonly dbDir: string;
  readonly patientIds: readonly number[];
  readonly unzipped: boolean;
}

/** Frames one after the other, as they were yielded. */
export interface Frames {
  /** `x`, or `context` and `samples`: `(frames, …)` in the dtype of the signal. */
  readonly inputs: ReadonlyMap<string, NdArray>;
  /** int64 `(frames)`; absent where frames have no label. */
  readonly y?: NdArray;
  readonly state: GeneratorState;
}

type PartFiles = { readonly inputs: { readonly [name: string]: string }; readonly y: string | null };
type FrameFiles = PartFiles & { readonly state: string[] };

type Options = { readonly [key: string]: Wire };

/** A recorded random draw. */
export interface NotedDraw {
  /** The method that was called, by its name on that side. */
  readonly method: string;
  /** The numbers that it returned, flattened; empty if it returned something else. */
  readonly values: readonly number[];
  /** Who called it: `file:line`. */
  readonly place: string;
}

/** Random draws, frames and labels of the original. All draws come from NumPy's global generator, seeded for each call. */
export class OriginalSampling {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** Starts recording every draw that the original makes from NumPy's global generator. */
  async noteDraws(): Promise<void> {
    await this.#session.call('draw_log.start');
  }

  /** Stops recording and returns the recorded draws. */
  async notedDraws(): Promise<readonly NotedDraw[]> {
    return await this.#session.call<(NotedDraw & { readonly [key: string]: Wire })[]>('draw_log.stop');
  }

  /** What `numpy.random` draws after `seed`: an array by draw, float64 or int64. */
  async draws(
    seed: number | readonly number[],
    plan: readonly Draw[],
  ): Promise<{ results: NdArray[]; state: GeneratorState }> {
    const found = await this.#session.call<{ results: string[]; state: string[] }>('sampling.draws', {
      folder: this.#transfer.folder(),
      seed,
      plan,
    });
    return { results: this.#transfer.takeAll(found.results), state: this.#state(found.state) };
  }

  /** The first `count` items of `pretraining.datasets.<task>_generator`. */
  async frames(
    task: FrameTask,
    { dbDir, patientIds, unzipped }: FrameSource,
    frameSize: number,
    options: Options,
    { seed, count }: { seed: number; count: number },
  ): Promise<Frames> {
    const found = await this.#session.call<FrameFiles>('sampling.frames', {
      folder: this.#transfer.folder(),
      task,
      db_dir: dbDir,
      patient_ids: patientIds,
      frame_size: frameSize,
      options: { ...options, unzipped },
      seed,
      count,
    });
    return this.#frames(found);
  }

  /** The first `count` items of `icentia11k.<generator>` over one pass of the patients in their order, without shuffling or end. */
  async rawFrames(
    generator: string,
    { dbDir, patientIds, unzipped }: FrameSource,
    options: Options,
    { seed, count, buffer = null }: { seed: number; count: number; buffer?: number | null },
  ): Promise<Frames> {
    const found = await this.#session.call<FrameFiles>('sampling.raw_frames', {
      folder: this.#transfer.folder(),
      generator,
      db_dir: dbDir,
      patient_ids: patientIds,
      unzipped,
      options,
      seed,
      count,
      buffer,
    });
    return this.#frames(found);
  }

  /** `batches` batches of `pretraining.datasets.<task>_dataset(…).batch(batchSize)`, joined: float32 inputs and int32 labels. */
  async batches(
    task: FrameTask,
    { dbDir, patientIds, unzipped }: FrameSource,
    frameSize: number,
    options: Options,
    { seed, batches, batchSize }: { seed: number; batches: number; batchSize: number },
  ): Promise<Omit<Frames, 'state'>> {
    const found = await this.#session.call<PartFiles>('sampling.batches', {
      folder: this.#transfer.folder(),
      task,
      db_dir: dbDir,
      patient_ids: patientIds,
      frame_size: frameSize,
      options: { ...options, unzipped },
      seed,
      batches,
      batch_size: batchSize,
    });
    return this.#parts(found);
  }

  /** Ids in the order of `icentia11k.<uniform|random>_patient_generator`, int64. */
  async patients(
    generator: 'uniform' | 'random',
    { dbDir, patientIds, unzipped }: FrameSource,
    options: Options,
    { seed, count }: { seed: number; count: number },
  ): Promise<{ ids: NdArray; state: GeneratorState }> {
    const found = await this.#session.call<{ ids: string; state: string[] }>('sampling.patients', {
      folder: this.#transfer.folder(),
      generator,
      db_dir: dbDir,
      patient_ids: patientIds,
      options: { ...options, unzipped },
      seed,
      count,
    });
    return { ids: this.#transfer.take(found.ids), state: this.#state(found.state) };
  }

  /**
   * Labels that the original's rules give to frames over one set of marks.
   *
   * @param marks positions and codes, int64 `(marks)`.
   * @param frames first sample and end, int64 `(frames, 2)`.
   * @returns by name, int64: `rhythm`, `beat`, `heart_rate` `(frames)`; `durations`, `rhythms`, `ends`, `beats` of all frames joined.
   */
  async labels(marks: readonly [NdArray, NdArray], frames: NdArray): Promise<ReadonlyMap<string, NdArray>> {
    const folder = this.#transfer.folder();
    const found = await this.#transfer.lend([...marks, frames], ([positions, codes, places]) =>
      this.#session.call<{ [name: string]: string }>('sampling.labels', { folder, positions, codes, frames: places }),
    );
    return new Map(Object.entries(found).map(([name, file]) => [name, this.#transfer.take(file)]));
  }

  #frames(found: FrameFiles): Frames {
    return { ...this.#parts(found), state: this.#state(found.state) };
  }

  #parts({ inputs, y }: PartFiles): Omit<Frames, 'state'> {
    const parts = Object.entries(inputs).map(([name, file]) => [name, this.#transfer.take(file)] as const);
    return { inputs: new Map(parts), y: y === null ? undefined : this.#transfer.take(y) };
  }

  #state(files: readonly string[]): GeneratorState {
    const [key, position, gaussian] = this.#transfer.takeAll(files);
    return { key, position, gaussian };
  }
}
