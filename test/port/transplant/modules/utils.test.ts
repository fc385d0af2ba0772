import { expect, it } from 'vitest';
import { buildInputTensorFromShape } from '../../../../src/port/transplant/modules/utils.ts';

it('transplant.modules.utils.build_input_tensor_from_shape', () => {
  expect(buildInputTensorFromShape([256, 1])).toEqual({ dtype: 'float32', shape: [256, 1] });
  expect(buildInputTensorFromShape([32, 256, 1], 'float64', true)).toEqual({ dtype: 'float64', shape: [256, 1] });
  expect(buildInputTensorFromShape([[4, 1], [2]], ['float32', 'int32'])).toEqual([
    { dtype: 'float32', shape: [4, 1] },
    { dtype: 'int32', shape: [2] },
  ]);
  const shapes = { context: [8, 3, 64, 1], samples: [8, 4, 64, 1] };
  expect(buildInputTensorFromShape(shapes, { context: 'float32', samples: 'float64' }, true)).toEqual({
    context: { dtype: 'float32', shape: [3, 64, 1] },
    samples: { dtype: 'float64', shape: [4, 64, 1] },
  });
  expect(buildInputTensorFromShape({ nested: [[1], [2]] })).toEqual({
    nested: [
      { dtype: 'float32', shape: [1] },
      { dtype: 'float32', shape: [2] },
    ],
  });
  expect(() => buildInputTensorFromShape(shapes, { context: 'float32' })).toThrow(
    'no element type for the input samples',
  );
  expect(() => buildInputTensorFromShape([2], ['float32'])).toThrow('one input needs one element type');
});
