import type { Model } from '../../../graph/model.ts';
import { Adam } from '../../../graph/optimizers.ts';
import type { Precision } from '../../../graph/precision.ts';
import { type CompileOptions, compile, type Session } from '../../../graph/session.ts';
import { type OptimizerOptions, optimizerOptionsOf } from '../../../jobs/optimizer_options.ts';
import { buildNetwork } from '../../../networks/network.ts';
import type { Arch } from '../../finetuning/utils.ts';
import { frameOptions, inputShapes } from './frames.ts';
import type { PretrainOptions } from './options.ts';

/** The optimiser of pretraining, with what the original does not set. */
export function pretrainingAdam(options: OptimizerOptions = {}): Adam {
  const { learningRate = 1e-3, ...others } = optimizerOptionsOf(options);
  return new Adam({ learningRate, beta1: 0.9, beta2: 0.98, epsilon: 1e-9, ...others });
}

/** The model of a task, without a session. */
export function buildSolver(options: Omit<PretrainOptions, 'precision'>, precision?: Precision): Model {
  const { task, arch, stages } = options;
  const description = { arch: arch as Arch | undefined, stages, head: { task } };
  return buildNetwork(description, { shapes: inputShapes(frameOptions(options)), precision });
}

/**
 * The compiled model of a task, with fresh weights; dispose of it. `devices` are TensorFlow's names of those that share every batch; default:
 * one device. What `auto` stands for is known to the job alone, so the number format is given apart.
 */
export function createSolver(
  options: Omit<PretrainOptions, 'precision'>,
  initSeed: number,
  { precision, ...others }: { readonly precision?: Precision } & Pick<CompileOptions, 'devices' | 'kernelsOf'> = {},
): Session {
  return compile(buildSolver(options, precision), {
    loss: 'sparse_categorical_crossentropy',
    optimizer: pretrainingAdam(options),
    seed: initSeed,
    ...others,
  });
}
