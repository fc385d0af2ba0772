import { type NdArray, ndarray, sizeOf } from './ndarray.ts';

/** Converts bfloat16 numbers, which are the upper halves of float32 numbers, to float32. NumPy has no such type; TensorFlow and Keras store it. */
export function widenBfloat16(shape: readonly number[], bytes: Uint8Array): NdArray<'float32'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(sizeOf(shape));
  const words = new Uint32Array(data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint16(2 * i, true) << 16;
  return ndarray('float32', shape, data);
}
