import { InputError } from '../../../../errors.ts';
import { type DType, type NdArray, ndarray } from '../../../../lib/numpy/ndarray.ts';
import { NpyFile } from '../../../../lib/numpy/npy_file.ts';
import { IndexError } from '../../../../lib/python/errors.ts';

/** Signal of a patient, shape `(segments, samples)`: in memory or on disk. */
export interface Signal {
  /** Where it comes from, for messages. */
  readonly source: string;
  readonly dtype: DType;
  readonly shape: readonly [segments: number, samples: number];
  /** Samples `[start, stop)` of a segment, shape `(stop − start)`; throws IndexError outside of it. */
  read(segment: number, start: number, stop: number): NdArray;
}

function signalShape(source: string, shape: readonly number[]): readonly [number, number] {
  if (shape.length !== 2) {
    throw new InputError('a signal is an array of segments and samples', {
      file: source,
      got: `shape (${shape.join(', ')})`,
      expected: 'two axes',
    });
  }
  return [shape[0], shape[1]];
}

/** Signal over an array in memory; `read` gives views of it. */
export function signalInMemory(array: NdArray, source: string): Signal {
  const shape = signalShape(source, array.shape);
  const [segments, samples] = shape;
  return {
    source,
    dtype: array.dtype,
    shape,
    read(segment, start, stop) {
      if (!(segment >= 0 && segment < segments && start >= 0 && start <= stop && stop <= samples)) {
        throw new IndexError(
          `${source}: there are no samples ${start} to ${stop} of segment ${segment} in (${shape.join(', ')})`,
        );
      }
      const from = segment * samples;
      return ndarray(array.dtype, [stop - start], array.data.subarray(from + start, from + stop) as typeof array.data);
    },
  };
}

/** Most signal files that are open at the same time, so that memory and file descriptors do not grow with the number of patients. */
const maxOpen = 64;

/** Open files by signal, in the order in which they were opened. */
const opened = new Map<Signal, NpyFile>();

function keepOpen(signal: Signal, file: NpyFile): void {
  opened.set(signal, file);
  if (opened.size <= maxOpen) return;
  const [oldest] = opened.keys();
  opened.get(oldest)!.close();
  opened.delete(oldest);
}

/**
 * Opens the `.npy` file of a signal. `read` reads only the samples that are asked for, like `numpy.load(path, mmap_mode='r')`.
 *
 * @throws FileNotFoundError, or InputError for a file that does not hold numbers in two axes.
 */
export function signalOnDisk(path: string): Signal {
  const first = NpyFile.open(path);
  const { dtype } = first;
  let shape: readonly [number, number];
  try {
    shape = signalShape(path, first.shape);
  } catch (error) {
    first.close();
    throw error;
  }
  const signal: Signal = {
    source: path,
    dtype,
    shape,
    read(segment, start, stop) {
      const file = opened.get(signal) ?? reopen();
      return file.read([segment], start, stop);
    },
  };
  const reopen = (): NpyFile => {
    const file = NpyFile.open(path);
    if (file.dtype !== dtype || file.shape.length !== 2 || file.shape[0] !== shape[0] || file.shape[1] !== shape[1]) {
      file.close();
      throw new InputError('the file was replaced while it was in use', {
        file: path,
        got: `${file.dtype} of shape (${file.shape.join(', ')})`,
        expected: `${dtype} of shape (${shape.join(', ')})`,
      });
    }
    keepOpen(signal, file);
    return file;
  };
  keepOpen(signal, first);
  return signal;
}
