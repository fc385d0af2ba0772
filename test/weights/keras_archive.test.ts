import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectWeights } from '../../src/commands/inspect.ts';
import { InputError } from '../../src/errors.ts';
import { adjustNetwork } from '../../src/port/finetuning/adjust_network.ts';
import { findWeights, readWeights } from '../../src/weights/files.ts';
import { runPython } from '../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'keras-archive-'));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await runPython([
    '-c',
    `
import os, sys, zipfile
import numpy as np, keras
from finetuning.utils import ecg_feature_extractor
os.chdir(sys.argv[1])
model = ecg_feature_extractor('resnet18', stages=1)
model.add(keras.layers.Dense(3, activation='softmax'))
model.compile(optimizer='adam', loss='categorical_crossentropy')
model.fit(np.ones((2, 64, 1), 'float32'), np.eye(3, dtype='float32')[:2], verbose=0)
model.save_weights('model.weights.h5')
model.save('model.keras')
with zipfile.ZipFile('packed.keras', 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.write('model.weights.h5')
with zipfile.ZipFile('bomb.keras', 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.writestr('metadata.json', '{}')
    archive.writestr('model.weights.h5', bytes(2 ** 29))
with zipfile.ZipFile('empty.keras', 'w') as archive:
    archive.writestr('metadata.json', '{}')
`,
    folder,
  ]);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('models that Keras saved as .keras', () => {
  it.each(['model.keras', 'packed.keras'])('%s holds the weights and optimiser that save_weights writes', (name) => {
    const { weights, optimizer, format } = readWeights(at(name));
    const expected = readWeights(at('model.weights.h5'));
    expect(format).toBe('keras');
    expect(weights).toEqual(expected.weights);
    expect(optimizer).toEqual(expected.optimizer);
    expect(inspectWeights(at(name)).model?.description).toBe('resnet18 classifier, 1 stage, 1 lead, 3 classes');
  });

  it('adjust-network writes weights beside it', async () => {
    const output = await adjustNetwork({ weightsFile: at('model.keras'), channels: 2, stages: 1 });
    expect(output).toBe(at('model.adjusted.weights.h5'));
  });

  it('refuses archives that are too large or lack weights', () => {
    expect(() => readWeights(at('bomb.keras'))).toThrow(/a member is too large; got 536870912 bytes/);
    expect(() => readWeights(at('empty.keras'))).toThrow(
      /not a model that Keras 3 saved; got an archive of metadata\.json/,
    );
  });
});

describe('findWeights', () => {
  it('takes a file that exists, whatever lies beside it', () => {
    writeFileSync(at('model.weights.h5.index'), 'x');
    expect(findWeights(at('model.weights.h5'))).toEqual({ file: at('model.weights.h5'), format: 'keras' });
    writeFileSync(at('other.index'), 'x');
    expect(findWeights(at('other'))).toEqual({ file: at('other'), format: 'tensorflow' });
    expect(findWeights(at('other.index'))).toEqual({ file: at('other'), format: 'tensorflow' });
  });

  it.each([
    [
      'torch.pt',
      Buffer.from('\x80\x02}q\x00.', 'latin1'),
      /torch\.pt: not a weight file; got a Python pickle; expected Keras 3 weights/,
    ],
    ['array.npy', Buffer.from('\x93NUMPY', 'latin1'), /got a NumPy array/],
    ['pointer.weights.h5', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
    ['page.h5', Buffer.from('<!doctype html>'), /got a web page/],
  ])('says what kind of file it is if it does not hold weights: %s', (name, content, message) => {
    writeFileSync(at(name), content);
    expect(() => readWeights(at(name))).toThrow(InputError);
    expect(() => readWeights(at(name))).toThrow(message);
  });

  it('suggests a weight file if the name is a folder', () => {
    expect(() => findWeights(folder)).toThrow(/a folder, not a weight file; .*Name a file in it: \S+/);
  });
});
