import { afterAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/graph/context.ts';
import { EagerExecutor } from '../../src/graph/eager.ts';
import type { FilterGradient } from '../../src/graph/kernels.ts';
import { conv1d, stridedExtent } from '../../src/graph/ops/convolution.ts';
import { sumOfRaw } from '../../src/graph/ops/elementwise.ts';
import { castRaw } from '../../src/graph/ops/shape.ts';
import type { Precision } from '../../src/graph/precision.ts';
import { compile } from '../../src/graph/session.ts';
import type { NdArray } from '../../src/lib/numpy/ndarray.ts';
import { distance, normal } from './keras_reference.ts';
import { smallBatch, smallModel } from './small_model.ts';

const executor = new EagerExecutor();
afterAll(() => executor.dispose());

const [batch, samples, inputs, outputs, width] = [3, 50, 24, 32, 5];

/** A convolution of bfloat16 numbers and its two gradients in a number format, with kernels of that format or another one; given as float32. */
function convolution(
  precision: Precision,
  format: Precision,
  stride: number,
  filterGradient: FilterGradient = 'usual',
) {
  const feeds = {
    x: normal([batch, samples, inputs], 'x'),
    kernel: normal([width, inputs, outputs], 'kernel'),
    dy: normal([batch, stridedExtent(samples, stride), outputs], 'dy'),
  };
  const types: string[] = [];
  const results = executor.run(feeds, (given) => {
    const kernelsOf = () => ({ format, filterGradient });
    const c = new Context(executor, { training: true, precision, kernelsOf });
    const rounded = [given.x, given.kernel, given.dy].map((tensor) => castRaw(c, tensor, 'bfloat16'));
    const [x, kernel, dy] = rounded.map((tensor) => castRaw(c, tensor, precision));
    for (const source of [x, kernel]) c.tape.watch(source);
    const y = conv1d(c, x, kernel, stride);
    const [dx, filters] = c.tape.gradients(y, dy, [x, kernel], (parts) => sumOfRaw(c, parts));
    const all = { y, dx: dx!, filters: filters! };
    types.push(...Object.values(all).map(({ dtype }) => dtype));
    return Object.fromEntries(
      Object.entries(all).map(([name, tensor]) => [name, castRaw(c, castRaw(c, tensor, 'bfloat16'), 'float32')]),
    );
  });
  return { results, types };
}

describe('a bfloat16 convolution by kernels for float32', () => {
  for (const stride of [1, 2]) {
    it.each(['usual', 'taps'] as const)(
      `stride ${stride}, filters %s: the bits of the float32 convolution of the same numbers, rounded once`,
      (kind) => {
        const converted = convolution('bfloat16', 'float32', stride, kind);
        expect(converted.types).toEqual(['bfloat16', 'bfloat16', 'bfloat16']);
        expect(converted.results).toEqual(convolution('float32', 'float32', stride, kind).results);
      },
    );

    // oneDNN rounds once; without AVX-512 TensorFlow takes kernels of its own, which add parts of the sums in bfloat16.
    it(`stride ${stride}: that of the kernels for bfloat16 to a few roundings`, () => {
      const converted = convolution('bfloat16', 'float32', stride).results;
      const own = convolution('bfloat16', 'bfloat16', stride).results;
      for (const [name, values] of Object.entries(converted)) {
        expect(distance(own[name], values), name).toBeLessThan(2 ** -5);
      }
    });
  }

  it('trains a network as the kernels for bfloat16 do', () => {
    const given = smallBatch(6);
    const [own, converted] = (['bfloat16', 'float32'] as const).map((format) => {
      const asked = new Set<string>();
      const session = compile(smallModel('bfloat16'), {
        ...{ loss: 'categorical_crossentropy', seed: 1 },
        kernelsOf: ({ dtype }) => {
          asked.add(dtype);
          return { format, filterGradient: 'usual' };
        },
      });
      try {
        const losses = [1, 2, 3].map(() => session.train(asFloat32(given.x), asFloat32(given.y)).loss);
        return { losses, asked };
      } finally {
        session.dispose();
      }
    });
    expect([...converted.asked].sort()).toEqual(['bfloat16', 'float32']);
    expect(own.asked).toEqual(new Set(['bfloat16']));
    for (const [step, loss] of converted.losses.entries()) expect(loss).toBeCloseTo(own.losses[step], 1);
    expect(converted.losses).not.toEqual(own.losses);
  });
});

function asFloat32({ shape, data }: NdArray<'float64'>): NdArray<'float32'> {
  return { dtype: 'float32', shape, data: Float32Array.from(data) };
}
