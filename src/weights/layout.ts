import { ValueError } from '../lib/python/errors.ts';

/** Backbones by the names of the command line. */
export type Arch = 'resnet18' | 'resnet34' | 'resnet50';

/** Pretraining tasks by the names of the command line. */
export type PretrainingTask = 'rhythm' | 'beat' | 'hr' | 'cpc';

/** What stands on the backbone: a pretraining task's solver, a classifier with so many classes, or nothing. */
export type Head = { readonly task: PretrainingTask } | { readonly classes: number };

/** The choices that decide which weights a network has. */
export interface ModelDescription {
  /** Default `resnet18`. */
  readonly arch?: Arch;
  /** End of a Python slice over the four stages; absent or null is all of them. */
  readonly stages?: number | null;
  /** Input leads; default 1. */
  readonly channels?: number;
  /** Absent: the bare backbone. */
  readonly head?: Head;
}

/** One variable of a network. */
export interface WeightSpec {
  /** Place in a Keras `.weights.h5` file, e.g. `layers/res_net/conv1/vars/0`. */
  readonly path: string;
  /** Place in the object graph of a TensorFlow checkpoint, e.g. `layer_with_weights-0/conv1/kernel`. */
  readonly checkpointPath: string;
  readonly shape: readonly number[];
  /** False for the moving statistics of batch normalisation. */
  readonly trainable: boolean;
}

/** One layer or model: Keras keeps a `vars` group for each, TensorFlow a node. */
export interface ObjectSpec {
  /** Place in a `.weights.h5` file; the model itself is the empty string. */
  readonly path: string;
  /** Place in the object graph of a checkpoint. */
  readonly checkpointPath: string;
  /** Second name which Sequential gives its members (`layer-0` beside `layer_with_weights-0`). */
  readonly checkpointAlias?: string;
}

/** Everything about a network's weights that a file has to agree with. */
export interface WeightLayout {
  /** The variables in the order of Keras's `model.weights`. */
  readonly weights: readonly WeightSpec[];
  /** The model and all its layers, those without variables too. */
  readonly objects: readonly ObjectSpec[];
  /** Length of the backbone's output vector. */
  readonly width: number;
}

const blockCounts: Readonly<Record<Arch, readonly number[]>> = {
  resnet18: [2, 2, 2, 2],
  resnet34: [3, 4, 6, 3],
  resnet50: [3, 4, 6, 3],
};
const stageFilters = [64, 128, 256, 512];
const stageKernels = [7, 5, 5, 3];
const expansion = 4;
const outputsOf: Readonly<Record<Exclude<PretrainingTask, 'cpc'>, number>> = { rhythm: 6, beat: 5, hr: 4 };

/** Names of the backbones. */
export const archs: readonly Arch[] = ['resnet18', 'resnet34', 'resnet50'];

/** Names of the pretraining tasks. */
export const pretrainingTasks: readonly PretrainingTask[] = ['rhythm', 'beat', 'hr', 'cpc'];

/**
 * The weights of one network in Keras's order, with their places in both file formats.
 *
 * Twin of what `finetuning.utils.ecg_feature_extractor`, `pretraining.utils.task_solver` and the classifier of `finetuning.trainer` build.
 * Throws a ValueError for an unknown architecture or task and for a pretraining task on a backbone without blocks.
 */
