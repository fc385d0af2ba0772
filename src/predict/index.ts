/** Predictions of a finetuned network for recordings and prepared sets. */
export { decidedClasses, type Prediction, Predictor, predictionFrame, type RecordOptions } from './predict.ts';
