import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WeightSpec } from '../../src/graph/layer.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { identifyModel } from '../../src/networks/identify.ts';
import { buildNetwork, describeModel, type Head, type ModelDescription } from '../../src/networks/network.ts';
import { type Arch, archs } from '../../src/port/finetuning/utils.ts';
import { type PretrainingTask, pretrainingTasks } from '../../src/port/pretraining/utils.ts';
import { nameIn } from '../../src/weights/loading.ts';
import { root } from '../shared_data.ts';

type Weights = { readonly weights: readonly WeightSpec[] };

const parameters = ({ weights }: Weights, trainableOnly = false): number =>
  weights
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

describe('weights of finetuning.utils.ecg_feature_extractor', () => {
  it.each<[Arch, readonly [number, number, number], number, number, number, number, number]>([
    ['resnet18', [116_416, 413_888, 1_598_656], 4_492_480, 4_482_880, 100, 60, 512],
    ['resnet34', [174_272, 801_472, 4_615_872], 9_086_656, 9_069_632, 180, 108, 512],
    ['resnet50', [194_752, 1_159_360, 6_705_344], 16_974_016, 16_920_896, 265, 159, 2048],
  ])('%s', (arch, stages, total, trainable, tensors, trainableTensors, width) => {
    expect([1, 2, 3].map((count) => parameters(buildNetwork({ arch, stages: count })))).toEqual(stages);
    const layout = buildNetwork({ arch });
    expect(parameters(layout)).toBe(total);
    expect(parameters(layout, true)).toBe(trainable);
    expect(layout.weights).toHaveLength(tensors);
    expect(layout.weights.filter((weight) => weight.trainable)).toHaveLength(trainableTensors);
    expect(layout.outputShape.at(-1)).toBe(width);
    // Each further lead adds 7 × 64 weights of the stem.
    expect(parameters(buildNetwork({ arch, channels: 12 }))).toBe(total + 11 * 448);
    expect(layout.weights[0]).toEqual({
      path: 'layers/res_net/conv1/vars/0',
      checkpointPath: 'layer_with_weights-0/conv1/kernel',
      shape: [7, 1, 64],
      trainable: true,
    });
  });

  it('takes stages as a Python slice', () => {
    const sizes = (stages: number | null) => buildNetwork({ stages }).weights.length;
    expect([null, 4, 9, -4, -9].map(sizes)).toEqual([100, 100, 100, 5, 5]);
    expect(sizes(-1)).toBe(sizes(3));
    expect(sizes(0)).toBe(5);
  });

  it('puts the projection of a block last', () => {
    const paths = buildNetwork({ stages: 2 }).weights.map(({ path }) => path);
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

describe('weights of pretraining.utils.task_solver', () => {
  it.each<[PretrainingTask, number]>([
    ['rhythm', 4_495_558],
    ['beat', 4_495_045],
    ['hr', 4_494_532],
    ['cpc', 10_801_344],
  ])('%s', (task, total) => {
    expect(parameters(buildNetwork({ head: { task } }))).toBe(total);
  });

  it('numbers the pool token after the backbone and before the encoder (Q32)', () => {
    const trainable = buildNetwork({ head: { task: 'cpc' } }).weights.filter((weight) => weight.trainable);
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
    expect(() => buildNetwork({ arch: 'resnet101' as Arch })).toThrow(ValueError);
    expect(() => buildNetwork({ head: { task: 'sleep' as PretrainingTask } })).toThrow(ValueError);
    expect(() => buildNetwork({ stages: 0, head: { task: 'beat' } })).toThrow(ValueError);
  });
});

describe('classifiers', () => {
  it('have the parameters of the specification', () => {
    expect(parameters(buildNetwork({ head: { classes: 4 } }))).toBe(4_494_532);
    expect(parameters(buildNetwork({ channels: 12, head: { classes: 12 } }))).toBe(4_503_564);
  });
});

describe('paths in TensorFlow checkpoints', () => {
  const objectsOf = (description: ModelDescription) =>
    new Map(buildNetwork(description).objects.map(({ path, ...places }) => [path, places]));

  it('number the layers of a Sequential twice: those with weights, and all', () => {
    const objects = objectsOf({ stages: 1, head: { classes: 4 } });
    expect(objects.get('layers/res_net')).toEqual({
      checkpointPath: 'layer_with_weights-0',
      checkpointAlias: 'layer-0',
    });
    expect(objects.get('layers/global_average_pooling1d')).toEqual({ checkpointPath: 'layer-1' });
    expect(objects.get('layers/dense')).toEqual({ checkpointPath: 'layer_with_weights-1', checkpointAlias: 'layer-2' });
  });

  it('are those of the attributes of the Python classes', () => {
    const objects = objectsOf({ stages: 1, head: { task: 'cpc' } });
    const resnet = 'layers/sequential/layers/res_net';
    const checkpoint = 'signal_embedding/layer_with_weights-0';
    expect(objects.get(`${resnet}/layers/re_lu`)).toEqual({ checkpointPath: `${checkpoint}/relu1` });
    expect(objects.get(`${resnet}/layers/max_pooling1d`)).toEqual({ checkpointPath: `${checkpoint}/maxpool1` });
    expect(objects.get(`${resnet}/blocks/residual_block_1/bn2`)).toEqual({
      checkpointPath: `${checkpoint}/blocks/1/bn2`,
    });
    expect(objects.get('attn_pooling/transformer/enc_layers/encoder_layer_2/mha/W_q')).toEqual({
      checkpointPath: 'attn_pooling/transformer/enc_layers/2/mha/W_q',
    });
  });

  it('end in the names of the variables', () => {
    const { weights } = buildNetwork({ head: { task: 'cpc' } });
    const names = new Map<string, Set<string>>();
    for (const { path, checkpointPath } of weights) {
      const [layer, number] = path.split('/vars/') as [string, string];
      const kind = `${layer.split('/').at(-1)?.replace(/\d+$/, '')} ${number}`;
      names.set(kind, (names.get(kind) ?? new Set()).add(checkpointPath.split('/').at(-1)!));
    }
    expect(Object.fromEntries([...names].map(([kind, found]) => [kind, [...found].join()]))).toMatchObject({
      'conv 0': 'kernel',
      'bn 0': 'gamma',
      'bn 1': 'beta',
      'bn 2': 'moving_mean',
      'bn 3': 'moving_variance',
      'attn_pooling 0': 'pool_token_embedding',
      'W_v 0': 'kernel',
      'W_v 1': 'bias',
      'layernorm 0': 'gamma',
      'layernorm 1': 'beta',
      'ff 1': 'bias',
    });
  });
});

describe('identifyModel', () => {
  it.each(networks.map((network) => [describeModel(network), network] as const))('finds %s', (_name, network) => {
    const { weights, objects } = buildNetwork(network);
    const { stages, ...rest } = network;
    for (const format of ['keras', 'tensorflow'] as const) {
      const named = weights.map((weight) => ({ path: nameIn(format, weight), shape: weight.shape }));
      expect(new Set(named.map(({ path }) => path)).size).toBe(weights.length);
      expect(identifyModel({ format, weights: named })).toEqual(stages === undefined ? rest : network);
    }
    expect(new Set(objects.map(({ path }) => path)).size).toBe(objects.length);
    expect(new Set(objects.map(({ checkpointPath }) => checkpointPath)).size).toBe(objects.length);
  });

  it('finds a backbone without blocks', () => {
    const { weights } = buildNetwork({ stages: 0, channels: 3 });
    expect(identifyModel({ format: 'keras', weights })).toEqual({ arch: 'resnet18', stages: 0, channels: 3 });
  });

  it('ignores other objects of a checkpoint, but not other weights of a Keras file', () => {
    const network: ModelDescription = { arch: 'resnet18', channels: 1, head: { task: 'beat' } };
    const named = (format: 'keras' | 'tensorflow') => [
      ...buildNetwork(network).weights.map((weight) => ({ path: nameIn(format, weight), shape: weight.shape })),
      { path: 'ema/shadow/kernel', shape: [3] },
    ];
    expect(identifyModel({ format: 'tensorflow', weights: named('tensorflow') })).toEqual(network);
    expect(identifyModel({ format: 'keras', weights: named('keras') })).toBeUndefined();
  });

  it('finds nothing if one weight is missing, added or of another shape', () => {
    const { weights } = buildNetwork({});
    const identify = (changed: readonly Pick<WeightSpec, 'path' | 'shape'>[]) =>
      identifyModel({ format: 'keras', weights: changed });
    expect(identify(weights.slice(0, -1))).toBeUndefined();
    expect(identify([...weights, { path: 'layers/dense_1/vars/0', shape: [512, 3] }])).toBeUndefined();
    expect(identify(weights.map((weight, i) => (i === 50 ? { ...weight, shape: [1] } : weight)))).toBeUndefined();
    expect(identify([])).toBeUndefined();
  });
});

describe('building a network', () => {
  it('does not load TensorFlow', () => {
    const code = `
      import { buildNetwork } from ${JSON.stringify(join(root, 'src/networks/network.ts'))};
      const { weights } = buildNetwork({ head: { task: 'cpc' } });
      const loaded = process.report.getReport().sharedObjects.filter((file) => /tensorflow|tfjs/.test(file));
      console.log(JSON.stringify([weights.length, loaded]));
    `;
    const args = ['--import', join(root, 'src/lib/typescript.mjs'), '--input-type=module', '--eval', code];
    expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toEqual([149, []]);
  });
});
