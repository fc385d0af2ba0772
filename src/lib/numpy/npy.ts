import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { type ByteSource, openFile } from '../python/byte_source.ts';
import { dumps, loads } from '../python/pickle.ts';
import { encodeTexts } from './element_type.ts';
import { bytesOf, sizeOf } from './ndarray.ts';
import { readElements, readNpyHead } from './npy_file.ts';
import { formatNpyHeader } from './npy_header.ts';
import { type AnyArray, isArray } from './object_array.ts';

export { NpyFile } from './npy_file.ts';

/**
 * Reads a whole `.npy` file into memory. Twin of `numpy.load(path, allow_pickle=True)`. Objects are read by this project's pickle reader, which
 * allows only data.
 *
 * @throws FileNotFoundError, or InputError that names file and place.
 */
export function readNpy(path: string): AnyArray {
  const source = openFile(path);
  try {
    return readNpyFrom(source, new Budget(path, source.size));
  } finally {
    source.close();
  }
}

/** Reads a whole `.npy` from any source of bytes. `budget` is the budget of the file that contains them. */
export function readNpyFrom(source: ByteSource, budget: Budget): AnyArray {
  const header = readNpyHead(source);
  if (header.type.dtype !== 'object') return readElements(source, header, budget);
  const payload = new Uint8Array(source.size - header.dataOffset);
  source.read(payload, header.dataOffset);
  const array = loads(payload, { budget });
  const size = sizeOf(header.shape);
  if (!isArray(array) || array.dtype !== 'object' || array.data.length !== size) {
    throw new InputError('the pickle does not match the header', {
      file: source.name,
      where: 'data',
      got: isArray(array) ? `${array.dtype} of shape (${array.shape.join(', ')})` : typeof array,
      expected: `${size} objects`,
    });
  }
  return { ...array, shape: header.shape };
}

/** The bytes of an `.npy` file with this array; the same as `numpy.save` writes, except for pickled objects. */
export function formatNpy(array: AnyArray): Uint8Array[] {
  const head = formatNpyHeader(array);
  if (array.dtype === 'object') return [head, dumps(array)];
  return [head, array.dtype === 'str' ? encodeTexts(array) : bytesOf(array)];
}

/** Writes an `.npy` file (C order) under a temporary name, then renames it. Twin of `numpy.save`. */
export function writeNpy(path: string, array: AnyArray): void {
  const file = new AtomicFile(path);
  try {
    for (const part of formatNpy(array)) file.write(part);
    file.commit();
  } finally {
    file.abort();
  }
}
