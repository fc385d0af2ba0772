import { ValueError } from '../python/errors.ts';

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  /** Mean of the probabilities in the bin. */
  readonly predicted: number;
  /** Share of its samples that are positive. */
  readonly observed: number;
  readonly samples: number;
}

/**
 * Bins of equal width between 0 and 1 that have samples. Twin of `sklearn.calibration.calibration_curve(truth, probabilities, n_bins=bins)`
 * (`observed` is its `prob_true`, `predicted` its `prob_pred`): as there, a probability on an edge belongs to the bin below it.
 *
 * @param truth 0 or 1 per sample.
 * @throws ValueError for lengths that differ, or a probability outside of 0 … 1.
 */
export function calibrationCurve(
  truth: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  bins = 10,
): CalibrationBin[] {
  if (truth.length !== probabilities.length) {
    throw new ValueError(`${truth.length} labels for ${probabilities.length} probabilities`);
  }
  // The edges of numpy.linspace(0, 1, bins + 1).
  const step = 1 / bins;
  const edges = Array.from({ length: bins - 1 }, (_, i) => (i + 1) * step);
  const sums = Array.from({ length: bins }, () => ({ predicted: 0, observed: 0, samples: 0 }));
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i];
    if (!(probability >= 0 && probability <= 1)) {
      throw new ValueError(`probability ${i} is ${probability}; expected 0 … 1`);
    }
    const above = edges.findIndex((edge) => probability <= edge);
    const bin = sums[above === -1 ? bins - 1 : above];
    bin.predicted += probability;
    bin.observed += truth[i];
    bin.samples++;
  }
  return sums
    .filter(({ samples }) => samples > 0)
    .map(({ predicted, observed, samples }) => ({
      predicted: predicted / samples,
      observed: observed / samples,
      samples,
    }));
}

/**
 * Expected calibration error (Guo et al. 2017): mean distance of the observed share from the mean probability over the bins of
 * {@link calibrationCurve}, weighted by their samples. NaN without samples.
 */
export function expectedCalibrationError(curve: readonly CalibrationBin[]): number {
  const samples = curve.reduce((sum, bin) => sum + bin.samples, 0);
  return curve.reduce((sum, bin) => sum + Math.abs(bin.observed - bin.predicted) * bin.samples, 0) / samples;
}
