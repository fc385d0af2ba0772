import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { ZipFile } from '../python/zipfile.ts';
import { type KerasWeights, parseWeightsH5 } from './weights_h5.ts';

const weightsMember = 'model.weights.h5';

/**
 * Reads the weights of a whole model that Keras 3 saved (`model.save('x.keras')`): a zip archive with a weight file in it. Does not read
 * `config.json`, which can name code that Keras would import.
 *
 * @throws FileNotFoundError; InputError for an archive that is damaged, holds no weights, or unpacks to more than its budget; and as `readWeightsH5`.
 */
export function readKerasArchive(file: string): KerasWeights {
  const archive = new ZipFile(file);
  try {
    const member = archive.members.get(weightsMember);
    if (member === undefined) {
      const names = [...archive.members.keys()];
      throw new InputError('this archive is not a model that Keras 3 saved', {
        file,
        got: `an archive of ${names.slice(0, 5).join(', ') || 'nothing'}`,
        expected: weightsMember,
      });
    }
    return parseWeightsH5(`${file}: ${weightsMember}`, archive.read(member, new Budget(file, archive.size).maxBytes));
  } finally {
    archive.close();
  }
}
