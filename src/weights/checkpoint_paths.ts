import type { NamedArray } from '../lib/keras/weights_h5.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';

const variableNumbers: Readonly<Record<string, number>> = {
  kernel: 0,
  bias: 1,
  gamma: 0,
  beta: 1,
  moving_mean: 2,
  moving_variance: 3,
  pool_token_embedding: 0,
};

/** Beginnings of object paths and what stands there in a `.weights.h5` file. The first that fits counts. */
const prefixes: readonly (readonly [checkpoint: string, keras: string])[] = [
  ['signal_embedding/layer_with_weights-0/', 'layers/sequential/layers/res_net/'],
  ['layer_with_weights-0/layer_with_weights-0/', 'layers/sequential/layers/res_net/'],
  ['layer_with_weights-0/', 'layers/res_net/'],
  ['layer_with_weights-1/', 'layers/dense/'],
  ['attn_pooling/', 'attn_pooling/'],
];

/**
 * Gives the variables of a TensorFlow checkpoint the paths that they have in a `.weights.h5` file. Those which no network of this project has are
 * returned by their object paths.
 */
export function toKerasPaths(variables: readonly (NdArray & { readonly objectPath: string })[]): {
  weights: NamedArray[];
  unknown: string[];
} {
  const weights: NamedArray[] = [];
  const unknown: string[] = [];
  // Both kinds of block are numbered alike; only a bottleneck has a third convolution.
  const block = variables.some(({ objectPath }) => /\/blocks\/\d+\/conv3\//.test(objectPath))
    ? 'bottleneck_block'
    : 'residual_block';
  for (const { objectPath, ...array } of variables) {
    const path = kerasPath(objectPath, block);
    if (path === undefined) unknown.push(objectPath);
    else weights.push({ path, ...array });
  }
  return { weights, unknown };
}

function kerasPath(objectPath: string, block: string): string | undefined {
  const prefix = prefixes.find(([start]) => objectPath.startsWith(start));
  const slash = objectPath.lastIndexOf('/');
  const variable = variableNumbers[objectPath.slice(slash + 1)];
  if (prefix === undefined || variable === undefined) return undefined;
  const object = `${prefix[1]}${objectPath.slice(prefix[0].length, slash + 1)}`
    .replace(/\/blocks\/(\d+)\//, (_, index) => `/blocks/${numbered(block, index)}/`)
    .replace(/\/enc_layers\/(\d+)\//, (_, index) => `/enc_layers/${numbered('encoder_layer', index)}/`);
  return `${object}vars/${variable}`;
}

function numbered(name: string, index: string): string {
  return index === '0' ? name : `${name}_${index}`;
}
