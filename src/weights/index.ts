/** Weight files of Keras 3 (`.weights.h5`, `.keras`) and TensorFlow checkpoints: read, write, load into a model. */
export {
  findWeights,
  formatOfName,
  readWeights,
  type WeightFormat,
  type WeightsFile,
  weightFiles,
  weightFormats,
  writeWeights,
} from './files.ts';
export type { Match } from './loading.ts';
export { loadIntoClassifier, loadIntoModel, saveSession } from './model_weights.ts';
