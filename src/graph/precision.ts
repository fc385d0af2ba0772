import type { ElementType } from './element_type.ts';
import type { VariableType } from './variable.ts';

/** Names of the number formats. */
export const precisions = ['float32', 'bfloat16', 'float64'] as const;

/**
 * Number formats of a model.
 * - `float32`: everything in single precision, as in the original.
 * - `float64`: everything in double precision, to check formulas; batch normalisation is composed, because TensorFlow has no float64 kernel.
 * - `bfloat16`: activations, convolutions and matrix products in bfloat16; parameters, moments, batch statistics, loss and
 *   outputs in float32, as under Keras's `mixed_bfloat16` policy.
 */
export type Precision = (typeof precisions)[number];

/** What a job or a run can be given: a format, or the faster one of float32 and bfloat16 on its machine. */
export const precisionChoices = [...precisions, 'auto'] as const;

export type PrecisionChoice = (typeof precisionChoices)[number];

/** Type of the model's variables, inputs and outputs. */
export function variableType(precision: Precision): VariableType & ('float32' | 'float64') {
  return precision === 'float64' ? 'float64' : 'float32';
}

/** Type of activations between layers. */
export function computeType(precision: Precision): ElementType {
  return precision;
}
