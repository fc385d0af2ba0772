import { beforeAll, describe, expect, it } from 'vitest';
import { Dense } from '../../../../src/graph/layers.ts';
import { ecgFeatureExtractor } from '../../../../src/port/finetuning/utils.ts';
import { Encoder } from '../../../../src/port/transplant/modules/transformer.ts';
import { CPCSolver } from '../../../../src/port/transplant/tasks/cpc.ts';
import {
  type Comparison,
  classes,
  compareWithKeras,
  type Distances,
  multiHot,
  normal,
  oneHot,
} from '../../../graph/keras_reference.ts';

const finetuning = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const pretraining = { learningRate: 1e-3, beta1: 0.9, beta2: 0.98, epsilon: 1e-9 };

const cases: Record<string, Comparison> = {
  'finetuning.utils.ecg_feature_extractor(resnet18) with a softmax head': {
    model: ecgFeatureExtractor('resnet18').add(new Dense(4, 'softmax')).build([256, 1], 'float64'),
    settings: {
      arch: 'resnet18',
      task: 'classify',
      units: 4,
      activation: 'softmax',
      loss: 'categorical_crossentropy',
      adam: finetuning,
      steps: 10,
    },
    x: normal([6, 256, 1], 'softmax'),
    y: oneHot(classes(6, 4), 4),
  },
  'finetuning.utils.ecg_feature_extractor(resnet50, stages=2) on twelve leads with a sigmoid head': {
    model: ecgFeatureExtractor('resnet50', 2).add(new Dense(5, 'sigmoid')).build([99, 12], 'float64'),
    settings: {
      arch: 'resnet50',
      stages: 2,
      task: 'classify',
      units: 5,
      activation: 'sigmoid',
      loss: 'binary_crossentropy',
      adam: finetuning,
      steps: 10,
    },
    x: normal([4, 99, 12], 'sigmoid'),
    y: multiHot(4, 5),
  },
  'pretraining.utils.task_solver(cpc, stages=1)': {
    model: new CPCSolver(
      ecgFeatureExtractor('resnet18', 1),
      new Encoder({ numLayers: 3, dModel: 64, numHeads: 8, dff: 128, dropout: 0 }),
    ).build({ context: [3, 64, 1], samples: [4, 64, 1] }, 'float64'),
    settings: {
      arch: 'resnet18',
      stages: 1,
      task: 'cpc',
      loss: 'sparse_categorical_crossentropy',
      adam: pretraining,
      steps: 10,
    },
    x: { context: normal([5, 3, 64, 1], 'context'), samples: normal([5, 4, 64, 1], 'samples') },
    y: classes(5, 4),
  },
};

describe.each(Object.entries(cases))('%s equals Keras in float64', (title, { model }) => {
  let result: Distances;

  it('has the same weights in the same order', () => {
    const shapes = model.weights.map(({ shape, trainable }) => ({ shape, trainable }));
    expect(result.keras.map(({ shape, trainable }) => ({ shape, trainable }))).toEqual(shapes);
  });

  it('gives the same predictions and gradients', () => {
    expect(result.predictions).toBeLessThanOrEqual(1e-10);
    expect(result.gradients).toBeLessThanOrEqual(1e-10);
  });

  it('runs freely through ten steps of Adam with the same losses and weights', () => {
    expect(result.losses).toBeLessThanOrEqual(1e-9);
    expect(result.weights).toBeLessThanOrEqual(1e-9);
  });

  beforeAll(async () => {
    result = (await results())[Object.keys(cases).indexOf(title)]!;
  }, 300_000);
});

let running: Promise<Distances[]> | undefined;

/** One Keras process serves all cases. */
function results(): Promise<Distances[]> {
  running ??= compareWithKeras(Object.values(cases));
  return running;
}
