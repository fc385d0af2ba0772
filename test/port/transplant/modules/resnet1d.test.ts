import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../../../src/graph/session.ts';
import type { NdArray } from '../../../../src/lib/numpy/ndarray.ts';
import { readNpy } from '../../../../src/lib/numpy/npy.ts';
import { AttributeError } from '../../../../src/lib/python/errors.ts';
import { ResNet, type ResNetOptions } from '../../../../src/port/transplant/modules/resnet1d.ts';
import { loadIntoModel } from '../../../../src/weights/model_weights.ts';
import { distance } from '../../../graph/keras_reference.ts';
import { proves } from '../../../proofs/proves.ts';
import { runPython } from '../../../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'resnet-'));
const at = (name: string): string => join(folder, name);

const program = `
import sys
import numpy as np, tensorflow as tf
from transplant.modules.resnet1d import ResNet

x = np.random.RandomState(1).normal(size=(3, 100, 2)).astype("float32")
net = ResNet(num_outputs=4, blocks=(1, 1))
whole, features, asked = net(x), net(x, include_top=False), net(x, include_top=True)
try:
    ResNet(num_outputs=None, blocks=(1,), include_top=False)(x, include_top=True)
    sys.exit("no error")
except AttributeError:
    pass
net.save_weights(sys.argv[1] + "/net.weights.h5")
for name, value in {"x": x, "whole": whole, "features": features, "asked": asked}.items():
    np.save(f"{sys.argv[1]}/{name}.npy", value)
`;

/** What a ResNet gives if it is called with `includeTop`; operation by operation, since no loss fits features. */
function predict(options: ResNetOptions, includeTop: boolean | undefined, weights?: string): NdArray {
  const model = new ResNet(options).build([100, 2]);
  model.logits = (c, { x }) => model.apply(c, { x, ...(includeTop !== undefined && { includeTop }) });
  if (includeTop === false) Object.defineProperty(model, 'activation', { value: 'linear' });
  const session = compile(model, { loss: 'categorical_crossentropy', executor: 'eager' });
  try {
    if (weights) loadIntoModel(session, weights);
    return session.predict(readNpy(at('x.npy')) as NdArray);
  } finally {
    session.dispose();
  }
}

beforeAll(() => runPython(['-c', program, folder]), 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('transplant.modules.resnet1d.ResNet.call(include_top)', () => {
  const options = { numOutputs: 4, blocks: [1, 1] };

  it.each([
    ['whole', undefined],
    ['features', false],
    ['asked', true],
  ] as const)('gives %s as the original does (include_top %s)', (name, asked) => {
    proves('transplant.modules.resnet1d.ResNet.call');
    const expected = readNpy(at(`${name}.npy`)) as NdArray;
    const found = predict(options, asked, at('net.weights.h5'));
    expect(found.shape).toEqual(expected.shape);
    expect(distance(found, expected)).toBeLessThan(1e-5);
  });

  it('raises an AttributeError, as the original does, for a top that was not built', () => {
    expect(() => predict({ blocks: [1], includeTop: false }, true)).toThrow(AttributeError);
    expect(new ResNet({ includeTop: false }).includeTop).toBe(false);
  });
});
