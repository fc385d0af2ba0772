import { afterAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/graph/context.ts';
import { EagerExecutor } from '../../src/graph/eager.ts';
import type { ChooseKernels, Convolution, FilterGradient } from '../../src/graph/kernels.ts';
import { conv1d, stridedExtent } from '../../src/graph/ops/convolution.ts';
import { sumOfRaw } from '../../src/graph/ops/elementwise.ts';
import { castRaw } from '../../src/graph/ops/shape.ts';
import type { Precision } from '../../src/graph/precision.ts';
import { compile } from '../../src/graph/session.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { distance, normal } from './keras_reference.ts';
import { smallBatch, smallModel } from './small_model.ts';

const executor = new EagerExecutor();
afterAll(() => executor.dispose());

type Sizes = Omit<Convolution, 'dtype'>;

/** The gradient of the filters for one batch, computed in a number format and given as float64. */
function gradientOf(kind: FilterGradient, sizes: Sizes, precision: Precision = 'float64'): NdArray {
  const { batch, samples, inputs, outputs, width, stride } = sizes;
  const feeds = {
    x: normal([batch, samples, inputs], 'x'),
    kernel: normal([width, inputs, outputs], 'kernel'),
    dy: normal([batch, stridedExtent(samples, stride), outputs], 'dy'),
  };
  return executor.run(feeds, (given) => {
    const c = new Context(executor, {
      training: true,
      precision,
      kernelsOf: () => ({ format: precision, filterGradient: kind }),
    });
    const [x, kernel, dy] = [given.x, given.kernel, given.dy].map((tensor) => castRaw(c, tensor, precision));
    c.tape.watch(kernel);
    const y = conv1d(c, x, kernel, stride);
    const [gradient] = c.tape.gradients(y, dy, [kernel], (parts) => sumOfRaw(c, parts));
    return { gradient: castRaw(c, gradient!, 'float64') };
  }).gradient;
}

const widths = [1, 2, 3, 4, 5, 6, 7];

describe("the gradient of a convolution's filters as one product for each tap", () => {
  it.each(widths)(
    'width %i: Conv2DBackpropFilter in float64 to rounding, for strides, odd lengths, batches of one',
    (width) => {
      for (const stride of [1, 2, 3]) {
        for (const samples of [1, 2, 5, 16, 17]) {
          for (const batch of [1, 3]) {
            const sizes = { batch, samples, inputs: 3, outputs: 4, width, stride };
            const [taps, usual] = [gradientOf('taps', sizes), gradientOf('usual', sizes)];
            expect(taps.shape).toEqual([width, 3, 4]);
            expect(distance(taps, usual), JSON.stringify(sizes)).toBeLessThan(2e-15);
          }
        }
      }
    },
  );

  it.each([
    { precision: 'float32', limit: 2e-6 },
    { precision: 'bfloat16', limit: 0.02 },
  ] as const)('the same in $precision, with as many channels as in the networks', ({ precision, limit }) => {
    for (const stride of [1, 2]) {
      const sizes = { batch: 4, samples: 64, inputs: 64, outputs: 128, width: 5, stride };
      const exact = gradientOf('usual', sizes);
      expect(distance(gradientOf('taps', sizes, precision), exact)).toBeLessThan(limit);
    }
  });

  it.each([
    { title: 'on one device', devices: undefined },
    // Parts of two and of one, then an empty one.
    { title: 'on three devices', devices: ['/device:CPU:0', '/device:CPU:0', '/device:CPU:0'] },
  ])('$title, a graph for all batch sizes trains as with the usual kernels', ({ devices }) => {
    const batch = smallBatch(5);
    const asked: number[] = [];
    const [usual, taps] = (['usual', 'taps'] as const).map((kind) => {
      const kernelsOf: ChooseKernels = ({ width, batch: samples, dtype }) => {
        asked.push(samples);
        return { format: dtype, filterGradient: width > 1 ? kind : 'usual' };
      };
      const options = { loss: 'categorical_crossentropy', seed: 1, devices, kernelsOf } as const;
      const session = compile(smallModel('float64'), options);
      try {
        session.train(batch.x, batch.y);
        session.train(slices(batch.x, 2), slices(batch.y, 2));
        return session.read();
      } finally {
        session.dispose();
      }
    });
    expect(new Set(asked)).toEqual(new Set([-1]));
    const names = [...usual.keys()].filter((name) => /vars\/\d+$/.test(name));
    // Adam's first steps turn rounding of gradients near zero into steps of some length.
    for (const name of names) expect(distance(taps.get(name)!, usual.get(name)!), name).toBeLessThan(1e-9);
  });
});

/** The first rows of a batch. */
function slices({ shape, data }: NdArray<'float64'>, rows: number): NdArray<'float64'> {
  const width = data.length / shape[0];
  return ndarray('float64', [rows, ...shape.slice(1)], data.slice(0, rows * width));
}
