import { join } from 'node:path';
import { Adam } from '../../../graph/optimizers.ts';
import { ndarray } from '../../../lib/numpy/ndarray.ts';
import { dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import { pretrainingAdam } from '../../../port/pretraining/trainer/solver.ts';
import { savePkl } from '../../../port/transplant/utils.ts';
import { exactly, vector } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';
import { int64 } from '../shared/data_cases.ts';

/** The optimisers that both trainers of the original make, by their settings: steps would hide small differences. */
export const settingsCase: SuiteCase = {
  name: 'Adam as the trainers set it',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const [records, samples] = [4, 8];
    const x = ndarray('float32', [records, samples, 1], new Float32Array(records * samples));
    const ids = Array.from({ length: records }, (_, i) => i);
    const labels = Int32Array.from({ length: 2 * records }, (_, i) => (i % 2 === Math.floor(i / 2) % 2 ? 1 : 0));
    const [set, frames] = ['set.pkl', 'frames.pkl'].map((file) => join(scratch, file));
    await savePkl(
      set,
      dataSetToPickle({ x, y: ndarray('int32', [records, 2], labels), recordIds: ids, classes: ['A', 'N'] }),
    );
    const y = ndarray('int32', [records], Int32Array.from(ids));
    await savePkl(frames, { x, y, patient_ids: int64(ids) });
    const job = ['--job-dir', join(scratch, 'job')];
    const pretraining = ['--task', 'hr', '--frame-size', `${samples}`];
    const trainers = [
      { module: 'finetuning.trainer', argv: [...job, '--train', set], adam: new Adam() },
      { module: 'pretraining.trainer', argv: [...job, '--train', frames, ...pretraining], adam: pretrainingAdam() },
    ] as const;
    const pairs = [];
    for (const { module, argv, adam } of trainers) {
      const theirs = await original.data.optimizerSettings(module, argv);
      const { learningRate, beta1, beta2, epsilon } = adam;
      const ours = { learning_rate: Math.fround(learningRate), beta_1: beta1, beta_2: beta2, epsilon };
      for (const [name, value] of Object.entries(ours)) {
        pairs.push({ name: `${module}, ${name}`, port: vector([value]), original: vector([theirs[name]]) });
      }
    }
    return [exactly('optimiser', `${pairs.length} settings of both trainers`, pairs)];
  },
};
