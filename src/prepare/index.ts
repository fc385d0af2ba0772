/** Collections of recordings as prepared training and test sets. */
export { dataSetFromPickle, dataSetToPickle } from '../port/finetuning/datasets/data_set.ts';
export { type CollectionOptions, collectionKinds } from './collections.ts';
export { type Conversion, type ConvertOptions, convertIcentia11k } from './icentia11k/convert.ts';
export { type Description, readDescription } from './icentia11k/description.ts';
export { formatIds, parseIds } from './icentia11k/patient_ids.ts';
export { type PrepareOptions, prepareData } from './prepare_data.ts';
export { type Preprocessing, readPreprocessing } from './preprocessing.ts';
export type { SplitBy } from './split.ts';
