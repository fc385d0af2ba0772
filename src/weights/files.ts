import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import type { Model } from '../graph/model.ts';
import { fileKind } from '../lib/file_kind.ts';
import { readKerasArchive } from '../lib/keras/keras_archive.ts';
import { type NamedArray, readWeightsH5, writeWeightsH5 } from '../lib/keras/weights_h5.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { FileNotFoundError, ValueError } from '../lib/python/errors.ts';
import { notFound } from '../lib/python/not_found.ts';
import { readCheckpoint, writeCheckpoint } from '../lib/tensorflow/checkpoint.ts';

/** Keras 3's `.weights.h5`, or the TensorFlow checkpoint of tf.keras 2 and of the paper's authors. */
export type WeightFormat = 'keras' | 'tensorflow';

/** Names of the formats. */
export const weightFormats: readonly WeightFormat[] = ['keras', 'tensorflow'];

/** The content of a weight file. */
export interface WeightsFile {
  /** The `.weights.h5` file, or the prefix of the checkpoint. */
  readonly file: string;
  readonly format: WeightFormat;
  /** The weights by their names in the file: paths of `.weights.h5`, or of the checkpoint's object graph. */
  readonly weights: readonly NamedArray[];
  /** Variables of the optimiser in Keras 3's order; never from a checkpoint. */
  readonly optimizer?: readonly NdArray[];
  /** Entries of a checkpoint that are not weights of its model: slots of the optimiser, counters. */
  readonly unread: readonly string[];
}

const kerasExtension = '.weights.h5';

/** The format in which a file of this name is written: `.weights.h5` is Keras 3's, any other name is the prefix of a checkpoint. */
export function formatOfName(name: string): WeightFormat {
  return name.endsWith(kerasExtension) ? 'keras' : 'tensorflow';
}

/** The files that make up the weights of this name. */
export function weightFiles(name: string, format: WeightFormat): string[] {
  return format === 'keras' ? [name] : [`${name}.index`, `${name}.data-00000-of-00001`];
}

/**
 * Finds the weights of this name: a file, or else a checkpoint of tf.keras 2, named by its prefix (`epoch_01/model.weights`) or by one of its
 * files. Throws a FileNotFoundError that says which files were looked for, and an InputError for a folder or a file of another kind.
 */
export function findWeights(name: string): { file: string; format: WeightFormat } {
  const prefix = name.replace(/\.(index|data-\d{5}-of-\d{5})$/, '');
  const hasIndex = existsSync(`${prefix}.index`);
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat?.isFile() && !(prefix !== name && hasIndex)) {
    requireWeightFile(name);
    return { file: name, format: 'keras' };
  }
  if (hasIndex) return { file: prefix, format: 'tensorflow' };
  if (stat?.isDirectory()) {
    const [found] = readdirSync(name).filter((file) => /\.weights\.h5$|\.keras$|\.index$/.test(file));
    throw new InputError('a folder, not a weight file', {
      file: name,
      expected: `a ${kerasExtension} file, or a checkpoint such as ${name}/model.weights (for model.weights.index)`,
      next: found === undefined ? undefined : `Name a file in it: ${join(name, found.replace(/\.index$/, ''))}`,
    });
  }
  if (stat) requireWeightFile(name);
  const similar = notFound(name).similar;
  throw new FileNotFoundError(`${name} (nor ${prefix}.index, as a checkpoint of tf.keras 2 would have)`, similar);
}

/** Refuses files of other kinds. Damaged HDF5 files and pointers of Git LFS are left to their readers, whose errors are more precise. */
function requireWeightFile(file: string): void {
  const { id, words } = fileKind(file);
  if (['hdf5', 'keras', 'zip', 'lfs', 'empty'].includes(id)) return;
  throw new InputError('not a weight file', {
    file,
    got: words,
    expected: 'Keras 3 weights (.weights.h5 or .keras), or a TensorFlow checkpoint',
  });
}

/**
 * Reads a weight file of either format. The file need not be trusted: anything but plain numbers is refused with an InputError.
 * The state of the optimiser is read from `.weights.h5` files only.
 */
export function readWeights(name: string): WeightsFile {
  const { file, format } = findWeights(name);
  if (format === 'keras') {
    const { weights, optimizer } = isArchive(file) ? readKerasArchive(file) : readWeightsH5(file);
    return { file, format, weights, ...(optimizer === undefined ? {} : { optimizer }), unread: [] };
  }
  const { variables, others } = readCheckpoint(file);
  return {
    file,
    format,
    weights: variables.map(({ objectPath, ...array }) => ({ path: objectPath, ...array })),
    unread: others,
  };
}

function isArchive(file: string): boolean {
  return ['keras', 'zip'].includes(fileKind(file).id);
}

/**
 * Writes the weights of a model, given by their `.weights.h5` paths in any order. Without `format` the name decides. The optimiser's state
 * goes into `.weights.h5` files only. Throws a ValueError if the weights or their shapes are not the model's, and an InputError if the
 * folder does not exist.
 */
export async function writeWeights(
  name: string,
  model: Pick<Model, 'weights' | 'objects'>,
  weights: readonly NamedArray[],
  { format = formatOfName(name), optimizer }: { format?: WeightFormat; optimizer?: readonly NdArray[] } = {},
): Promise<void> {
  const folder = dirname(name);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError('the folder does not exist', { file: folder, next: `Create it first: mkdir -p ${folder}` });
  }
  const given = new Map(weights.map((weight) => [weight.path, weight]));
  const specs = model.weights;
  const ordered = specs.map(({ path, shape }) => {
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
    const known = new Set(specs.map(({ path }) => path));
    const extra = [...given.keys()].find((path) => !known.has(path));
    throw new ValueError(`cannot write ${name}: the network has no weight ${extra}`);
  }
  if (format === 'keras') {
    await writeWeightsH5(name, {
      weights: ordered,
      objects: model.objects.map(({ path }) => path),
      ...(optimizer === undefined ? {} : { optimizer }),
    });
    return;
  }
  if (optimizer !== undefined) {
    throw new ValueError(
      `cannot write ${name}: checkpoints are written without the optimiser's state; use a ${kerasExtension} name`,
    );
  }
  if (/\.(h5|keras)$/.test(name)) {
    throw new ValueError(
      `cannot write ${name}: a checkpoint is named without an extension, e.g. resnet18.weights; weights of Keras 3 end in ${kerasExtension}`,
    );
  }
  writeCheckpoint(
    name,
    model.objects.map(({ checkpointPath: path, checkpointAlias: alias }) => ({
      path,
      ...(alias === undefined ? {} : { alias }),
    })),
    ordered.map((weight, index) => {
      const { checkpointPath: objectPath } = specs[index];
      return { objectPath, dtype: weight.dtype, shape: weight.shape, data: weight.data };
    }),
  );
}
