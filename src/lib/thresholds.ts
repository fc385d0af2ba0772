import { type Type, typeOf } from './argparse/types.ts';
import { parseNumber } from './python/number.ts';
import { countsByScore, ratio } from './sklearn/metrics.ts';

/** How the threshold of a class is chosen: the highest F1, the largest sum of sensitivity and specificity, or a sensitivity that has to be reached. */
export type ThresholdRule = 'f1' | 'youden' | { readonly sensitivity: number };

/** What a rule is called on command lines and in files. */
export const ruleForms = ['f1', 'youden', 'sensitivity=S'] as const;

/** Reads `f1`, `youden` or `sensitivity=0.95`; undefined for another text. */
export function thresholdRule(text: string): ThresholdRule | undefined {
  if (text === 'f1' || text === 'youden') return text;
  const sensitivity = text.startsWith('sensitivity=') ? parseNumber(text.slice('sensitivity='.length)) : undefined;
  return sensitivity !== undefined && sensitivity > 0 && sensitivity <= 1 ? { sensitivity } : undefined;
}

/** The type of a flag whose value is a rule or one of `words`. */
export function ruleOr(words: readonly string[]): Type<string> {
  const expected = `${[...words, ...ruleForms].join(', ')} (S above 0, at most 1)`;
  return typeOf(expected, (text) => (words.includes(text) || thresholdRule(text) ? text : undefined));
}

/**
 * Chooses the threshold of one class: records with at least this probability are decided to have it. The distinct probabilities are the candidates, as in
 * `precision_recall_curve` and `roc_curve` of scikit-learn; of several that are equally good, the highest is taken. A sensitivity is reached by the highest threshold that has
 * it, which leaves the highest specificity.
 *
 * @param truth 0 or 1 per record.
 * @returns undefined unless some records have the class and others do not.
 * @throws ValueError for other labels, or probabilities that are not finite.
 */
export function chooseThreshold(
  rule: ThresholdRule,
  truth: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): number | undefined {
  const { falsePositives, truePositives, thresholds } = countsByScore(truth, probabilities);
  const [negatives, positives] = [falsePositives.at(-1)!, truePositives.at(-1)!];
  if (negatives === 0 || positives === 0) return undefined;
  if (typeof rule === 'object') return thresholds[truePositives.findIndex((tp) => tp / positives >= rule.sensitivity)];
  const merit = (tp: number, fp: number): number =>
    // Whole numbers, so that equal merits are equal.
    rule === 'f1' ? ratio(2 * tp, positives + tp + fp) : tp * negatives - fp * positives;
  const merits = truePositives.map((tp, i) => merit(tp, falsePositives[i]));
  const best = merits.reduce((found, value, i) => (value > merits[found] ? i : found), 0);
  return thresholds[best];
}
