import { describe, expect, it } from 'vitest';
import { Context } from '../../../../src/graph/context.ts';
import { EagerExecutor } from '../../../../src/graph/eager.ts';
import { initialValue } from '../../../../src/graph/variable.ts';
import { ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { AssertionError, ValueError } from '../../../../src/lib/python/errors.ts';
import { AttentionPooling } from '../../../../src/port/transplant/modules/attn_pool.ts';
import {
  Encoder,
  MultiHeadAttention,
  positionalEmbedding,
} from '../../../../src/port/transplant/modules/transformer.ts';
import { distance, normal } from '../../../graph/keras_reference.ts';

it('transplant.modules.transformer.positional_embedding', () => {
  const { shape, data } = positionalEmbedding(3, 4);
  expect(shape).toEqual([3, 4]);
  expect([...data.slice(0, 4)]).toEqual([0, 1, 0, 1]);
  const expected = [0.84147096, 0.5403023, 0.00999983, 0.99995];
  for (const [i, value] of expected.entries()) expect(data[4 + i]).toBeCloseTo(value, 7);
});

describe('transplant.modules.attn_pool.AttentionPooling', () => {
  it('ignores masked steps, whatever they contain', () => {
    const executor = new EagerExecutor();
    try {
      const pooling = new AttentionPooling(new Encoder({ numLayers: 2, dModel: 8, numHeads: 2, dff: 16 }));
      expect(pooling.buildAt('', [-1, 4, 8], 'float64')).toEqual([-1, 8]);
      for (const variable of pooling.variables) {
        executor.run({ value: initialValue(variable, 1) }, ({ value }) => {
          executor.write('AssignVariableOp', [variable], [value], { dtype: { type: 'float64' } });
          return {};
        });
      }
      const x = normal([2, 4, 8], 'sequence');
      const other = ndarray(
        'float64',
        x.shape,
        x.data.map((value, i) => (Math.floor(i / 8) % 4 === 3 ? 100 : value)),
      );
      const mask = ndarray('float64', [2, 4], Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1));
      const pool = (sequence: typeof x, withMask: boolean) =>
        executor.run({ sequence, mask }, (inputs) => {
          const c = new Context(executor, { training: false, precision: 'float64' });
          return { y: pooling.apply(c, { x: inputs.sequence, mask: withMask ? inputs.mask : undefined }) };
        }).y;
      expect(distance(pool(other, true), pool(x, true))).toBeLessThanOrEqual(1e-12);
      expect(distance(pool(other, false), pool(x, false))).toBeGreaterThan(1e-3);
    } finally {
      executor.dispose();
    }
  });
});

it('transplant.modules.transformer.MultiHeadAttention raises an AssertionError unless dModel is a multiple of numHeads', () => {
  expect(() => new MultiHeadAttention(10, 4)).toThrow(AssertionError);
});

it('transplant.modules.transformer.Encoder refuses sequences longer than maxSeqLen', () => {
  const encoder = new Encoder({ dModel: 8, numHeads: 2, maxSeqLen: 4 });
  expect(() => encoder.buildAt('', [-1, 5, 8], 'float32')).toThrow(ValueError);
});
