import { InputError } from '../../errors.ts';
import { readHdf5 } from '../hdf5/reader.ts';
import { writeHdf5 } from '../hdf5/writer.ts';
import type { NdArray } from '../numpy/ndarray.ts';
import { writeFileAtomic } from '../python/atomic_file.ts';
import { ValueError } from '../python/errors.ts';
import { readWholeFile } from '../python/whole_file.ts';

/** A weight and its path in a Keras `.weights.h5` file, such as `layers/dense/vars/0`. */
export interface NamedArray extends NdArray {
  readonly path: string;
}

/** Content of a `.weights.h5` file. */
export interface KerasWeights {
  /** The variables of the layers. The variables of one layer are in Keras's order. */
  readonly weights: readonly NamedArray[];
  /** Paths of all objects with a `vars` group, empty or not. The path of the model itself is the empty string. */
  readonly objects: readonly string[];
  /** `optimizer/vars/0…`; absent if the model was never compiled. */
  readonly optimizer?: readonly NdArray[];
}

const extension = '.weights.h5';
const optimizerPath = 'optimizer';

/**
 * Reads a weight file of Keras 3. The arrays are views of one buffer. Twin of the part of `Model.load_weights` that reads.
 *
 * The file may be untrusted: `readHdf5` says what is refused with an InputError.
 */
export function readWeightsH5(file: string): KerasWeights {
  return parseWeightsH5(file, readWholeFile(file));
}

/** As `readWeightsH5`, from bytes. `file` is only for messages. */
export function parseWeightsH5(file: string, bytes: Uint8Array): KerasWeights {
  const { groups, arrays } = readHdf5(file, bytes);
  const variables = new Map<string, NdArray[]>();
  for (const group of groups) {
    if (group === 'vars' || group.endsWith('/vars')) variables.set(group.slice(0, -'/vars'.length), []);
  }
  if (!variables.has('')) throw foreignFile(file, groups, 'no group "vars"');
  for (const [path, array] of arrays) {
    const [, owner, number] = /^(?:(.*)\/)?vars\/(0|[1-9]\d{0,8})$/.exec(path) ?? [];
    const list = variables.get(owner ?? '');
    if (number === undefined || list === undefined) throw foreignFile(file, groups, `the data set ${path}`);
    list[Number(number)] = array;
  }
  const weights: NamedArray[] = [];
  for (const [object, list] of variables) {
    for (let index = 0; index < list.length; index++) {
      const array = list[index];
      const path = object === '' ? `vars/${index}` : `${object}/vars/${index}`;
      if (array === undefined) {
        throw new InputError('a variable is missing', {
          file,
          where: path,
          expected: `variables 0 to ${list.length - 1}`,
        });
      }
      if (object !== optimizerPath) weights.push({ path, ...array });
    }
  }
  const optimizer = variables.get(optimizerPath);
  return {
    weights,
    objects: [...variables.keys()].filter((object) => object !== optimizerPath),
    ...(optimizer === undefined ? {} : { optimizer }),
  };
}

/**
 * Writes a weight file that Keras 3 can load, under a temporary name, then renames it. Twin of `Model.save_weights`.
 *
 * Every object of `objects` gets a `vars` group. The file is read back and compared before it is renamed. Throws a ValueError, as Keras does, if the
 * name does not end in `.weights.h5`.
 */
export async function writeWeightsH5(file: string, { weights, objects, optimizer }: KerasWeights): Promise<void> {
  if (!file.endsWith(extension)) {
    throw new ValueError(`Keras 3 weight files end in ${extension}; got ${file}`);
  }
  const groups = [...objects, ...(optimizer === undefined ? [] : [optimizerPath])].map((object) =>
    object === '' ? 'vars' : `${object}/vars`,
  );
  const arrays = new Map<string, NdArray>();
  for (const weight of weights) arrays.set(weight.path, weight);
  (optimizer ?? []).forEach((array, index) => {
    arrays.set(`${optimizerPath}/vars/${index}`, array);
  });
  writeFileAtomic(file, await writeHdf5({ groups: [...new Set(['vars', ...groups])], arrays }));
}

function foreignFile(file: string, groups: readonly string[], got: string): InputError {
  const isKeras2 = groups.some((group) =>
    /^(_layer_checkpoint_dependencies|model_weights|optimizer_weights)\b/.test(group),
  );
  return new InputError(
    isKeras2 ? 'the file has the HDF5 layout of Keras 2' : 'the HDF5 file does not hold weights of Keras 3',
    {
      file,
      got,
      expected: 'groups named "vars" with variables numbered from 0',
      next: 'Save the weights with Keras 3: model.save_weights("….weights.h5"), or as a TensorFlow checkpoint with tf_keras.',
    },
  );
}
