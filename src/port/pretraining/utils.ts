import { Dense } from '../../graph/layers.ts';
import { Sequential } from '../../graph/model.ts';
import type { NamedArray } from '../../lib/keras/weights_h5.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { readWeights } from '../../weights/files.ts';
import { loadWeights } from '../../weights/loading.ts';
import { ecgFeatureExtractor } from '../finetuning/utils.ts';
import { dsBeatNames, dsHrNames, dsRhythmNames } from '../transplant/datasets/icentia11k.ts';
import { ResNet } from '../transplant/modules/resnet1d.ts';
import { Encoder } from '../transplant/modules/transformer.ts';
import { CPCSolver } from '../transplant/tasks/cpc.ts';

export { type UnzipOptions, unzipIcentia11k } from './utils/unzip.ts';

/** Number of classes of each task that has labels. */
export const classesOf = { rhythm: dsRhythmNames.length, beat: dsBeatNames.length, hr: dsHrNames.length } as const;

/** A pretraining task by its name on the command line. */
export type PretrainingTask = keyof typeof classesOf | 'cpc';

/** Names of the pretraining tasks. */
export const pretrainingTasks = [...Object.keys(classesOf), 'cpc'] as readonly PretrainingTask[];

/**
 * The unbuilt model of a pretraining task; its outputs are logits. Classifiers take frames `(batch, samples, 1)`, CPC takes `context` and
 * `samples`. Throws a ValueError for an unknown task or architecture, and if no stage is left. Twin of `pretraining.utils.task_solver`;
 * what `return_feature_extractor` adds there is `layers[0]` of a classifier and `signalEmbedding` of CPC.
 */
export function taskSolver(task: 'cpc', arch?: string, stages?: number | null): CPCSolver;
export function taskSolver(task: Exclude<PretrainingTask, 'cpc'>, arch?: string, stages?: number | null): Sequential;
export function taskSolver(task: PretrainingTask, arch?: string, stages?: number | null): CPCSolver | Sequential;
export function taskSolver(task: PretrainingTask, arch = 'resnet18', stages?: number | null): CPCSolver | Sequential {
  if (!pretrainingTasks.includes(task)) {
    throw new ValueError(`unknown task: got ${task}; expected ${pretrainingTasks.join(', ')}`);
  }
  const backbone = ecgFeatureExtractor(arch, stages);
  const [resnet] = backbone.layers;
  const width = resnet instanceof ResNet ? resnet.blocks.at(-1)?.width : undefined;
  if (width === undefined)
    throw new ValueError(`task ${task} needs at least one stage of blocks; got stages ${stages}`);
  if (task !== 'cpc') return new Sequential([backbone, new Dense(classesOf[task])]);
  return new CPCSolver(backbone, new Encoder({ numLayers: 3, dModel: width, numHeads: 8, dff: 2 * width, dropout: 0 }));
}

/** A backbone, and the values of its weights by their paths in a file of its own. */
export interface PretrainedWeights {
  readonly model: Sequential;
  readonly weights: readonly NamedArray[];
}

/**
 * The backbone of a pretraining checkpoint, for one lead; `writeWeights(file, model, weights)` saves it for finetuning. Twin of
 * `pretraining.utils.get_pretrained_weights`. Throws a ValueError unless the file holds the task's whole model with this architecture and
 * these stages.
 */
export function getPretrainedWeights(
  checkpointFile: string,
  task: PretrainingTask,
  arch = 'resnet18',
  stages?: number | null,
): PretrainedWeights {
  // The length of a frame does not matter to the weights.
  const frame = [1, 1];
  const solver = taskSolver(task, arch, stages);
  if (solver instanceof CPCSolver) solver.build({ context: [1, ...frame], samples: [1, ...frame] });
  else solver.build(frame);
  const { assigned } = loadWeights(readWeights(checkpointFile), solver.weights);
  const model = ecgFeatureExtractor(arch, stages).build(frame);
  // In Keras's order, the weights of the backbone come first.
  return { model, weights: model.weights.map(({ path }, i) => ({ ...assigned[i], path })) };
}
