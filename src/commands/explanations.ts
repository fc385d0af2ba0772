import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { near } from '../lib/near.ts';
import { ndarray } from '../lib/numpy/ndarray.ts';
import { writeNpz } from '../lib/numpy/npz.ts';
import { type AnyArray, textArray } from '../lib/numpy/object_array.ts';
import type { Explanation } from '../predict/attribution.ts';
import type { ExplanationOptions, Prediction, Predictor } from '../predict/predict.ts';
import type { NamedRecording } from '../recordings/record_files.ts';

/** Draws one recording with its prediction. */
export type Draw = (recording: NamedRecording, explanation?: Explanation) => void;

/** The file of the explanation of a recording. */
export function explanationFile(folder: string, label: string): string {
  return join(folder, `${label}.npz`);
}

/** Throws a UsageError unless the network has this class. */
export function requireClass(name: string, classes: readonly string[]): void {
  if (classes.includes(name)) return;
  throw new UsageError('--explain-class: the network has no such class', {
    got: name,
    expected: classes.join(', '),
    next: near(name, classes),
  });
}

/** Explains each recording, writes the explanation, and draws it. */
export async function explainAll(
  folder: string,
  recordings: readonly NamedRecording[],
  prediction: Prediction,
  predictor: Predictor,
  { className, ...options }: ExplanationOptions & { readonly className?: string },
  draw?: Draw,
): Promise<void> {
  const classes = new Map(prediction.recordIds.map((path, row) => [path, mostProbableClass(prediction, row)]));
  const requests = recordings.map(({ path }) => ({ path, className: className ?? classes.get(path)! }));
  const { leads, recordedFs, fs } = predictor.recordPlan(options);
  let next = 0;
  for await (const explanation of predictor.explainRecords(requests, options)) {
    const recording = recordings[next++];
    const file = explanationFile(folder, recording.label);
    mkdirSync(dirname(file), { recursive: true });
    await writeNpz(file, explanationArrays(explanation, leads, fs ?? recordedFs), { compress: true });
    draw?.(recording, explanation);
  }
}

function mostProbableClass({ classes, probabilities }: Prediction, row: number): string {
  const values = probabilities.data.subarray(row * classes.length, (row + 1) * classes.length) as Float32Array;
  return classes[values.indexOf(Math.max(...values))];
}

/** What a file of an explanation holds; docs/explain.md lists it. */
function explanationArrays(explanation: Explanation, leads: readonly string[], fs: number): Record<string, AnyArray> {
  const { attributions, gradient, signal, className, probability, baselineProbability, padding, steps } = explanation;
  const scalar = (value: number): AnyArray => ndarray('float64', [], Float64Array.of(value));
  return {
    attributions,
    gradient,
    signal,
    leads: textArray(leads),
    class: textArray([className], []),
    probability: scalar(probability),
    baseline_probability: scalar(baselineProbability),
    steps: scalar(steps),
    sampling_rate: scalar(fs),
    padding: scalar(padding),
  };
}
