import { describe, expect, it } from 'vitest';
import { Dense } from '../../src/graph/layers.ts';
import { type Model, Sequential } from '../../src/graph/model.ts';
import { ecgFeatureExtractor } from '../../src/port/finetuning/utils.ts';
import { Encoder } from '../../src/port/transplant/modules/transformer.ts';
import { CPCSolver } from '../../src/port/transplant/tasks/cpc.ts';
import { describeModel } from '../../src/weights/identify.ts';
import { archs, type ModelDescription, weightLayout } from '../../src/weights/layout.ts';

/** The port's network of a description. */
function build({ arch, stages, channels = 1, head }: ModelDescription): Model {
  const backbone = ecgFeatureExtractor(arch, stages ?? undefined);
  if (head === undefined) return backbone.build([256, channels]);
  if ('classes' in head) return backbone.add(new Dense(head.classes, 'softmax')).build([256, channels]);
  if (head.task !== 'cpc') {
    const units = { rhythm: 6, beat: 5, hr: 4 }[head.task];
    return new Sequential([backbone, new Dense(units)]).build([256, 1]);
  }
  const { width } = weightLayout({ arch, stages });
  const encoder = new Encoder({ numLayers: 3, dModel: width, numHeads: 8, dff: 2 * width, dropout: 0 });
  return new CPCSolver(backbone, encoder).build({ context: [8, 256, 1], samples: [2, 256, 1] });
}

const networks: readonly ModelDescription[] = archs.flatMap((arch) => [
  { arch },
  { arch, channels: 12 },
  { arch, stages: 1 },
  { arch, stages: -1 },
  { arch, channels: 12, head: { classes: 12 } },
  { arch, head: { task: 'rhythm' } },
  { arch, head: { task: 'beat' } },
  { arch, head: { task: 'hr' } },
  { arch, stages: 2, head: { task: 'cpc' } },
]);

describe('the port builds the networks that its weight files describe', () => {
  it.each(networks.map((network) => [describeModel(network), network] as const))('%s', (_name, network) => {
    const model = build(network);
    const layout = weightLayout(network);
    expect(model.weights).toEqual(layout.weights);
    expect(model.objects).toEqual(layout.objects);
  });
});
