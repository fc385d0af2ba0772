/** TensorFlow graphs from Node: layers, models, optimisers and sessions (docs/graph.md). */
export type { Attribute, Attributes } from './attributes.ts';
export type { Context } from './context.ts';
export type { Executor, Tensor, TensorSpec } from './executor.ts';
export {
  type Batch,
  type Batches,
  beginning,
  evaluate,
  type FitOptions,
  type FitResult,
  type FitState,
  fit,
} from './fit.ts';
export {
  constant,
  glorotUniform,
  ones,
  truncatedNormal,
  varianceScaling,
  zeros,
} from './initializers.ts';
export type { ChooseKernels, Convolution, ConvolutionKernels, FilterGradient } from './kernels.ts';
export { Layer } from './layer.ts';
export * from './layers.ts';
export type { LossName } from './losses.ts';
export { BaseModel, type InputShapes, type Model, Sequential } from './model.ts';
export { Adam, type AdamOptions } from './optimizers.ts';
export type { Precision } from './precision.ts';
export { Generator } from './random.ts';
export { type CompileOptions, compile, type Session, type StepResult } from './session.ts';
export type { Initializer, Variable, VariableSpec } from './variable.ts';
