import { GlobalAveragePooling1D } from '../../graph/layers.ts';
import { Sequential } from '../../graph/model.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { type BlockFn, BottleneckBlock, ResidualBlock, ResNet } from '../transplant/modules/resnet1d.ts';

const residual: BlockFn = (...settings) => new ResidualBlock(...settings);
const bottleneck: BlockFn = (...settings) => new BottleneckBlock(...settings);

/** Blocks per stage and kind of block, by architecture. */
const architectures: Readonly<Record<string, { blocks: readonly number[]; blockFn: BlockFn }>> = {
  resnet18: { blocks: [2, 2, 2, 2], blockFn: residual },
  resnet34: { blocks: [3, 4, 6, 3], blockFn: residual },
  resnet50: { blocks: [3, 4, 6, 3], blockFn: bottleneck },
};

/**
 * The backbone: a ResNet (`arch`, default resnet18) and global average pooling, `(batch, samples, leads)` to `(batch, width)`; heads are added to it. `stages` is
 * the end of a Python slice over the stages. Throws a ValueError for an unknown architecture. Twin of
 * `finetuning.utils.ecg_feature_extractor`.
 */
export function ecgFeatureExtractor(arch?: string | null, stages?: number | null): Sequential {
  const name = arch ?? 'resnet18';
  const architecture = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (architecture === undefined) {
    throw new ValueError(`unknown architecture ${name}; expected one of ${Object.keys(architectures).join(', ')}`);
  }
  const { blocks, blockFn } = architecture;
  const options = {
    blocks: blocks.slice(0, stages ?? undefined),
    kernelSize: [7, 5, 5, 3],
    blockFn,
    includeTop: false,
  };
  return new Sequential([new ResNet(options), new GlobalAveragePooling1D()]);
}
