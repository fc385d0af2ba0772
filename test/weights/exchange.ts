import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { WeightSpec } from '../../src/graph/layer.ts';
import { writeHdf5 } from '../../src/lib/hdf5/writer.ts';
import type { NamedArray } from '../../src/lib/keras/weights_h5.ts';
import { bytesOf, type NdArray, ndarray, sizeOf } from '../../src/lib/numpy/ndarray.ts';
import { identifyModel } from '../../src/networks/identify.ts';
import { buildNetwork, type ModelDescription } from '../../src/networks/network.ts';
import { readWeights, type WeightFormat } from '../../src/weights/files.ts';
import { matchWeights } from '../../src/weights/loading.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

/** A network of an exchange with Python. */
export interface ExchangeModel extends ModelDescription {
  readonly name: string;
  /** Exchange the state of the optimiser too. */
  readonly trained?: boolean;
}

/** What Python reports for one network: SHA-256 of each weight in Keras's order. */
export interface ExchangeResult {
  readonly loaded: readonly string[];
  readonly saved: readonly string[];
  readonly loaded_optimizer?: readonly string[];
  readonly saved_optimizer?: readonly string[];
  readonly learning_rate?: number;
  readonly parameters: number;
  readonly trainable: readonly boolean[];
}

/** Digest as `digests` of exchange.py makes it. */
export function digest(array: NdArray): string {
  return createHash('sha256')
    .update(`${array.dtype}[${array.shape.join(', ')}]`)
    .update(bytesOf(array))
    .digest('hex');
}

/** Reproducible values for weights, with a few special ones in front. */
export function sampleWeights(
  { weights }: { readonly weights: readonly Pick<WeightSpec, 'path' | 'shape'>[] },
  seed: number,
): NamedArray[] {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    // Marsaglia's xorshift: any numbers will do, as long as every weight has its own.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  const special = [-0, 1e-45, 3.4028234663852886e38, Math.PI];
  return weights.map(({ path, shape }) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, next);
    values.set(special.slice(0, values.length));
    return { path, ...ndarray('float32', shape, values) };
  });
}

/** The weights of a file by their `.weights.h5` paths, whatever its format; the file must hold a network of this project. */
export function weightsOf(name: string): readonly NamedArray[] {
  const file = readWeights(name);
  const model = identifyModel(file);
  if (model === undefined) throw new Error(`${name} does not hold a network of this project`);
  return matchWeights(file, buildNetwork(model).weights).assigned;
}

/** Runs exchange.py on the files in `folder`. */
export async function exchange(
  format: WeightFormat,
  folder: string,
  models: readonly ExchangeModel[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown> & { models: Record<string, ExchangeResult> }> {
  const task = {
    folder,
    models: models.map(({ head, ...model }) => ({ ...model, ...head })),
    ...more,
  };
  const output = await runPython([join(root, 'test/fixtures/weights/exchange.py')], {
    input: JSON.stringify(task),
    env: format === 'tensorflow' ? { TF_USE_LEGACY_KERAS: '1' } : {},
  });
  return JSON.parse(output.trimEnd().split('\n').at(-1)!);
}

/** File name of one side's file. */
export function fileName(format: WeightFormat, side: 'port' | 'python', name: string): string {
  return `${side}_${name}.weights${format === 'keras' ? '.h5' : ''}`;
}

/** A small file of one Dense layer, as Keras lays it out. */
export function smallFile(): Promise<Uint8Array> {
  return writeHdf5({
    groups: ['vars', 'layers/dense/vars'],
    arrays: new Map([
      ['layers/dense/vars/0', ndarray('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
      ['layers/dense/vars/1', ndarray('float32', [3], Float32Array.of(7, 8, 9))],
    ]),
  });
}
