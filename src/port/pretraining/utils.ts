import type { NamedArray } from '../../lib/keras/weights_h5.ts';
import { readWeights } from '../weights/files.ts';
import { type Arch, type PretrainingTask, type WeightLayout, weightLayout } from '../weights/layout.ts';
import { loadWeights } from '../weights/loading.ts';

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
