import { describe, expect, it } from 'vitest';
import type { Precision } from '../../../../src/graph/precision.ts';
import { compile } from '../../../../src/graph/session.ts';
import { ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { ecgFeatureExtractor } from '../../../../src/port/finetuning/utils.ts';
import { Encoder } from '../../../../src/port/transplant/modules/transformer.ts';
import { CPCSolver } from '../../../../src/port/transplant/tasks/cpc.ts';
import { classes, distance, normal } from '../../../graph/keras_reference.ts';

// Equality with Keras is proved in ../modules/keras_parity.test.ts.
const inputs = (batch: number) => ({
  context: normal([batch, 3, 64, 1], 'context'),
  samples: normal([batch, 4, 64, 1], 'samples'),
});

function solver(precision: Precision, dropout = 0) {
  const encoder = new Encoder({ numLayers: 2, dModel: 64, numHeads: 4, dff: 128, dropout });
  const model = new CPCSolver(ecgFeatureExtractor('resnet18', 1), encoder);
  model.build({ context: [3, 64, 1], samples: [4, 64, 1] }, precision);
  return compile(model, { loss: 'sparse_categorical_crossentropy', seed: 2, inspect: true });
}

describe('transplant.tasks.cpc.CPCSolver', () => {
  it('scores every candidate, for any batch size, and learns in float32 and bfloat16', () => {
    const [wide, narrow] = [solver('float32'), solver('bfloat16')];
    try {
      const y = classes(8, 4);
      const scores = wide.predict(inputs(8));
      expect(scores.shape).toEqual([8, 4]);
      expect(distance(narrow.predict(inputs(8)), scores)).toBeLessThanOrEqual(0.05);
      const one = { context: normal([1, 3, 64, 1], 'context'), samples: normal([1, 4, 64, 1], 'samples') };
      expect(
        distance(wide.predict(one), ndarray('float32', [1, 4], (scores.data as Float32Array).slice(0, 4))),
      ).toBeLessThanOrEqual(1e-4);
      for (const session of [wide, narrow]) {
        const losses = Array.from({ length: 15 }, () => session.train(inputs(8), y).loss);
        expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]);
      }
    } finally {
      wide.dispose();
      narrow.dispose();
    }
  });

  it('dropout changes from step to step, repeats after a restore and is off in inference', () => {
    const session = solver('float32', 0.3);
    try {
      const x = inputs(4);
      const y = classes(4, 4);
      expect(session.predict(x)).toEqual(session.predict(x));
      const state = session.read();
      const first = session.train(x, y, { learningRate: 0 }).loss;
      expect(session.train(x, y, { learningRate: 0 }).loss).not.toBe(first);
      session.assign(state);
      expect(session.train(x, y, { learningRate: 0 }).loss).toBe(first);
    } finally {
      session.dispose();
    }
  });

  it('names the missing input', () => {
    const session = solver('float32');
    try {
      expect(() => session.predict({ context: inputs(2).context })).toThrow('the input samples is missing');
      expect(() => session.predict({ ...inputs(2), samples: normal([3, 4, 64, 1], 's') })).toThrow(
        'samples: got 3 samples, the other inputs have 2',
      );
    } finally {
      session.dispose();
    }
  });
});
