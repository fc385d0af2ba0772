import type { NamedArray } from '../keras/weights_h5.ts';
import { ValueError } from '../python/errors.ts';

/** Names of element types in the format, of those that weights have. */
const types: Readonly<Record<string, string>> = { float32: 'F32', float64: 'F64', int64: 'I64' };

/** The header is padded with blanks to a multiple of this, so that the data are aligned. */
const alignment = 8;

/**
 * Bytes of a file in the format of Hugging Face's safetensors: the length of the header (64 bits, little-endian), the header (JSON: element type, shape and place of each array), the arrays in C order. Wide
 * element types come first, then the order of names, as in the Python package.
 *
 * @throws ValueError for an element type that weights do not have.
 */
export function encodeSafetensors(
  arrays: readonly NamedArray[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = arrays
    .map(({ path, dtype, shape, data }) => {
      const type = types[dtype];
      if (type === undefined) throw new ValueError(`${path}: safetensors are not written for ${dtype}`);
      const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = data as Float32Array;
      return { path, type, shape, width: BYTES_PER_ELEMENT, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
    })
    .sort((a, b) => b.width - a.width || (a.path < b.path ? -1 : 1));
  let end = 0;
  const entries = ordered.map(({ path, type, shape, bytes }) => {
    const begin = end;
    end += bytes.length;
    return [path, { dtype: type, shape, data_offsets: [begin, end] }] as const;
  });
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const size = Math.ceil(Buffer.byteLength(text) / alignment) * alignment;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(size));
  const header = Buffer.alloc(size, ' ');
  header.write(text);
  return Buffer.concat([length, header, ...ordered.map(({ bytes }) => bytes)]);
}
