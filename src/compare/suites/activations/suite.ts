import type { Wire } from '../../../bridge/wire.ts';
import { unknown } from '../../../graph/executor.ts';
import type { Layer } from '../../../graph/layer.ts';
import { zeros } from '../../../lib/numpy/ndarray.ts';
import { AttentionPooling } from '../../../port/transplant/modules/attn_pool.ts';
import { BottleneckBlock, ResidualBlock, ResNet } from '../../../port/transplant/modules/resnet1d.ts';
import { Encoder, EncoderLayer } from '../../../port/transplant/modules/transformer.ts';
import { networkBatches } from '../../batches.ts';
import { type Row, sameText } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf, quickWhole } from '../../networks/compared.ts';
import { activationRows } from '../../networks/rows.ts';
import { buildOriginal, buildPort, comparedPrecisions, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';
import { outcomeOf } from '../shared/data_cases.ts';

/** The encoder has codes for 512 positions, one of which the pooling token takes. */
const contextCase: SuiteCase = {
  name: 'the longest context of contrastive predictive coding',
  on: { task: 'cpc', arch: 'resnet18' },
  quick: true,
  run: async ({ original, seed }) => {
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const frames of [511, 512]) {
      const [context, samples] = [frames, 2].map((count) => zeros('float32', [1, count, 32, 1]));
      const batch = { x: { context, samples }, y: zeros('int32', [1]) };
      const kind = { task: 'cpc', arch: 'resnet18', stages: 1, precision: 'float32', seed } as const;
      const built = await outcomeOf(() => buildPort(batch, kind));
      if ('value' in built) built.value.dispose();
      const found = await outcomeOf(() => buildOriginal(original, batch, kind, 'float32'));
      if ('value' in found) await found.value.dispose();
      ours.push(`${frames} frames: ${'value' in built ? 'a network' : 'refused'}`);
      theirs.push(`${frames} frames: ${'value' in found ? 'a network' : 'refused'}`);
    }
    return [sameText('activations', 'contexts of 511 and of 512 frames', ours.join('\n'), theirs.join('\n'))];
  },
};

const encoder = { numLayers: 1, dModel: 8, numHeads: 2, dff: 16, maxSeqLen: 10 };
const encoderArguments = { num_layers: 1, d_model: 8, num_heads: 2, dff: 16, max_seq_len: 10 };
const stages = { blocks: [1, 2], filters: [4, 8], kernel_size: [3, 5] };

/** Layers of both sides, with settings that the trainers do not use, and the shape of an input. */
const layers: readonly {
  readonly port: () => Layer<never>;
  readonly module: string;
  readonly layer: string;
  readonly arguments: { readonly [name: string]: Wire };
  readonly input: readonly number[];
}[] = [
  ...[false, true].map((keepdims) => ({
    port: () => new AttentionPooling(new Encoder(encoder), keepdims),
    ...{ module: 'attn_pool', layer: 'AttentionPooling', arguments: { transformer: encoderArguments, keepdims } },
    input: [3, 5, 8],
  })),
  {
    port: () => new Encoder(encoder),
    ...{ module: 'transformer', layer: 'Encoder', arguments: encoderArguments, input: [3, 7, 8] },
  },
  {
    port: () => new EncoderLayer(8, 4, 12),
    ...{ module: 'transformer', layer: 'EncoderLayer', arguments: { d_model: 8, num_heads: 4, dff: 12 } },
    input: [2, 6, 8],
  },
  {
    port: () => new ResidualBlock(4, 5, 3),
    ...{ module: 'resnet1d', layer: 'ResidualBlock', arguments: { filters: 4, kernel_size: 5, strides: 3 } },
    input: [2, 10, 3],
  },
  {
    port: () => new BottleneckBlock(2, 3, 2),
    ...{ module: 'resnet1d', layer: 'BottleneckBlock', arguments: { filters: 2, kernel_size: 3, strides: 2 } },
    input: [2, 9, 3],
  },
  ...[true, false].map((includeTop) => ({
    port: () => new ResNet({ numOutputs: 3, blocks: [1, 2], filters: [4, 8], kernelSize: [3, 5], includeTop }),
    ...{ module: 'resnet1d', layer: 'ResNet', arguments: { num_outputs: 3, ...stages, include_top: includeTop } },
    input: [2, 67, 2],
  })),
];

/** The shape that a layer of the port states is what the next layer is built for. */
const shapeCase: SuiteCase = {
  name: 'shapes that layers state',
  on: {},
  quick: true,
  run: async ({ original }) => {
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const { port, input, ...one } of layers) {
      const [batch, ...extents] = input;
      const [first, ...stated] = port().buildAt('', [unknown, ...extents], 'float32');
      const name = `${one.layer} ${JSON.stringify(one.arguments)}`;
      ours.push(`${name}: ${[first === unknown ? batch : first, ...stated]}`);
      theirs.push(`${name}: ${await original.outputShape(one, input)}`);
    }
    return [sameText('activations', `output shapes of ${layers.length} layers`, ours.join('\n'), theirs.join('\n'))];
  },
};

/** Every layer's output, from the same weights and samples. */
export const activations: Suite = {
  name: 'activations',
  summary: 'output of every layer, inference and training mode, float64 and float32',
  cases: [...casesOf(compareLayers, { quick: quickWhole }), contextCase, shapeCase],
};

async function compareLayers(context: SuiteContext, network: ComparedNetwork): Promise<readonly Row[]> {
  const { original, data, seed, observe } = context;
  const [batch] = networkBatches(data, network, 1, seed);
  const rows: Row[] = [];
  for (const precision of comparedPrecisions) {
    const limits = limitsOf(network, precision);
    const show = { title: network.name, to: observe };
    const kind = { ...network, precision, seed };
    rows.push(
      ...(await withTwins(original, batch, kind, async (twins) =>
        withFirstLayer(context, await activationRows(twins, batch, limits, show), twins, kind, batch),
      )),
    );
  }
  return rows;
}
