import { describe, expect, it } from 'vitest';
import { floatRepr } from '../../../src/lib/python/float_repr.ts';
import { runPython } from '../../python.ts';

describe('floatRepr', () => {
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-12.5, '-12.5'],
    [0.1, '0.1'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [5e-324, '5e-324'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('writes %d as Python does: %s', (value, text) => {
    expect(floatRepr(value)).toBe(text);
  });

  it('equals repr() for 20,000 random bit patterns and float32 values', async () => {
    const bits = new BigUint64Array(20_000);
    let state = 88172645463325252n;
    for (let i = 0; i < bits.length; i++) {
      state ^= BigInt.asUintN(64, state << 13n);
      state ^= state >> 7n;
      state ^= BigInt.asUintN(64, state << 17n);
      bits[i] = state;
    }
    const values = new Float64Array(bits.buffer);
    for (let i = 0; i < values.length; i += 2)
      values[i] = Math.fround(values[i] * 2 ** -900) || Math.fround((i + 1) / 7919);
    const program = `
import struct, sys
data = bytes.fromhex(sys.stdin.read())
print("\\n".join(repr(v) for v in struct.unpack(f"<{len(data) // 8}d", data)))`;
    const text = await runPython(['-c', program], { input: Buffer.from(values.buffer).toString('hex') });
    expect(Array.from(values, floatRepr)).toEqual(text.trimEnd().split('\n'));
  });
});