export function weightLayout({ arch = 'resnet18', stages, channels = 1, head }: ModelDescription): WeightLayout {
  if (!archs.includes(arch)) throw new ValueError(`unknown architecture: got ${arch}; expected ${archs.join(', ')}`);
  const blocks = blockCounts[arch].slice(0, stages ?? undefined);
  const layout = new LayoutBuilder();
  const root = layout.object({ path: '', checkpointPath: '' });
  if (head === undefined || 'classes' in head) {
    const width = addBackbone(layout, root, arch, blocks, channels);
    if (head !== undefined) addHead(layout, root, 2, width, head.classes);
    return { weights: layout.weights, objects: layout.objects, width };
  }
  const { task } = head;
  if (!pretrainingTasks.includes(task)) {
    throw new ValueError(`unknown task: got ${task}; expected ${pretrainingTasks.join(', ')}`);
  }
  if (blocks.length === 0)
    throw new ValueError(`task ${task} needs at least one stage of blocks; got stages ${stages}`);
  const backbone =
    task === 'cpc'
      ? layout.object(child(root, 'layers/sequential', 'signal_embedding'))
      : layout.object(member(root, 'sequential', 0, 0));
  const width = addBackbone(layout, backbone, arch, blocks, channels);
  if (task === 'cpc') addContextPooling(layout, root, width);
  else addHead(layout, root, 1, width, outputsOf[task]);
  return { weights: layout.weights, objects: layout.objects, width };
}

class LayoutBuilder {
  readonly weights: WeightSpec[] = [];
  readonly objects: ObjectSpec[] = [];

  object(object: ObjectSpec): ObjectSpec {
    this.objects.push(object);
    return object;
  }

  /** A layer with variables, given as `[name in a checkpoint, shape, trainable]` in the order of Keras's numbers. */
  layer(object: ObjectSpec, variables: readonly (readonly [string, readonly number[], boolean?])[]): void {
    this.object(object);
    variables.forEach(([name, shape, trainable = true], index) => {
      this.weights.push({
        path: join(object.path, `vars/${index}`),
        checkpointPath: join(object.checkpointPath, name),
        shape,
        trainable,
      });
    });
  }

  conv1d(object: ObjectSpec, width: number, inputs: number, filters: number): void {
    this.layer(object, [['kernel', [width, inputs, filters]]]);
  }

  batchNorm(object: ObjectSpec, size: number): void {
    this.layer(object, [
      ['gamma', [size]],
      ['beta', [size]],
      ['moving_mean', [size], false],
      ['moving_variance', [size], false],
    ]);
  }

  layerNorm(object: ObjectSpec, size: number): void {
    this.layer(object, [
      ['gamma', [size]],
      ['beta', [size]],
    ]);
  }

  dense(object: ObjectSpec, inputs: number, outputs: number): void {
    this.layer(object, [
      ['kernel', [inputs, outputs]],
      ['bias', [outputs]],
    ]);
  }
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}

function child(parent: ObjectSpec, name: string, checkpointName = name): ObjectSpec {
  return { path: join(parent.path, name), checkpointPath: join(parent.checkpointPath, checkpointName) };
}

/** Member of a Sequential: number `index` of all, number `weighted` of those with variables (absent: it has none). */
function member(parent: ObjectSpec, name: string, index: number, weighted?: number): ObjectSpec {
  const alias = join(parent.checkpointPath, `layer-${index}`);
  return {
    path: join(parent.path, `layers/${name}`),
    checkpointPath: weighted === undefined ? alias : join(parent.checkpointPath, `layer_with_weights-${weighted}`),
    ...(weighted === undefined ? {} : { checkpointAlias: alias }),
  };
}

/** `Sequential[ResNet, GlobalAveragePooling1D]` at `parent`; returns the width of its output. */
function addBackbone(
  layout: LayoutBuilder,
  parent: ObjectSpec,
  arch: Arch,
  blocks: readonly number[],
  channels: number,
): number {
  const resnet = layout.object(member(parent, 'res_net', 0, 0));
  layout.conv1d(child(resnet, 'conv1'), 7, channels, 64);
  layout.batchNorm(child(resnet, 'bn1'), 64);
  // Keras 3 meets these two first in the model's list of layers, so the file names them by class.
  layout.object(child(resnet, 'layers/re_lu', 'relu1'));
  layout.object(child(resnet, 'layers/max_pooling1d', 'maxpool1'));
  const addBlock = arch === 'resnet50' ? addBottleneckBlock : addResidualBlock;
  let width = 64;
  let index = 0;
  blocks.forEach((count, stage) => {
    for (let block = 0; block < count; block++, index++) {
      const strides = stage > 0 && block === 0 ? 2 : 1;
      width = addBlock(layout, resnet, index, width, stageFilters[stage], stageKernels[stage], strides);
    }
  });
  layout.object(member(parent, 'global_average_pooling1d', 1));
  return width;
}

