import { beforeAll, describe, expect, it } from 'vitest';
import { Dense } from '../../../../src/graph/layers.ts';
import { Sequential } from '../../../../src/graph/model.ts';
import { ecgFeatureExtractor } from '../../../../src/port/finetuning/utils.ts';
import { classesOf, taskSolver } from '../../../../src/port/pretraining/utils.ts';
import { ResNet } from '../../../../src/port/transplant/modules/resnet1d.ts';
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
const steps = 10;

/** A finetuning model with a softmax or sigmoid head on `batch` signals. */
export function finetuningCase(
  arch: string,
  activation: 'softmax' | 'sigmoid',
  [batch, samples, leads]: [number, number, number],
  stages?: number,
): Comparison {
  const units = 5;
  const loss = activation === 'softmax' ? 'categorical_crossentropy' : 'binary_crossentropy';
  return {
    model: ecgFeatureExtractor(arch, stages).add(new Dense(units, activation)).build([samples, leads], 'float64'),
    settings: { arch, stages, task: 'classify', units, activation, loss, adam: finetuning, steps },
    x: normal([batch, samples, leads], `${arch} ${activation}`),
    y: activation === 'softmax' ? oneHot(classes(batch, units), units) : multiHot(batch, units),
  };
}

/** A whole ResNet with its own top and default kernels; one output makes a sigmoid. */
export function topCase(units: number, [batch, samples]: [number, number]): Comparison {
  const loss = units === 1 ? 'binary_crossentropy' : 'categorical_crossentropy';
  return {
    model: new Sequential([new ResNet({ numOutputs: units })]).build([samples, 1], 'float64'),
    settings: { arch: 'resnet18', task: 'top', units, loss, adam: finetuning, steps },
    x: normal([batch, samples, 1], 'top'),
    y: units === 1 ? multiHot(batch, 1) : oneHot(classes(batch, units), units),
  };
}

/** A pretraining classifier; logits out. */
export function pretrainingCase(
  task: 'rhythm' | 'beat' | 'hr',
  arch: string,
  [batch, samples]: [number, number],
): Comparison {
  return {
    model: taskSolver(task, arch).build([samples, 1], 'float64'),
    settings: { arch, task, loss: 'sparse_categorical_crossentropy', adam: pretraining, steps },
    x: normal([batch, samples, 1], task),
    y: classes(batch, classesOf[task]),
  };
}

/** Contrastive predictive coding with a context of 3 and 4 candidate frames. */
export function cpcCase(arch: string, [batch, samples]: [number, number], stages?: number): Comparison {
  const shapes = { context: [3, samples, 1], samples: [4, samples, 1] };
  return {
    model: taskSolver('cpc', arch, stages).build(shapes, 'float64'),
    settings: { arch, stages, task: 'cpc', loss: 'sparse_categorical_crossentropy', adam: pretraining, steps },
    x: {
      context: normal([batch, ...shapes.context], 'context'),
      samples: normal([batch, ...shapes.samples], 'samples'),
    },
    y: classes(batch, 4),
  };
}

/** Tests that the port's models equal Keras's in float64; one Keras process serves all cases. A case may `declare` what it proves. */
export function describeParity(cases: Readonly<Record<string, Comparison & { declare?: () => void }>>): void {
  let running: Promise<Distances[]> | undefined;

  describe.each(Object.entries(cases))('%s equals Keras in float64', (title, { model, declare }) => {
    let result: Distances;

    beforeAll(async () => {
      running ??= compareWithKeras(Object.values(cases));
      result = (await running)[Object.keys(cases).indexOf(title)];
    }, 1_700_000);

    it('has the same weights in the same order', () => {
      const shapes = model.weights.map(({ shape, trainable }) => ({ shape, trainable }));
      expect(result.keras.map(({ shape, trainable }) => ({ shape, trainable }))).toEqual(shapes);
    });

    it('has the paths of a Keras weight file', () => {
      // The root's path is empty; the file holds its empty group `vars`.
      expect([...result.file.objects].sort()).toEqual(model.objects.map(({ path }) => path).sort());
      expect([...result.file.variables].sort()).toEqual(model.weights.map(({ path }) => path).sort());
    });

    it('gives the same predictions and gradients', () => {
      declare?.();
      expect(result.predictions).toBeLessThanOrEqual(1e-10);
      expect(result.gradients).toBeLessThanOrEqual(1e-10);
    });

    it('runs freely through ten steps of Adam with the same losses and weights', () => {
      // The untrained CPC has logits of hundreds, and Adam with an ε of 1e-9 amplifies rounding: the original's ten losses on one and on two
      // threads are 1.3e-7 apart. 6e-9 was measured here.
      expect(result.losses).toBeLessThanOrEqual(title.startsWith('CPC') ? 6e-8 : 1e-9);
      // The bias of attention's keys has a zero gradient, and pretraining's ε of 1e-9 does not silence its rounding.
      expect(result.weights).toBeLessThanOrEqual(title.includes('CPC') ? 1e-7 : 1e-9);
    });
  });
}
