import { ndarray, sizeOf } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import { fastestRounds, inFormat, noise } from './measuring.ts';
import { type Runtime, runtime, type TensorHandle } from './runtime.ts';

/** Formats among which `auto` chooses. */
export type MeasuredFormat = 'float32' | 'bfloat16';

/** Floating-point operations per second (GFLOP/s) of the network's convolutions in each format; 0 where TensorFlow has no kernel for this processor. */
export type FormatSpeeds = Readonly<Record<MeasuredFormat, number>>;

/** bfloat16 keeps 8 bits of a number, and conversions take time: the other format has to be this many times as fast. */
export const worthwhile = 1.2;

/** Shapes from the middle of resnet18 for 8 recordings of 2,048 samples: 256 samples × 128 channels, 5 taps. */
const shape = { signal: [8, 1, 256, 128], kernel: [1, 5, 128, 128] } as const;
const operations = 3 * 2 * sizeOf(shape.signal) * shape.kernel[1] * shape.kernel[3];
/** Most rounds of a format, and the time in milliseconds after which it gets no further one. */
const limits = { rounds: 10, time: 150 };

/** The format in which training is faster; float32 unless bfloat16 is `worthwhile`. */
export function fasterFormat({ float32, bfloat16 }: FormatSpeeds): MeasuredFormat {
  return bfloat16 >= worthwhile * float32 ? 'bfloat16' : 'float32';
}

/** The format of the kernels with which a bfloat16 model trains faster; not its own if those for float32 are `worthwhile` between conversions. */
export function kernelFormat({ float32, bfloat16 }: FormatSpeeds): MeasuredFormat {
  return float32 >= worthwhile * bfloat16 ? 'float32' : 'bfloat16';
}

/** Whether bfloat16 takes at least three times as long as float32, which nobody wants to wait for. */
export function isSlow({ float32, bfloat16 }: FormatSpeeds): boolean {
  return bfloat16 > 0 && float32 >= 3 * bfloat16;
}

/** Says which format was measured to be how fast, for people. */
export function describeSpeeds({ float32, bfloat16 }: FormatSpeeds): string {
  const whole = (speed: number): string => speed.toFixed(speed < 10 ? 1 : 0);
  const second = bfloat16 === 0 ? 'no bfloat16 on this processor' : `${whole(bfloat16)} in bfloat16`;
  return `${whole(float32)} GFLOP/s in float32, ${second}`;
}

/**
 * Measures a convolution with both of its gradients in each format: nine tenths of a training step are such convolutions, and their ratio is closer to
 * that of whole steps than the ratio of matrix products is. The formats take turns, and the fastest round of each counts, so that other programs disturb
 * little. Takes a fraction of a second.
 */
export function measureFormats(tensorflow: Runtime = runtime()): FormatSpeeds {
  const formats = (['float32', 'bfloat16'] as const).map((format) => ({ format, ...convolution(tensorflow, format) }));
  try {
    const running = formats.filter(canRun);
    const fastest = fastestRounds(
      running.map(({ run }) => run),
      limits,
    );
    const speedOf = (wanted: MeasuredFormat): number => {
      const place = running.findIndex(({ format }) => format === wanted);
      return place === -1 ? 0 : operations / 1e6 / fastest[place];
    };
    return { float32: speedOf('float32'), bfloat16: speedOf('bfloat16') };
  } finally {
    for (const { dispose } of formats) dispose();
  }
}

/** Runs once, so that kernels are made. False for bfloat16 where oneDNN has no kernel for the processor. */
function canRun({ format, run }: { readonly format: MeasuredFormat; run(): void }): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (format === 'float32') throw error;
    return false;
  }
}

/** A convolution and its two gradients, ready to run. */
function convolution(tensorflow: Runtime, format: MeasuredFormat): { run(): void; dispose(): void } {
  const signal = noise(tensorflow, shape.signal, format);
  const kernel = noise(tensorflow, shape.kernel, format);
  const sizes = ints([...shape.signal], tensorflow);
  const kernelSizes = ints([...shape.kernel], tensorflow);
  const origin = ints([0, 0, 0, 0], tensorflow);
  const unit = ints([1, 1, 1, 1], tensorflow);
  const attributes: Attributes = {
    T: { type: format },
    strides: { ints: [1, 1, 1, 1] },
    padding: { string: 'SAME' },
    data_format: { string: 'NHWC' },
    dilations: { ints: [1, 1, 1, 1] },
  };
  const finish = (tensor: TensorHandle): void => {
    // A GPU computes in the background: reading an element waits for it.
    const part = { T: { type: format }, Index: { type: 'int32' } } as const;
    const one = tensorflow.executeOp('Slice', [tensor, origin, unit], part, 1)[0];
    const read = inFormat(tensorflow, one, 'float32');
    tensorflow.readTensor(read);
    for (const done of new Set([tensor, one, read])) tensorflow.deleteTensor(done);
  };
  return {
    run() {
      const results = [
        tensorflow.executeOp('Conv2D', [signal, kernel], attributes, 1)[0],
        tensorflow.executeOp('Conv2DBackpropInput', [sizes, kernel, signal], attributes, 1)[0],
        tensorflow.executeOp('Conv2DBackpropFilter', [signal, kernelSizes, signal], attributes, 1)[0],
      ];
      for (const result of results) finish(result);
    },
    dispose() {
      for (const tensor of [signal, kernel, sizes, kernelSizes, origin, unit]) tensorflow.deleteTensor(tensor);
    },
  };
}

function ints(values: readonly number[], tensorflow: Runtime): TensorHandle {
  return tensorflow.createTensor(ndarray('int32', [values.length], Int32Array.from(values)));
}
