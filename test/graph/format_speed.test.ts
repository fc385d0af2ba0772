import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { describeSpeeds, fasterFormat, isSlow, kernelFormat, measureFormats } from '../../src/graph/format_speed.ts';
import { runtime } from '../../src/graph/runtime.ts';
import { machine } from '../../src/lib/machine.ts';

test('bfloat16 is chosen where it is at least 1.2 times as fast, as with AMX; float32 elsewhere', () => {
  expect(fasterFormat({ float32: 178, bfloat16: 596 })).toBe('bfloat16');
  expect(fasterFormat({ float32: 100, bfloat16: 120 })).toBe('bfloat16');
  expect(fasterFormat({ float32: 100, bfloat16: 119 })).toBe('float32');
  expect(fasterFormat({ float32: 310, bfloat16: 163 })).toBe('float32');
  expect(fasterFormat({ float32: 100, bfloat16: 0 })).toBe('float32');
});

test('a bfloat16 model gets kernels for float32 where these are at least 1.2 times as fast', () => {
  expect(kernelFormat({ float32: 99, bfloat16: 7.1 })).toBe('float32');
  expect(kernelFormat({ float32: 120, bfloat16: 100 })).toBe('float32');
  expect(kernelFormat({ float32: 119, bfloat16: 100 })).toBe('bfloat16');
  expect(kernelFormat({ float32: 178, bfloat16: 596 })).toBe('bfloat16');
});

test('bfloat16 is slow from three times the time of float32', () => {
  expect(isSlow({ float32: 99, bfloat16: 7.1 })).toBe(true);
  expect(isSlow({ float32: 310, bfloat16: 163 })).toBe(false);
  expect(isSlow({ float32: 100, bfloat16: 0 })).toBe(false);
});

test('the text says when the processor has no bfloat16', () => {
  expect(describeSpeeds({ float32: 285.4, bfloat16: 9.04 })).toBe('285 GFLOP/s in float32, 9.0 in bfloat16');
  expect(describeSpeeds({ float32: 100, bfloat16: 0 })).toMatch(/no bfloat16 on this processor/);
});

test('measures both formats in a moment and frees what it made', () => {
  const tensorflow = runtime();
  const before = tensorflow.tensorCount;
  const speeds = measureFormats();
  expect(speeds.float32).toBeGreaterThan(0);
  expect(Number.isFinite(speeds.bfloat16)).toBe(true);
  expect(tensorflow.tensorCount).toBe(before);
});

/** Without AVX-512 TensorFlow does not ask oneDNN in bfloat16: its own kernels are slow, but work. */
const asksOneDnn = machine(import.meta.dirname).cpuFeatures.includes('avx512f');

test.skipIf(!asksOneDnn)('a processor for which oneDNN has no bfloat16 kernels is one for float32', () => {
  const program = `import { measureFormats } from './src/graph/format_speed.ts';
process.stdout.write(JSON.stringify(measureFormats()));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '1' };
  const speeds = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  expect(speeds).toMatchObject({ bfloat16: 0 });
  expect(fasterFormat(speeds)).toBe('float32');
});
