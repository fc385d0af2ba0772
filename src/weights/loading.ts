import type { WeightSpec } from '../graph/layer.ts';
import type { NamedArray } from '../lib/keras/weights_h5.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import type { WeightFormat, WeightsFile } from './files.ts';

/** How well the weights of a file fit a model. */
export interface Match {
  /** Weights to assign, in the model's order and under the model's paths. */
  readonly assigned: readonly NamedArray[];
  /** Paths of the model's weights that the file lacks. */
  readonly missing: readonly string[];
  /** Weights that have another shape in the file. */
  readonly mismatched: readonly {
    readonly path: string;
    readonly file: readonly number[];
    readonly model: readonly number[];
  }[];
  /** Weights of the file that the model lacks, under their names in the file. */
  readonly ignored: readonly string[];
}

/** The name of a model's weight in files of a format. */
export function nameIn(
  format: WeightFormat,
  { path, checkpointPath }: Pick<WeightSpec, 'path' | 'checkpointPath'>,
): string {
  return format === 'keras' ? path : checkpointPath;
}

/** Compares a file with a model by Keras's rules: weights belong together by name; what only the file has is ignored. */
export function matchWeights(
  { format, weights }: Pick<WeightsFile, 'format' | 'weights'>,
  model: readonly WeightSpec[],
): Match {
  const given = new Map(weights.map((weight) => [weight.path, weight]));
  const assigned: NamedArray[] = [];
  const missing: string[] = [];
  const mismatched: { path: string; file: readonly number[]; model: readonly number[] }[] = [];
  for (const spec of model) {
    const { path, shape } = spec;
    const name = nameIn(format, spec);
    const weight = given.get(name);
    given.delete(name);
    if (weight === undefined) missing.push(path);
    else if (weight.shape.join() !== shape.join()) mismatched.push({ path, file: weight.shape, model: shape });
    else assigned.push({ ...weight, path });
  }
  return { assigned, missing, mismatched, ignored: [...given.keys()] };
}

/**
 * The weights to assign to a model. Twin of `Model.load_weights` with Keras 3's rules for both formats: objects that only the file has are
 * ignored; a missing weight or another shape is a ValueError. Unlike in Keras, the error comes before anything is assigned. Unlike in
 * TensorFlow 2.1, no layer silently keeps its random values.
 */
export function loadWeights(file: WeightsFile, model: readonly WeightSpec[]): Match {
  const match = matchWeights(file, model);
  if (match.missing.length === 0 && match.mismatched.length === 0) return match;
  throw new ValueError(explain(file, model, match));
}

/**
 * As `loadWeights`, for a classifier that is about to be finetuned. `target` says what was loaded: a file without a head goes into the
 * backbone alone, and the head keeps its initial values (Quirk Q35: Keras 3 would refuse such a file, TensorFlow 2.1 accepted it).
 */
export function loadForFinetuning(
  file: WeightsFile,
  model: readonly WeightSpec[],
): Match & { readonly target: 'backbone' | 'model' } {
  const head = new Set(model.filter(isHead).map((weight) => nameIn(file.format, weight)));
  if (file.weights.some(({ path }) => head.has(path))) return { ...loadWeights(file, model), target: 'model' };
  const backbone = model.filter((weight) => !isHead(weight));
  return { ...loadWeights(file, backbone), target: 'backbone' };
}

function isHead({ path }: WeightSpec): boolean {
  return path.startsWith('layers/dense/');
}

/** Path of a backbone inside a pretraining model. */
const nesting = 'layers/sequential/';

