import type { Precision } from '../graph/precision.ts';
import { packageVersion } from '../jobs/environment.ts';
import { thresholdValues } from '../jobs/job_thresholds.ts';
import { inputName, outputName } from './forward.ts';
import type { TrainedClassifier } from './job.ts';

/** Key of the description among the metadata of an ONNX model, and name of its file in a SavedModel. */
export const metadataKey = 'ecg_transplant';

/** What a program needs to know to use an exported model. The same for both formats; `docs/export.md` explains the fields. */
export type ExportMetadata = ReturnType<typeof describeExport>;

/** The description of an exported model that computes in this precision. */
export function describeExport(
  { model, preprocessing, thresholds, weightsDigest }: TrainedClassifier,
  precision: Precision,
) {
  const { samplingRate, leads, units, normalization, resampling, padding, dtype, collection, classes } = preprocessing;
  return {
    format: 1,
    program: { name: 'ecg-transplant', version: packageVersion() },
    notice: 'For research, not for diagnosis.',
    network: { arch: model.arch, precision, trainedIn: model.precision, weightsSha256: weightsDigest },
    classes: model.classes,
    /** `sigmoid`: each class by itself, threshold 0.5. `softmax`: exactly one class, the most probable. */
    activation: model.multiLabel ? 'sigmoid' : 'softmax',
    decision: thresholds
      ? 'every class with a probability of at least its threshold'
      : model.multiLabel
        ? 'every class with a probability of at least 0.5'
        : 'the class with the largest probability',
    /** Of the classes, in their order, if the job chose its own. */
    ...(thresholds && { thresholds: thresholdValues(thresholds, model.classes, 'float32') }),
    input: {
      name: inputName,
      dtype: 'float32',
      axes: ['batch', 'time', 'lead'],
      units,
      samplingRate,
      leads,
      /** Samples that the network sees. */
      samples: model.samples,
      otherLengths:
        padding === null
          ? 'refused'
          : 'the model pads shorter recordings with zeros in front, after normalisation, and cuts the start off longer ones',
    },
    output: { name: outputName, dtype: 'float32', axes: ['batch', 'class'] },
    /** How the training data were prepared. The model itself normalises and pads; resampling is left to the caller. */
    preprocessing: {
      collection,
      samplingRate,
      leads,
      units,
      normalization,
      resampling,
      padding,
      dtype,
      classes,
      multiLabel: preprocessing.multiLabel,
    },
  } as const;
}
