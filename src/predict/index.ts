/** Predictions of a finetuned network for recordings and prepared sets. */
export type { Attribution, Explanation, ExplanationRequest } from './attribution.ts';
export {
  decidedClasses,
  type ExplanationOptions,
  type Prediction,
  Predictor,
  type PredictorOptions,
  predictionFrame,
  type RecordOptions,
} from './predict.ts';
