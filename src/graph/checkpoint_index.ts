import { InputError } from '../errors.ts';
import { Budget } from '../lib/budget.ts';
import { FileNotFoundError } from '../lib/python/errors.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { type Field, readMessage } from '../lib/tensorflow/protobuf.ts';
import { maxIndexBytes, readTable } from '../lib/tensorflow/table.ts';
import { type ElementType, elementType } from './element_type.ts';

/** A tensor in a TensorFlow checkpoint. */
export interface CheckpointEntry {
  readonly key: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Bytes in the data file. */
  readonly size: number;
}

/** Tensors of the checkpoint `<prefix>.index`, in key order. Throws an InputError for anything else. */
export function readCheckpointIndex(prefix: string): CheckpointEntry[] {
  const file = `${prefix}.index`;
  const bytes = readIndexFile(file);
  const budget = new Budget(file, bytes.byteLength);
  // The empty key holds the header: number of data files and byte order.
  return readTable(file, bytes, budget)
    .filter(({ key }) => key !== '')
    .map(({ key, value }) => parseEntry(file, key, value, budget));
}

function readIndexFile(file: string): Uint8Array {
  try {
    return readWholeFile(file, { maxBytes: maxIndexBytes });
  } catch (error) {
    if (!(error instanceof FileNotFoundError)) throw error;
    throw new InputError('the checkpoint cannot be read', {
      file,
      got: 'no such file',
      next: 'Give the path without its ending, e.g. job/model.weights for job/model.weights.index.',
    });
  }
}

function parseEntry(file: string, key: string, message: Uint8Array, budget: Budget): CheckpointEntry {
  const fail = (got: string): never => {
    throw new InputError('the entry of a tensor cannot be used', { file, where: key, got });
  };
  const parse = (bytes: Uint8Array): Field[] => readMessage(bytes, budget);
  try {
    const fields = parse(message);
    const last = (number: number): Field | undefined => fields.findLast((field) => field.number === number);
    if (last(7)) fail('a partitioned tensor');
    const shape = parse(last(2)?.bytes ?? new Uint8Array(0))
      .filter(({ number }) => number === 2)
      .map(({ bytes = new Uint8Array(0) }) => parse(bytes).find(({ number }) => number === 1)?.value ?? 0);
    return { key, dtype: elementType(last(1)?.value ?? 0), shape, size: last(5)?.value ?? 0 };
  } catch (error) {
    if (error instanceof RangeError) return fail(error.message);
    throw error;
  }
}