function explain(file: WeightsFile, model: readonly WeightSpec[], match: Match): string {
  const { missing, mismatched, assigned } = match;
  const [stem] = model;
  const isNested = stem.path.startsWith(nesting);
  const { path, checkpointPath } = stem;
  const bareStem = isNested
    ? { path: path.slice(nesting.length), checkpointPath: checkpointPath.slice(checkpointPath.indexOf('/') + 1) }
    : stem;
  const fileIsNested = file.weights.some((weight) => weight.path.endsWith(`/${nameIn(file.format, bareStem)}`));
  if (fileIsNested && !isNested) {
    return `${file.file} holds a whole pretraining model, not a backbone. Take the backbone out: ecg-transplant weights --checkpoint-file ${file.file} --task TASK`;
  }
  if (!fileIsNested && isNested) {
    return `${file.file} does not hold a pretraining model. Pass a file that the pretraining trainer wrote`;
  }
  const [first] = mismatched;
  if (first?.path === stem.path && first.file.length === 3) {
    const [found, wanted] = [first.file[1], first.model[1]];
    // Quirk Q51: kept as an error; skipping the first kernel would leave it random.
    const next =
      found === 1
        ? `. Spread them over the leads first: ecg-transplant adjust-network --weights-file ${file.file} --channels ${wanted}`
        : '';
    return `${file.file} holds weights for ${leads(found)}; the model takes ${leads(wanted)}${next}`;
  }
  const faults = [
    first && `${first.path} has shape (${first.file.join(', ')}); expected (${first.model.join(', ')})`,
    missing[0] !== undefined && `${missing[0]} is missing`,
  ].filter(Boolean);
  const count = `${missing.length} of ${model.length} weights are missing and ${mismatched.length} have another shape (${assigned.length} fit)`;
  return `${file.file} does not fit the model: ${count}; first: ${faults.join('; ')}. Check --arch and --stages: ecg-transplant inspect ${file.file}`;
}

function leads(count: number | undefined): string {
  return `${count} lead${count === 1 ? '' : 's'}`;
}

/** State of the Adam optimiser in Keras's units. */
export interface AdamState {
  /** Steps taken. */
  readonly iterations: bigint;
  readonly learningRate: number;
  /** First and second moment of each trainable weight, by its path; empty before the first step. */
  readonly moments: ReadonlyMap<string, { readonly m: NdArray; readonly v: NdArray }>;
}

/**
 * Reads the variables of Adam from a `.weights.h5` file: iterations, learning rate, then the first and second moment of each trainable weight.
 * Throws a ValueError if their number or shapes do not fit the model (Keras warns and ignores them).
 */
export function readAdamState(
  file: string,
  variables: readonly NdArray[],
  trainable: readonly Pick<WeightSpec, 'path' | 'shape'>[],
): AdamState {
  const [iterations, learningRate, ...slots] = variables;
  if (
    iterations?.dtype !== 'int64' ||
    learningRate?.dtype !== 'float32' ||
    (slots.length !== 0 && slots.length !== 2 * trainable.length)
  ) {
    throw new ValueError(
      `${file}: the state of the optimiser does not belong to Adam on this model: got ${variables.length} variables; expected ${2 + 2 * trainable.length}, or 2 before training`,
    );
  }
  const moments = new Map<string, { m: NdArray; v: NdArray }>();
  for (const [index, { path, shape }] of (slots.length === 0 ? [] : trainable).entries()) {
    const [m, v] = [slots[2 * index], slots[2 * index + 1]];
    if (m.shape.join() !== shape.join() || v.shape.join() !== shape.join()) {
      throw new ValueError(
        `${file}: moments of ${path} have shapes (${m.shape.join(', ')}) and (${v.shape.join(', ')}); expected (${shape.join(', ')})`,
      );
    }
    moments.set(path, { m, v });
  }
  return { iterations: iterations.data[0] as bigint, learningRate: learningRate.data[0] as number, moments };
}

/** The variables of `optimizer/vars` for this state, in Keras's order: the inverse of `readAdamState`. Throws a ValueError if a moment is missing. */
export function adamVariables(
  { iterations, learningRate, moments }: AdamState,
  trainable: readonly Pick<WeightSpec, 'path'>[],
): NdArray[] {
  const slots = (moments.size === 0 ? [] : trainable).flatMap(({ path }) => {
    const pair = moments.get(path);
    if (pair === undefined) throw new ValueError(`the state of the optimiser lacks the moments of ${path}`);
    return [pair.m, pair.v];
  });
  return [
    { dtype: 'int64', shape: [], data: BigInt64Array.of(iterations) },
    { dtype: 'float32', shape: [], data: Float32Array.of(learningRate) },
    ...slots,
  ];
}
