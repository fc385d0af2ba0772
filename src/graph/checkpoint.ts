/** TensorFlow checkpoints (`<prefix>.index`, `<prefix>.data-00000-of-00001`), as `tf.train.Checkpoint` and tf_keras write them. */
import { InputError } from '../errors.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import { type CheckpointEntry, readCheckpointIndex } from './checkpoint_index.ts';
import type { TensorSpec } from './executor.ts';
import { type Feed, runOnce } from './loading.ts';

/**
 * Writes arrays (or byte strings, stored as string scalars) under their keys, bit for bit. The two files are not replaced together:
 * where that matters, write into a fresh folder and rename it.
 */
export function writeCheckpoint(prefix: string, values: ReadonlyMap<string, Feed>): void {
  const keys = [...values.keys()];
  const inputs: Record<string, TensorSpec> = {};
  const feeds: Record<string, Feed> = {};
  for (const [i, value] of [...values.values()].entries()) {
    inputs[`value_${i}`] = value instanceof Uint8Array ? { dtype: 'string', shape: [] } : value;
    feeds[`value_${i}`] = value;
  }
  runOnce(
    (builder) =>
      builder.signature('save', inputs, (tensors) => {
        const slices = builder.strings(keys.map(() => ''));
        const data = Object.values(tensors);
        const types = data.map(({ dtype }) => dtype);
        const head = [builder.strings(prefix), builder.strings(keys), slices];
        builder.write('SaveV2', [], [...head, ...data], { dtypes: { types } });
        return { done: builder.constant(ndarray('bool', [], Uint8Array.of(1))) };
      }),
    feeds,
  );
}

/**
 * Reads arrays by key, all numeric ones if no keys are given. Checksums of the data are verified. Throws an InputError for damaged
 * files, a ValueError for a missing key.
 */
export function readCheckpoint(prefix: string, keys?: readonly string[]): Map<string, NdArray> {
  const entries = new Map(readCheckpointIndex(prefix).map((entry) => [entry.key, entry]));
  const chosen = keys ?? [...entries.values()].filter(isNumeric).map(({ key }) => key);
  if (chosen.length === 0) return new Map();
  const specs = chosen.map((key) => {
    const entry = entries.get(key);
    if (entry === undefined) throw new ValueError(`${prefix}: the checkpoint has no tensor ${key}`);
    return entry;
  });
  const results = restored(prefix, () =>
    runOnce(
      (builder) =>
        builder.signature('restore', {}, () => {
          const slices = builder.strings(chosen.map(() => ''));
          const types = specs.map(({ dtype }) => dtype);
          const inputs = [builder.strings(prefix), builder.strings(chosen), slices];
          const values = builder.op('RestoreV2', inputs, { dtypes: { types } }, specs);
          return Object.fromEntries(values.map((value, i) => [`value_${i}`, value]));
        }),
      {},
    ),
  );
  return new Map(chosen.map((key, i) => [key, results[`value_${i}`]]));
}

function restored<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InputError('the checkpoint is damaged', { file: prefix, got: String(error) });
  }
}

function isNumeric({ dtype }: CheckpointEntry): boolean {
  return dtype !== 'string' && dtype !== 'resource' && dtype !== 'variant' && dtype !== 'bfloat16';
}
