import { toFloat64 } from '../../../src/lib/numpy/convert.ts';
import type { NdArray } from '../../../src/lib/numpy/ndarray.ts';
import { type AnyArray, isArray } from '../../../src/lib/numpy/object_array.ts';

/** Array in the JSON form of `test/fixtures/numpy/files.py`. */
export interface Plain {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** Array in a form that compares to the last bit: floats as Python's `float.hex()`. */
export function plain(array: AnyArray): Plain {
  const { dtype, shape } = array;
  return { dtype, shape: [...shape], data: elements(array) };
}

function elements(array: AnyArray): unknown[] {
  if (array.dtype === 'object') return array.data.map((value) => (isArray(value) ? plain(value) : value));
  if (array.dtype === 'str') return [...array.data];
  if (array.dtype.startsWith('float')) return Array.from(toFloat64(array as NdArray), floatHex);
  if (array.dtype === 'bool') return Array.from(array.data as Uint8Array, (value) => (value ? 'True' : 'False'));
  return Array.from(array.data as ArrayLike<number | bigint>, String);
}

/** Twin of Python's `float.hex()`. */
export function floatHex(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const sign = word >> 63n ? '-' : '';
  const exponent = Number((word >> 52n) & 0x7ffn);
  const fraction = (word & 0xfffffffffffffn).toString(16).padStart(13, '0');
  if (exponent === 0 && /^0*$/.test(fraction)) return `${sign}0x0.0p+0`;
  const power = exponent === 0 ? -1022 : exponent - 1023;
  return `${sign}0x${exponent === 0 ? 0 : 1}.${fraction}p${power < 0 ? '-' : '+'}${Math.abs(power)}`;
}
