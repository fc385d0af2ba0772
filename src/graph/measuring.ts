import { type NdArray, ndarray, sizeOf } from '../lib/numpy/ndarray.ts';
import type { ElementType } from './element_type.ts';
import type { Runtime, TensorHandle } from './runtime.ts';

/**
 * Milliseconds of the fastest round of each action. The actions take turns, so that other programs disturb little; an action that has taken `time`
 * milliseconds gets no further round.
 */
export function fastestRounds(
  actions: readonly (() => void)[],
  { rounds, time }: { readonly rounds: number; readonly time: number },
): number[] {
  const all = actions.map((run) => ({ run, fastest: Number.POSITIVE_INFINITY, spent: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const one of all.filter(({ spent }) => spent < time)) {
      const begun = performance.now();
      one.run();
      const taken = performance.now() - begun;
      one.fastest = Math.min(one.fastest, taken);
      one.spent += taken;
    }
  }
  return all.map(({ fastest }) => fastest);
}

/** Numbers between −1 and 1 as a tensor. They are not drawn, so that measuring changes no seed. */
export function noise(tensorflow: Runtime, extents: readonly number[], format: ElementType): TensorHandle {
  const data = new Float32Array(sizeOf(extents));
  const period = Math.min(data.length, 1 << 16);
  for (let k = 0; k < period; k++) data[k] = Math.sin(k * 1.7);
  for (let k = period; k < data.length; k++) data[k] = data[k - period];
  return inFormat(tensorflow, ndarray('float32', extents, data), format);
}

/** A tensor in another format; the same one if it has it already. Frees arrays that it makes tensors of. */
export function inFormat(tensorflow: Runtime, given: NdArray | TensorHandle, format: ElementType): TensorHandle {
  const tensor = 'id' in given ? given : tensorflow.createTensor(given);
  if (tensor.dtype === format) return tensor;
  const types = { SrcT: { type: tensor.dtype }, DstT: { type: format }, Truncate: { bool: false } } as const;
  const converted = tensorflow.executeOp('Cast', [tensor], types, 1)[0];
  if (!('id' in given)) tensorflow.deleteTensor(tensor);
  return converted;
}
