import { InputError } from '../../../errors.ts';
import type { Batch, Batches } from '../../../graph/fit.ts';
import type { InputRows, Samples } from '../../../jobs/batches.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { toFloat64 } from '../../../lib/numpy/convert.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { type AnyArray, isArray } from '../../../lib/numpy/object_array.ts';
import { arrayRows, selectRows } from '../../../lib/numpy/rows.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { loadPkl } from '../../transplant/utils.ts';
import type { PretrainingTask } from '../utils.ts';

/** Labelled frames in memory: a data file, a part of it, or validation frames from a folder. */
export interface FrameSet {
  /** Inputs by the names that the model gives them: `x`, or `context` and `samples`. */
  readonly inputs: InputRows;
  /** Class numbers, int32 `(frames)`. */
  readonly y: NdArray<'int32'>;
  /** Patient of each frame. Quirk Q44: a cached validation set lists its patients instead. */
  readonly patientIds: readonly number[];
}

/** Task and sizes, which decide the shapes of frames. */
export interface FrameOptions {
  readonly task: PretrainingTask;
  readonly frameSize: number;
  readonly contextSize: number;
  readonly ns: number;
}

/** The sizes of the options, with the defaults of the command line. */
export function frameOptions({
  task,
  frameSize = 2048,
  contextSize = 8,
  ns = 1,
}: Pick<FrameOptions, 'task'> & Partial<FrameOptions>): FrameOptions {
  return { task, frameSize, contextSize, ns };
}

/** Shapes of a model's inputs without the batch axis, `(samples, 1)` or `(frames, samples, 1)` each. */
export function inputShapes({ task, frameSize, contextSize, ns }: FrameOptions): Record<string, readonly number[]> {
  const frame = [frameSize, 1];
  if (task !== 'cpc') return { x: frame };
  return { context: [contextSize, ...frame], samples: [ns + 1, ...frame] };
}

/** Reads a data file: a pickled dict of `x`, `y` and `patient_ids`. Throws a ValueError if it does not fit the task. */
export async function loadFrames(file: string, options: FrameOptions): Promise<FrameSet> {
  const value = await loadPkl(file);
  const expected = 'a dict with x, y and patient_ids';
  if (!(value instanceof Map))
    throw new InputError('this is not a set of frames', { file, got: typeof value, expected });
  const [x, y, patientIds] = ['x', 'y', 'patient_ids'].map((key) => value.get(key));
  const shapes = inputShapes(options);
  const given = x instanceof Map ? x : new Map([['x', x]]);
  const names = Object.keys(shapes);
  const fits =
    given.size === names.length &&
    names.every((name) => {
      const array = given.get(name);
      return isArray(array) && array.dtype === 'float32' && array.shape.slice(1).join() === shapes[name].join();
    }) &&
    isArray(y) &&
    y.dtype === 'int32' &&
    y.shape.length === 1;
  if (!fits) {
    const found = [...given, ['y', y]].map(([name, array]) => `${name} ${describe(array)}`).join(', ');
    const wanted = names.map((name) => `${name} float32(n, ${shapes[name].join(', ')})`).join(', ');
    throw new ValueError(
      `${file}: got ${found}; expected ${wanted}, y int32(n) for --task ${options.task}. Use the --task, --frame-size and CPC options ` +
        'that the file was made with',
    );
  }
  if (!isArray(patientIds)) throw new InputError('patient_ids is missing', { file, expected });
  const arrays = names.map((name) => [name, given.get(name) as NdArray] as const);
  const records = (y as NdArray).shape[0];
  const short = arrays.find(([, { shape }]) => shape[0] !== records);
  if (short) {
    throw new InputError('x and y differ in length', { file, got: `${short[1].shape[0]} and ${records}` });
  }
  return {
    inputs: Object.fromEntries(arrays.map(([name, array]) => [name, arrayRows(array)])),
    y: y as NdArray<'int32'>,
    patientIds: patientNumbers(patientIds),
  };
}

function patientNumbers(ids: AnyArray): number[] {
  return ids.dtype === 'object' || ids.dtype === 'str' ? ids.data.map(Number) : Array.from(toFloat64(ids));
}

/** A batch as frames in memory. */
export function framesOf({ x, y }: Batch, patientIds: readonly number[]): FrameSet {
  return {
    inputs: Object.fromEntries(Object.entries(inputsByName(x)).map(([name, array]) => [name, arrayRows(array)])),
    y: y as NdArray<'int32'>,
    patientIds,
  };
}

/** The frames of the patients for which `keep` holds. */
export function selectPatients(frames: FrameSet, keep: (patientId: number) => boolean): FrameSet {
  if (frames.patientIds.length !== frames.y.shape[0]) {
    throw new ValueError(
      `${frames.patientIds.length} patient ids for ${frames.y.shape[0]} frames: a file of --cache-val is good for --val-file, not for --train`,
    );
  }
  const kept = frames.patientIds.flatMap((id, i) => (keep(id) ? [i] : []));
  return {
    inputs: Object.fromEntries(Object.entries(frames.inputs).map(([name, rows]) => [name, selectRows(rows, kept)])),
    y: arrayRows(frames.y).take(kept) as NdArray<'int32'>,
    patientIds: kept.map((i) => frames.patientIds[i]),
  };
}

/** What a network learns from frames. */
export function samplesOf({ inputs, y }: FrameSet): Samples {
  return { x: inputs, y: arrayRows(y) };
}

/** The next `count` batches of an endless stream. The stream stays open. */
export async function* takeBatches(stream: AsyncIterator<Batch, unknown>, count: number): AsyncGenerator<Batch> {
  for (let i = 0; i < count; i++) {
    const { done, value } = await stream.next();
    if (done) throw new Error('the stream of training frames ended');
    yield value;
  }
}

/** A source of training batches. */
export interface TrainingFrames {
  /** Batches of an epoch, without the first `skip`. Epochs are asked for in ascending order. */
  readonly batches: (epoch: number, skip: number) => Batches;
  /** Batches per epoch. */
  readonly steps: number;
  readonly close: () => Promise<void>;
}

function describe(value: unknown): string {
  return isArray(value) ? `${value.dtype}(${value.shape.join(', ')})` : typeof value;
}
