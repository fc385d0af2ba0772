import { GlobalAveragePooling1D } from '../../graph/layers.ts';
import { Sequential } from '../../graph/model.ts';
import { arrayRows, selectRows } from '../../lib/numpy/rows.ts';
import { AssertionError, ValueError } from '../../lib/python/errors.ts';
import { type SplitOptions, splitIndices } from '../../lib/sklearn/model_selection.ts';
import { type BlockFn, BottleneckBlock, ResidualBlock, ResNet } from '../transplant/modules/resnet1d.ts';
import type { PreparedSet } from './datasets.ts';

const residual: BlockFn = (...settings) => new ResidualBlock(...settings);
const bottleneck: BlockFn = (...settings) => new BottleneckBlock(...settings);

/** Blocks per stage and kind of block, by architecture. */
const architectures = {
  resnet18: { blocks: [2, 2, 2, 2], blockFn: residual },
  resnet34: { blocks: [3, 4, 6, 3], blockFn: residual },
  resnet50: { blocks: [3, 4, 6, 3], blockFn: bottleneck },
} satisfies Record<string, { blocks: readonly number[]; blockFn: BlockFn }>;

/** A backbone by its name on the command line. */
export type Arch = keyof typeof architectures;

/** Names of the backbones. */
export const archs = Object.keys(architectures) as readonly Arch[];

/**
 * The unbuilt backbone: a ResNet (`arch`, default resnet18) without top and the mean over time, `(batch, samples, leads)` to
 * `(batch, width)`. Heads are added to it. `stages` is the end of a Python slice over the stages. Throws a ValueError for an unknown
 * architecture. Twin of `finetuning.utils.ecg_feature_extractor`.
 */
export function ecgFeatureExtractor(arch?: string | null, stages?: number | null): Sequential {
  const name = arch ?? 'resnet18';
  if (!isArch(name)) throw new ValueError(`unknown architecture ${name}; expected one of ${archs.join(', ')}`);
  const { blocks, blockFn } = architectures[name];
  const options = {
    blocks: blocks.slice(0, stages ?? undefined),
    kernelSize: [7, 5, 5, 3],
    blockFn,
    includeTop: false,
  };
  return new Sequential([new ResNet(options), new GlobalAveragePooling1D()]);
}

function isArch(name: string): name is Arch {
  return Object.hasOwn(architectures, name);
}

/**
 * A size as scikit-learn takes it: a count (truncated) from 1 on, a fraction below. Twin of `finetuning.utils.split_size`. Quirk Q48: 1 means
 * one record or patient, not all of them.
 */
export function splitSize(value: number): number {
  return value >= 1 ? Math.trunc(value) : value;
}

/**
 * Splits a data set in two by scikit-learn's rules; without `randomState` NumPy's global generator decides. Twin of
 * `finetuning.utils.train_test_split`.
 *
 * @throws AssertionError if records, labels and ids differ in number; ValueError if scikit-learn cannot split as asked.
 */
export function trainTestSplit(set: PreparedSet, options: SplitOptions): [train: PreparedSet, test: PreparedSet] {
  const lengths = { x: set.x.shape[0], y: set.y.shape[0], recordIds: set.recordIds.length };
  if (new Set(Object.values(lengths)).size !== 1) {
    throw new AssertionError(`x, y and recordIds differ in length: ${JSON.stringify(lengths)}`);
  }
  const { train, test } = splitIndices(lengths.x, options);
  return [takeRecords(set, train), takeRecords(set, test)];
}

/** The records of these numbers, in this order. */
export function takeRecords(set: PreparedSet, indices: readonly number[]): PreparedSet {
  const { x, y, recordIds, classes, patientIds } = set;
  return {
    x: selectRows(x, indices),
    y: arrayRows(y).take(indices),
    recordIds: indices.map((i) => recordIds[i]),
    classes,
    ...(patientIds && { patientIds: indices.map((i) => patientIds[i]) }),
  };
}
