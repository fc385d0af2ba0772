import { Dense } from '../../graph/layers.ts';
import { Sequential } from '../../graph/model.ts';
import type { NamedArray } from '../../lib/keras/weights_h5.ts';
import { readWeights } from '../../weights/files.ts';
import { type Arch, type PretrainingTask, type WeightLayout, weightLayout } from '../../weights/layout.ts';
import { loadWeights } from '../../weights/loading.ts';
import { ecgFeatureExtractor } from '../finetuning/utils.ts';
import { Encoder } from '../transplant/modules/transformer.ts';
import { CPCSolver } from '../transplant/tasks/cpc.ts';

/** A backbone's weights under the paths which they have in a file of their own. */
export interface PretrainedWeights {
  readonly layout: WeightLayout;
  readonly weights: readonly NamedArray[];
}

const nesting = 'layers/sequential/';

/**
 * The backbone of a pretraining checkpoint, for one lead; `writeWeights(file, layout, weights)` saves it for finetuning. Twin of
 * `pretraining.utils.get_pretrained_weights`, without building a model. Throws a ValueError unless the file holds the task's whole model with
 * this architecture and these stages.
 */
export function getPretrainedWeights(
  checkpointFile: string,
  task: PretrainingTask,
  arch: Arch = 'resnet18',
  stages?: number | null,
): PretrainedWeights {
  const solver = weightLayout({ arch, stages, head: { task } });
  const { assigned } = loadWeights(readWeights(checkpointFile), solver.weights);
  const weights = assigned
    .filter(({ path }) => path.startsWith(nesting))
    .map((weight) => ({ ...weight, path: weight.path.slice(nesting.length) }));
  return { layout: weightLayout({ arch, stages }), weights };
}

/** Classes of the tasks that have labels. */
export const classesOf = { rhythm: 6, beat: 5, hr: 4 } as const;

/**
 * The unbuilt model of a pretraining task; its outputs are logits. Classifiers take frames `(batch, samples, 1)`, CPC `context` and `samples`.
 * Throws a ValueError for an unknown task or architecture, and if no stage is left. Twin of `pretraining.utils.task_solver`.
 */
export function taskSolver(task: 'cpc', arch?: string, stages?: number | null): CPCSolver;
export function taskSolver(task: Exclude<PretrainingTask, 'cpc'>, arch?: string, stages?: number | null): Sequential;
export function taskSolver(task: PretrainingTask, arch = 'resnet18', stages?: number | null): CPCSolver | Sequential {
  const { width } = weightLayout({ arch: arch as Arch, stages, head: { task } });
  const backbone = ecgFeatureExtractor(arch, stages);
  if (task !== 'cpc') return new Sequential([backbone, new Dense(classesOf[task])]);
  return new CPCSolver(backbone, new Encoder({ numLayers: 3, dModel: width, numHeads: 8, dff: 2 * width, dropout: 0 }));
}