function addResidualBlock(
  layout: LayoutBuilder,
  resnet: ObjectSpec,
  index: number,
  inputs: number,
  filters: number,
  kernel: number,
  strides: number,
): number {
  const block = layout.object(child(resnet, numbered('blocks/residual_block', index), `blocks/${index}`));
  layout.conv1d(child(block, 'conv1'), kernel, inputs, filters);
  layout.batchNorm(child(block, 'bn1'), filters);
  layout.object(child(block, 'relu1'));
  layout.conv1d(child(block, 'conv2'), kernel, filters, filters);
  layout.batchNorm(child(block, 'bn2'), filters);
  layout.object(child(block, 'relu2'));
  addProjection(layout, block, inputs, filters, strides);
  return filters;
}

function addBottleneckBlock(
  layout: LayoutBuilder,
  resnet: ObjectSpec,
  index: number,
  inputs: number,
  filters: number,
  kernel: number,
  strides: number,
): number {
  const outputs = filters * expansion;
  const block = layout.object(child(resnet, numbered('blocks/bottleneck_block', index), `blocks/${index}`));
  layout.conv1d(child(block, 'conv1'), 1, inputs, filters);
  layout.batchNorm(child(block, 'bn1'), filters);
  layout.object(child(block, 'relu1'));
  layout.conv1d(child(block, 'conv2'), kernel, filters, filters);
  layout.batchNorm(child(block, 'bn2'), filters);
  layout.object(child(block, 'relu2'));
  layout.conv1d(child(block, 'conv3'), 1, filters, outputs);
  layout.batchNorm(child(block, 'bn3'), outputs);
  layout.object(child(block, 'relu3'));
  addProjection(layout, block, inputs, outputs, strides);
  return outputs;
}

function addProjection(
  layout: LayoutBuilder,
  block: ObjectSpec,
  inputs: number,
  outputs: number,
  strides: number,
): void {
  if (inputs === outputs && strides === 1) return;
  layout.conv1d(child(block, 'proj_conv'), 1, inputs, outputs);
  layout.batchNorm(child(block, 'proj_bn'), outputs);
}

/** Dense layer with variables number 1, member `index` of the Sequential at `parent`. */
function addHead(layout: LayoutBuilder, parent: ObjectSpec, index: number, width: number, classes: number): void {
  layout.dense(member(parent, 'dense', index, 1), width, classes);
}

/** Attention pooling over the encoder of contrastive predictive coding. */
function addContextPooling(layout: LayoutBuilder, parent: ObjectSpec, width: number): void {
  const pooling = child(parent, 'attn_pooling');
  layout.layer(pooling, [['pool_token_embedding', [width]]]);
  const encoder = layout.object(child(pooling, 'transformer'));
  layout.object(child(encoder, 'dropout'));
  for (let index = 0; index < 3; index++) {
    const layer = layout.object(child(encoder, numbered('enc_layers/encoder_layer', index), `enc_layers/${index}`));
    const attention = layout.object(child(layer, 'mha'));
    for (const name of ['W_v', 'W_k', 'W_q', 'W_o']) layout.dense(child(attention, name), width, width);
    layout.object(child(layer, 'dropout1'));
    layout.layerNorm(child(layer, 'layernorm1'), width);
    layout.dense(child(layer, 'ff1'), width, 2 * width);
    layout.object(child(layer, 'relu1'));
    layout.dense(child(layer, 'ff2'), 2 * width, width);
    layout.object(child(layer, 'dropout2'));
    layout.layerNorm(child(layer, 'layernorm2'), width);
  }
}

/** Keras's name of number `index` among objects of one class. */
function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}_${index}`;
}
