import { describe, expect, it } from 'vitest';
import { zeros } from '../../src/lib/numpy/ndarray.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { toKerasPaths } from '../../src/weights/checkpoint_paths.ts';
import { describeModel, identifyModel } from '../../src/weights/identify.ts';
import {
  type Arch,
  archs,
  type Head,
  type ModelDescription,
  type PretrainingTask,
  pretrainingTasks,
  type WeightLayout,
  weightLayout,
} from '../../src/weights/layout.ts';

const parameters = (layout: WeightLayout, trainableOnly = false): number =>
  layout.weights
    .filter(({ trainable }) => trainable || !trainableOnly)
    .reduce((total, { shape }) => total + shape.reduce((size, extent) => size * extent, 1), 0);

/** Every network of the original: architectures × stages × leads × heads. */
const networks: readonly ModelDescription[] = archs.flatMap((arch) =>
  [undefined, 3, 2, 1].flatMap((stages) => [
    ...[1, 12].flatMap((channels) =>
      [undefined, { classes: 4 }, { classes: 12 }].map((head) => describe_({ arch, stages, channels, head })),
    ),
    ...pretrainingTasks.map((task) => describe_({ arch, stages, channels: 1, head: { task } })),
  ]),
);

function describe_({ arch, stages, channels, head }: { arch: Arch; stages?: number; channels: number; head?: Head }) {
  return { arch, ...(stages === undefined ? {} : { stages }), channels, ...(head === undefined ? {} : { head }) };
}

describe('finetuning.utils.ecg_feature_extractor, weights', () => {
  it.each<[Arch, readonly [number, number, number], number, number, number, number, number]>([
    ['resnet18', [116_416, 413_888, 1_598_656], 4_492_480, 4_482_880, 100, 60, 512],
    ['resnet34', [174_272, 801_472, 4_615_872], 9_086_656, 9_069_632, 180, 108, 512],
    ['resnet50', [194_752, 1_159_360, 6_705_344], 16_974_016, 16_920_896, 265, 159, 2048],
  ])('%s', (arch, stages, total, trainable, tensors, trainableTensors, width) => {
    expect([1, 2, 3].map((count) => parameters(weightLayout({ arch, stages: count })))).toEqual(stages);
    const layout = weightLayout({ arch });
    expect(parameters(layout)).toBe(total);
    expect(parameters(layout, true)).toBe(trainable);
    expect(layout.weights).toHaveLength(tensors);
    expect(layout.weights.filter((weight) => weight.trainable)).toHaveLength(trainableTensors);
    expect(layout.width).toBe(width);
    // Each further lead adds 7 × 64 weights of the stem.
    expect(parameters(weightLayout({ arch, channels: 12 }))).toBe(total + 11 * 448);
    expect(layout.weights[0]).toEqual({
      path: 'layers/res_net/conv1/vars/0',
      checkpointPath: 'layer_with_weights-0/conv1/kernel',
      shape: [7, 1, 64],
      trainable: true,
    });
  });

  it('takes stages as a Python slice', () => {
    const sizes = (stages: number | null) => weightLayout({ stages }).weights.length;
    expect([null, 4, 9, -4, -9].map(sizes)).toEqual([100, 100, 100, 5, 5]);
    expect(sizes(-1)).toBe(sizes(3));
    expect(sizes(0)).toBe(5);
  });

  it('puts the projection of a block last', () => {
    const paths = weightLayout({ stages: 2 }).weights.map(({ path }) => path);
    const block = paths.filter((path) => path.includes('/residual_block_2/'));
    expect(block.map((path) => path.split('/').slice(4).join('/'))).toEqual([
      'conv1/vars/0',
      ...[0, 1, 2, 3].map((index) => `bn1/vars/${index}`),
      'conv2/vars/0',
      ...[0, 1, 2, 3].map((index) => `bn2/vars/${index}`),
      'proj_conv/vars/0',
      ...[0, 1, 2, 3].map((index) => `proj_bn/vars/${index}`),
    ]);
  });
});

describe('pretraining.utils.task_solver, weights', () => {
  it.each<[PretrainingTask, number]>([
    ['rhythm', 4_495_558],
    ['beat', 4_495_045],
    ['hr', 4_494_532],
    ['cpc', 10_801_344],
  ])('%s', (task, total) => {
    expect(parameters(weightLayout({ head: { task } }))).toBe(total);
  });

  it('numbers the pool token after the backbone and before the encoder (Q32)', () => {
    const trainable = weightLayout({ head: { task: 'cpc' } }).weights.filter((weight) => weight.trainable);
    expect(trainable[60].path).toBe('attn_pooling/vars/0');
    const layer = trainable.slice(61, 77).map(({ path }) => path.split('/').slice(4, -2).join('/'));
    expect([...new Set(layer)]).toEqual([
      'mha/W_v',
      'mha/W_k',
      'mha/W_q',
      'mha/W_o',
      'layernorm1',
      'ff1',
      'ff2',
      'layernorm2',
    ]);
  });

  it('refuses what the original refuses', () => {
    expect(() => weightLayout({ arch: 'resnet101' as Arch })).toThrow(ValueError);
    expect(() => weightLayout({ head: { task: 'sleep' as PretrainingTask } })).toThrow(ValueError);
    expect(() => weightLayout({ stages: 0, head: { task: 'beat' } })).toThrow(ValueError);
  });
});

describe('classifiers', () => {
  it('have the parameters of the specification', () => {
    expect(parameters(weightLayout({ head: { classes: 4 } }))).toBe(4_494_532);
    expect(parameters(weightLayout({ channels: 12, head: { classes: 12 } }))).toBe(4_503_564);
  });
});

describe('every network', () => {
  it.each(networks.map((network) => [describeModel(network), network] as const))('%s', (_name, network) => {
    const { weights, objects } = weightLayout(network);
    expect(new Set(weights.map(({ path }) => path)).size).toBe(weights.length);
    expect(new Set(objects.map(({ path }) => path)).size).toBe(objects.length);
    // Both formats name the same weight: a checkpoint's path leads back to Keras's.
    const { weights: back, unknown } = toKerasPaths(
      weights.map(({ checkpointPath, shape }) => ({ objectPath: checkpointPath, ...zeros('uint8', shape) })),
    );
    expect(back.map(({ path }) => path)).toEqual(weights.map(({ path }) => path));
    expect(unknown).toEqual([]);
    const { stages, ...rest } = network;
    expect(identifyModel(weights)).toEqual(stages === undefined ? rest : network);
  });

  it('is not confused with another: one weight less, one more, another shape', () => {
    const { weights } = weightLayout({});
    expect(identifyModel(weights.slice(0, -1))).toBeUndefined();
    expect(identifyModel([...weights, { path: 'layers/dense_1/vars/0', shape: [512, 3] }])).toBeUndefined();
    expect(identifyModel(weights.map((weight, i) => (i === 50 ? { ...weight, shape: [1] } : weight)))).toBeUndefined();
    expect(identifyModel([])).toBeUndefined();
  });
});
