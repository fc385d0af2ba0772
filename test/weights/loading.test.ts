import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { NamedArray } from '../../src/lib/keras/weights_h5.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { FileNotFoundError, ValueError } from '../../src/lib/python/errors.ts';
import { buildNetwork, type ModelDescription } from '../../src/networks/network.ts';
import { readWeights, type WeightsFile, writeWeights } from '../../src/weights/files.ts';
import {
  adamVariables,
  loadForFinetuning,
  loadWeights,
  matchWeights,
  readAdamState,
} from '../../src/weights/loading.ts';
import { sampleWeights, weightsOf } from './exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-loading-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The content of a file that holds this network. */
const fileOf = (network: ModelDescription, name = 'weights'): WeightsFile => ({
  file: name,
  format: 'keras',
  weights: sampleWeights(buildNetwork(network), 1),
  unread: [],
});
const target = (network: ModelDescription) => buildNetwork(network).weights;

describe('keras.Model.load_weights', () => {
  it('takes a file that fits', () => {
    const { assigned, missing, mismatched, ignored } = loadWeights(fileOf({ stages: 1 }), target({ stages: 1 }));
    expect(assigned.map(({ path }) => path)).toEqual(target({ stages: 1 }).map(({ path }) => path));
    expect([missing, mismatched, ignored]).toEqual([[], [], []]);
  });

  it('ignores what only the file has: a head, later stages', () => {
    const head = loadWeights(fileOf({ stages: 1, head: { classes: 4 } }), target({ stages: 1 }));
    expect(head.ignored).toEqual(['layers/dense/vars/0', 'layers/dense/vars/1']);
    const stage = loadWeights(fileOf({ stages: 2 }), target({ stages: 1 }));
    expect(stage.assigned).toHaveLength(25);
    expect(stage.ignored.every((path) => /residual_block_[23]\//.test(path))).toBe(true);
  });

  it('refuses a file that lacks a layer, and says what fits', () => {
    const file = fileOf({ stages: 1 }, 'one_stage.weights.h5');
    expect(() => loadWeights(file, target({ stages: 2 }))).toThrow(ValueError);
    expect(() => loadWeights(file, target({ stages: 2 }))).toThrow(
      /one_stage.weights.h5 does not fit the model: 25 of 50 weights are missing and 0 have another shape \(25 fit\); first: layers\/res_net\/blocks\/residual_block_2\/conv1\/vars\/0 is missing.*ecg-transplant inspect one_stage.weights.h5/,
    );
  });

  it('refuses another architecture', () => {
    expect(() => loadWeights(fileOf({}), target({ arch: 'resnet34' }))).toThrow(/does not fit the model/);
    expect(() => loadWeights(fileOf({ head: { classes: 3 } }), target({ head: { classes: 4 } }))).toThrow(
      /layers\/dense\/vars\/0 has shape \(512, 3\); expected \(512, 4\)/,
    );
  });

  it('refuses one-lead weights on several leads and names adjust-network (Q51)', () => {
    expect(() => loadWeights(fileOf({}, 'resnet18.weights'), target({ channels: 12 }))).toThrow(
      /resnet18.weights holds weights for 1 lead; the model takes 12 leads.*adjust-network --weights-file resnet18.weights --channels 12/,
    );
    expect(() => loadWeights(fileOf({ channels: 12 }), target({}))).toThrow(/for 12 leads; the model takes 1 lead$/);
    // Keras's skip_mismatch would load 99 of 100 tensors and leave the stem random.
    const { assigned, mismatched } = matchWeights(fileOf({}), target({ channels: 12 }));
    expect([assigned.length, mismatched.map(({ path }) => path)]).toEqual([99, ['layers/res_net/conv1/vars/0']]);
  });

  it('refuses a pretraining model for a backbone, and the reverse', () => {
    const pretrained = fileOf({ stages: 1, head: { task: 'beat' } }, 'epoch_01/model.weights');
    expect(() => loadWeights(pretrained, target({ stages: 1 }))).toThrow(
      /whole pretraining model.*ecg-transplant weights --checkpoint-file epoch_01\/model.weights --task TASK/,
    );
    expect(() => loadForFinetuning(pretrained, target({ stages: 1, head: { classes: 5 } }))).toThrow(
      /whole pretraining model/,
    );
    expect(() => loadWeights(fileOf({ stages: 1 }), target({ stages: 1, head: { task: 'beat' } }))).toThrow(
      /does not hold a pretraining model/,
    );
  });
});

describe('load_weights from a checkpoint', () => {
  const checkpointOf = (network: ModelDescription): WeightsFile => {
    const specs = buildNetwork(network).weights;
    const weights = sampleWeights({ weights: specs }, 1).map((weight, i) => ({
      ...weight,
      path: specs[i].checkpointPath,
    }));
    return { file: 'model.weights', format: 'tensorflow', weights, unread: [] };
  };

  it('gives the weights their paths in the model', () => {
    const { assigned, ignored } = loadWeights(checkpointOf({ stages: 1, head: { classes: 4 } }), target({ stages: 1 }));
    expect(assigned.map(({ path }) => path)).toEqual(target({ stages: 1 }).map(({ path }) => path));
    expect(ignored).toEqual(['layer_with_weights-1/kernel', 'layer_with_weights-1/bias']);
  });

  it('refuses what it refuses from .weights.h5, for the same reasons', () => {
    for (const task of ['beat', 'cpc'] as const) {
      const solver = { stages: 1, head: { task } };
      expect(() => loadWeights(checkpointOf(solver), target({ stages: 1 }))).toThrow(/holds a whole pretraining model/);
      expect(() => loadWeights(checkpointOf({ stages: 1 }), target(solver))).toThrow(
        /does not hold a pretraining model/,
      );
    }
    const [beat, cpc] = (['beat', 'cpc'] as const).map((task) => ({ stages: 1, head: { task } }));
    expect(() => loadWeights(checkpointOf(cpc), target(beat))).toThrow(/does not fit the model/);
    expect(() => loadWeights(checkpointOf({}), target({ channels: 12 }))).toThrow(
      /holds weights for 1 lead; .* 12 leads/,
    );
    expect(loadForFinetuning(checkpointOf({ stages: 1 }), target({ stages: 1, head: { classes: 4 } })).target).toBe(
      'backbone',
    );
  });
});

describe('finetuning.trainer --weights-file (Q35)', () => {
  const model = target({ stages: 1, head: { classes: 4 } });

  it('loads a file without a head into the backbone', () => {
    const match = loadForFinetuning(fileOf({ stages: 1 }), model);
    expect(match.target).toBe('backbone');
    expect(match.assigned).toHaveLength(25);
  });

  it('loads a whole model', () => {
    const match = loadForFinetuning(fileOf({ stages: 1, head: { classes: 4 } }), model);
    expect(match.target).toBe('model');
    expect(match.assigned).toHaveLength(27);
  });

  it('keeps real mismatches as errors', () => {
    expect(() => loadForFinetuning(fileOf({ stages: 1, head: { classes: 3 } }), model)).toThrow(/another shape/);
    expect(() => loadForFinetuning(fileOf({ stages: 1, channels: 2 }), model)).toThrow(/2 leads/);
    const noStem = { ...fileOf({ stages: 1 }), weights: fileOf({ stages: 1 }).weights.slice(1) };
    expect(() => loadForFinetuning(noStem, model)).toThrow(/1 of 25 weights are missing/);
  });
});

describe('state of Adam', () => {
  const trainable = target({ stages: 1, head: { classes: 2 } }).filter((weight) => weight.trainable);
  const slots = sampleWeights({ weights: trainable }, 3);
  const variables: NdArray[] = [
    ndarray('int64', [], BigInt64Array.of(12n)),
    ndarray('float32', [], Float32Array.of(0.001)),
    ...slots.flatMap((slot) => [slot, slot]),
  ];

  it('has no moments if the model was compiled but never trained', () => {
    const state = readAdamState('file', variables.slice(0, 2), trainable);
    expect([state.iterations, state.moments.size]).toEqual([12n, 0]);
    expect(adamVariables(state, trainable)).toHaveLength(2);
  });

  it('is refused if it belongs to another model', () => {
    expect(() => readAdamState('file', variables.slice(0, -1), trainable)).toThrow(
      /file: .* got 35 variables; expected 36/,
    );
    const swapped = [...variables.slice(0, 2), ...variables.slice(2).reverse()];
    expect(() => readAdamState('file', swapped, trainable)).toThrow(
      /moments of layers\/res_net\/conv1\/vars\/0 have shapes \(2\)/,
    );
    expect(() => readAdamState('file', [], trainable)).toThrow(/got 0 variables/);
    expect(() => adamVariables(readAdamState('f', variables, trainable), [{ path: 'x' }])).toThrow(/moments of x/);
  });
});

describe('weight files by name', () => {
  const backbone = { stages: 1 };
  const layout = buildNetwork(backbone);
  const weights = sampleWeights(layout, 9);
  const at = (name: string): string => join(folder, name);

  beforeAll(async () => {
    await writeWeights(at('resnet18.weights'), layout, weights);
    await writeWeights(at('resnet18.weights.h5'), layout, weights);
  });

  const content = (list: readonly NamedArray[]) => new Map(list.map(({ path, data }) => [path, data]));

  it('finds a checkpoint by the name in the README of the original, or a Keras 3 file', () => {
    for (const name of ['resnet18.weights', 'resnet18.weights.index', 'resnet18.weights.data-00000-of-00001']) {
      expect(readWeights(at(name))).toMatchObject({ file: at('resnet18.weights'), format: 'tensorflow' });
    }
    expect(readWeights(at('resnet18.weights.h5'))).toMatchObject({ file: at('resnet18.weights.h5'), format: 'keras' });
    for (const name of ['resnet18.weights', 'resnet18.weights.h5']) {
      expect(content(weightsOf(at(name)))).toEqual(content(weights));
    }
  });

  it('leaves no temporary file behind', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'checkpoint',
      'resnet18.weights.data-00000-of-00001',
      'resnet18.weights.h5',
      'resnet18.weights.index',
    ]);
  });

  it('says which files it looked for', () => {
    expect(() => readWeights(at('none.weights'))).toThrow(FileNotFoundError);
    expect(() => readWeights(at('none.weights'))).toThrow(/none.weights \(nor .*none.weights.index/);
    expect(() => readWeights(folder)).toThrow(/a folder, not a weight file/);
    writeFileSync(at('note.weights'), 'no weights');
    expect(() => readWeights(at('note.weights'))).toThrow(InputError);
    rmSync(at('note.weights'));
  });

  it('refuses to write weights that do not fit the network', async () => {
    const write = (list: readonly NamedArray[], name = 'bad.weights.h5', options = {}) =>
      writeWeights(at(name), layout, list, options);
    await expect(write(weights.slice(1))).rejects.toThrow(/conv1\/vars\/0 is missing/);
    await expect(write([...weights, { ...weights[0], path: 'more' }])).rejects.toThrow(/no weight more/);
    await expect(write(weights.map((weight) => ({ ...weight, shape: [1] })))).rejects.toThrow(
      /has shape \(1\); expected/,
    );
    await expect(write(weights, 'bad.h5', { format: 'keras' })).rejects.toThrow(/end in .weights.h5; got/);
    await expect(write(weights, 'bad.weights.h5', { format: 'tensorflow' })).rejects.toThrow(
      /named without an extension/,
    );
    await expect(write(weights, 'bad.weights', { optimizer: [] })).rejects.toThrow(/without the optimiser's state/);
    await expect(writeWeights(at('none/bad.weights.h5'), layout, weights)).rejects.toThrow(
      /none: the folder does not exist. Create it first: mkdir -p/,
    );
    expect(readdirSync(folder).filter((name) => name.includes('bad'))).toEqual([]);
  });
});
