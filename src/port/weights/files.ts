import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../../errors.ts';
import { type NamedArray, readWeightsH5, writeWeightsH5 } from '../../lib/keras/weights_h5.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { FileNotFoundError, ValueError } from '../../lib/python/errors.ts';
import { readCheckpoint, writeCheckpoint } from '../../lib/tensorflow/checkpoint.ts';
import { toKerasPaths } from './checkpoint_paths.ts';
import type { WeightLayout } from './layout.ts';

/** Keras 3's `.weights.h5`, or the TensorFlow checkpoint of tf.keras 2 and of the paper's authors. */
export type WeightFormat = 'keras' | 'tensorflow';

/** Names of the formats. */
export const weightFormats: readonly WeightFormat[] = ['keras', 'tensorflow'];

/** The weights in a file, under their `.weights.h5` paths whatever the format. */
export interface WeightsFile {
  /** The `.weights.h5` file, or the prefix of the checkpoint. */
  readonly file: string;
  readonly format: WeightFormat;
  readonly weights: readonly NamedArray[];
  /** Variables of the optimiser in Keras 3's order; never from a checkpoint. */
  readonly optimizer?: readonly NdArray[];
  /** Entries of a checkpoint that are not weights of a network of this project: optimiser slots, counters, other layers. */
  readonly unread: readonly string[];
}

const kerasExtension = '.weights.h5';

/** Format in which a file of this name is written: `.weights.h5` is Keras's, as Keras 3 demands; any other name is a checkpoint's prefix. */
export function formatOfName(name: string): WeightFormat {
  return name.endsWith(kerasExtension) ? 'keras' : 'tensorflow';
}

/** The files that are written under a name. */
export function weightFiles(name: string, format: WeightFormat): string[] {
  return format === 'keras' ? [name] : [`${name}.index`, `${name}.data-00000-of-00001`];
}

/**
 * Finds the weights that a name means: an HDF5 file, or the prefix of a checkpoint as tf.keras 2 names it (`epoch_01/model.weights`; its
 * `.index` file is understood too). Throws a FileNotFoundError that says what was looked for.
 */
export function findWeights(name: string): { file: string; format: WeightFormat } {
  const prefix = name.replace(/\.(index|data-\d{5}-of-\d{5})$/, '');
  if (!name.endsWith('.h5') && existsSync(`${prefix}.index`)) return { file: prefix, format: 'tensorflow' };
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat?.isFile()) return { file: name, format: 'keras' };
  if (stat?.isDirectory()) {
    throw new InputError('a folder, not a weight file', {
      file: name,
      expected: `a ${kerasExtension} file, or a checkpoint such as ${name}/model.weights (for model.weights.index)`,
    });
  }
  throw new FileNotFoundError(`${name} (nor ${prefix}.index, as a checkpoint of tf.keras 2 would have)`);
}

/**
 * Reads a weight file of either format. The file may come from anywhere: what is not a plain file of numbers is refused with an InputError.
 * The optimiser's state is read from `.weights.h5` files only.
 */
export function readWeights(name: string): WeightsFile {
  const { file, format } = findWeights(name);
  if (format === 'keras') {
    const { weights, optimizer } = readWeightsH5(file);
    return { file, format, weights, ...(optimizer === undefined ? {} : { optimizer }), unread: [] };
  }
  const { variables, others } = readCheckpoint(file);
  const { weights, unknown } = toKerasPaths(variables);
  return { file, format, weights, unread: [...unknown, ...others] };
}

/**
 * Writes a network's weights. Without `format` the name decides. Weights may be given in any order but must be the layout's, each of its
 * shape; the optimiser's state goes into `.weights.h5` files only. Throws a ValueError where they disagree,
 * and an InputError if the folder does not exist.
 */
export async function writeWeights(
  name: string,
  layout: WeightLayout,
  weights: readonly NamedArray[],
  { format = formatOfName(name), optimizer }: { format?: WeightFormat; optimizer?: readonly NdArray[] } = {},
): Promise<void> {
  const folder = dirname(name);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError('the folder does not exist', { file: folder, next: `Make it first: mkdir -p ${folder}` });
  }
  const given = new Map(weights.map((weight) => [weight.path, weight]));
  const ordered = layout.weights.map(({ path, shape }) => {
    const weight = given.get(path);
    if (weight === undefined) throw new ValueError(`cannot write ${name}: ${path} is missing`);
    if (weight.shape.join() !== shape.join()) {
      throw new ValueError(
        `cannot write ${name}: ${path} has shape (${weight.shape.join(', ')}); expected (${shape.join(', ')})`,
      );
    }
    return weight;
  });
  if (given.size !== ordered.length) {
    const known = new Set(layout.weights.map(({ path }) => path));
    const extra = [...given.keys()].find((path) => !known.has(path));
    throw new ValueError(`cannot write ${name}: the network has no weight ${extra}`);
  }
  if (format === 'keras') {
    await writeWeightsH5(name, {
      weights: ordered,
      objects: layout.objects.map(({ path }) => path),
      ...(optimizer === undefined ? {} : { optimizer }),
    });
    return;
  }
  if (optimizer !== undefined) {
    throw new ValueError(
      `cannot write ${name}: checkpoints are written without the optimiser's state; use a ${kerasExtension} name`,
    );
  }
  if (name.endsWith('.h5')) {
    throw new ValueError(`cannot write ${name}: a checkpoint is named without an extension, e.g. resnet18.weights`);
  }
  writeCheckpoint(
    name,
    layout.objects.map(({ checkpointPath: path, checkpointAlias: alias }) => ({
      path,
      ...(alias === undefined ? {} : { alias }),
    })),
    ordered.map((weight, index) => {
      const { checkpointPath: objectPath } = layout.weights[index]!;
      return { objectPath, dtype: weight.dtype, shape: weight.shape, data: weight.data };
    }),
  );
}
