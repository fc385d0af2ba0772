import { unknown } from '../graph/executor.ts';
import { Dense } from '../graph/layers.ts';
import type { InputShapes, Model } from '../graph/model.ts';
import type { Precision } from '../graph/precision.ts';
import { type Arch, ecgFeatureExtractor } from '../port/finetuning/utils.ts';
import { type PretrainingTask, taskSolver } from '../port/pretraining/utils.ts';
import { CPCSolver } from '../port/transplant/tasks/cpc.ts';
import { counted } from '../text.ts';

/** What is built on the backbone: the model of a pretraining task, or a classifier with this number of classes. */
export type Head = { readonly task: PretrainingTask } | { readonly classes: number };

/** The choices that decide which weights a network has. */
export interface ModelDescription {
  /** Default `resnet18`. */
  readonly arch?: Arch;
  /** End of a Python slice over the four stages; absent or null keeps all. */
  readonly stages?: number | null;
  /** Input leads; default 1. */
  readonly channels?: number;
  /** Absent: the bare backbone. */
  readonly head?: Head;
}

/** What does not decide which weights a network has. */
export interface BuildOptions {
  /** Shapes of the inputs without the batch axis, by name: `x`, or `context` and `samples`. Default: signals of any length. */
  readonly shapes?: InputShapes;
  /** Number formats; default `float32`. */
  readonly precision?: Precision;
  /** Several classes of a classifier can be true at once (sigmoid), else exactly one (softmax, the default). */
  readonly multiLabel?: boolean;
}

/**
 * The network of a description. Its `weights` and `objects` tell what a weight file has to hold, and where; building needs no TensorFlow.
 *
 * Throws a ValueError for an unknown architecture or task, and for a pretraining task on a backbone without blocks.
 */
export function buildNetwork(
  { arch, stages, channels = 1, head }: ModelDescription,
  { shapes, precision, multiLabel = false }: BuildOptions = {},
): Model {
  const signal = shapes?.x ?? [unknown, channels];
  if (head !== undefined && 'task' in head) {
    const solver = taskSolver(head.task, arch, stages);
    if (!(solver instanceof CPCSolver)) return solver.build(signal, precision);
    const { context = [1, ...signal], samples = [1, ...signal] } = shapes ?? {};
    return solver.build({ context, samples }, precision);
  }
  const model = ecgFeatureExtractor(arch, stages);
  if (head !== undefined) model.add(new Dense(head.classes, multiLabel ? 'sigmoid' : 'softmax'));
  return model.build(signal, precision);
}

/** One line for people, e.g. `resnet18 backbone, 1 lead`. */
export function describeModel({ arch = 'resnet18', stages, channels = 1, head }: ModelDescription): string {
  const depth = stages === undefined || stages === null ? '' : `, ${counted(stages, 'stage')}`;
  const leads = counted(channels, 'lead');
  if (head === undefined) return `${arch} backbone${depth}, ${leads}`;
  if ('task' in head) return `${arch} pretraining model for ${head.task}${depth}, ${leads}`;
  return `${arch} classifier${depth}, ${leads}, ${head.classes} classes`;
}
