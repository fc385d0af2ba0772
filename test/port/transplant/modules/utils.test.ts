import { expect, it } from 'vitest';
import {
  buildInputTensorFromShape,
  type DTypeStructure,
  type ShapeStructure,
} from '../../../../src/port/transplant/modules/utils.ts';
import { proves } from '../../../proofs/proves.ts';
import { runPython } from '../../../python.ts';

const shapes = { context: [8, 3, 64, 1], samples: [8, 4, 64, 1] };
const cases: [shape: ShapeStructure, dtype: DTypeStructure | undefined, ignoreBatchDim: boolean][] = [
  [[256, 1], undefined, false],
  [[32, 256, 1], 'float64', true],
  [[[4, 1], [2]], ['float32', 'int32'], false],
  [shapes, { context: 'float32', samples: 'float64' }, true],
  [{ nested: [[1], [2]] }, undefined, false],
];

const program = `
import json, sys
import tensorflow as tf
from transplant.modules.utils import build_input_tensor_from_shape

def mapped(leaf, is_leaf, structure):
    if is_leaf(structure):
        return leaf(structure)
    if isinstance(structure, dict):
        return {name: mapped(leaf, is_leaf, part) for name, part in structure.items()}
    return [mapped(leaf, is_leaf, part) for part in structure]

def is_shape(part):
    return isinstance(part, list) and all(isinstance(extent, int) for extent in part)

def described(tensor):
    return {"dtype": tensor.dtype, "shape": list(tensor.shape[1:])}  # Keras adds the batch.

print(json.dumps([
    mapped(described, lambda part: not isinstance(part, (list, dict)),
           build_input_tensor_from_shape(mapped(tf.TensorShape, is_shape, shape), dtype, ignore_batch_dim))
    for shape, dtype, ignore_batch_dim in json.load(sys.stdin)
]))`;

it('transplant.modules.utils.build_input_tensor_from_shape: shapes and types as Keras', async () => {
  proves('transplant.modules.utils.build_input_tensor_from_shape');
  const found = cases.map((arguments_) => buildInputTensorFromShape(...arguments_));
  expect(found).toEqual(JSON.parse(await runPython(['-c', program], { input: JSON.stringify(cases) })));
});

it('transplant.modules.utils.build_input_tensor_from_shape: a missing or superfluous type is a TypeError', () => {
  expect(() => buildInputTensorFromShape(shapes, { context: 'float32' })).toThrow(
    'no element type for the input samples',
  );
  expect(() => buildInputTensorFromShape([2], ['float32'])).toThrow('one input needs one element type');
});
