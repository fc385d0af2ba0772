import { basename, dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import type { NdArray } from '../numpy/ndarray.ts';
import { writeFileAtomic } from '../python/atomic_file.ts';
import { BundleReader, writeBundle } from './bundle.ts';
import { type GraphObject, objectGraphKey, readObjectGraph, variableKey, writeObjectGraph } from './object_graph.ts';

/** A variable of a model and its path in the object graph, such as `layer_with_weights-0/conv1/kernel`. */
export interface CheckpointVariable extends NdArray {
  readonly objectPath: string;
}

/** Content of a checkpoint. */
export interface Checkpoint {
  readonly variables: readonly CheckpointVariable[];
  /** Keys of all other tensors (optimiser slots, counters), which are not read. */
  readonly others: readonly string[];
}

/**
 * Reads a checkpoint of TensorFlow 2 or tf_keras by its prefix: `epoch_01/model.weights` for `model.weights.index` and
 * `model.weights.data-00000-of-00001`. Twin of `tf.train.load_checkpoint`, with the names of the model's attributes. Does not read the optimiser's
 * state. Untrusted files are safe; a damaged one is an InputError that names file and place.
 */
export function readCheckpoint(prefix: string): Checkpoint {
  const reader = new BundleReader(prefix);
  if (!reader.entries.has(objectGraphKey)) {
    throw new InputError('the checkpoint has no object graph', {
      file: `${prefix}.index`,
      got: `keys such as ${[...reader.entries.keys()].slice(0, 2).join(', ') || 'none'}`,
      expected: objectGraphKey,
      next: 'Save the model with tf.keras: model.save_weights(NAME).',
    });
  }
  const variables = readObjectGraph(`${prefix}.index`, reader.text(objectGraphKey));
  const keys = new Set(variables.values());
  return {
    variables: [...variables].map(([objectPath, key]) => ({ objectPath, ...reader.tensor(key) })),
    others: [...reader.entries.keys()].filter((key) => key !== objectGraphKey && !keys.has(key)),
  };
}

/**
 * Writes a checkpoint that tf_keras's `load_weights` accepts, and records it as the newest one in the folder's `checkpoint` file, as `save_weights`
 * does. Each file is written under a temporary name and renamed.
 */
export function writeCheckpoint(
  prefix: string,
  objects: readonly GraphObject[],
  variables: readonly CheckpointVariable[],
): void {
  const graph = writeObjectGraph(
    objects,
    variables.map(({ objectPath }) => objectPath),
  );
  writeBundle(
    prefix,
    new Map(variables.map((variable) => [variableKey(variable.objectPath), variable])),
    new Map([[objectGraphKey, graph]]),
  );
  const name = quote(basename(prefix));
  writeFileAtomic(
    join(dirname(prefix), 'checkpoint'),
    `model_checkpoint_path: ${name}\nall_model_checkpoint_paths: ${name}\n`,
  );
}

/** Quotes a text as the text format of protocol buffers does: bytes outside printable ASCII in octal. */
function quote(text: string): string {
  const escaped = [...Buffer.from(text, 'utf8')].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
