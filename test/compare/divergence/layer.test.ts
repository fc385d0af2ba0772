import { afterEach, describe, expect, it, vi } from 'vitest';
import { PortNetwork } from '../../../src/compare/networks/sides.ts';
import { formatWorst } from '../../../src/compare/report/figures.ts';
import type { Context } from '../../../src/graph/context.ts';
import type { Tensor } from '../../../src/graph/executor.ts';
import { BatchNormalization } from '../../../src/graph/layers.ts';
import { scale } from '../../../src/graph/ops/elementwise.ts';
import { zeros } from '../../../src/lib/numpy/ndarray.ts';
import { openSides, run } from '../suites/data_suites.ts';
import { networkSuites } from '../suites/network_suites.ts';

const sides = openSides();
afterEach(() => void vi.restoreAllMocks());

type Call = (this: BatchNormalization, c: Context, x: Tensor) => Tensor;

/** A fault in one layer of the port: its output is a thousandth too large. */
function plant(ending: string): void {
  const prototype = BatchNormalization.prototype as unknown as { call: Call };
  const call = prototype.call;
  vi.spyOn(prototype, 'call').mockImplementation(function (this: BatchNormalization, c, x) {
    const output = call.call(this, c, x);
    return this.path.endsWith(ending) ? scale(c, output, 1.001) : output;
  });
}

describe('where both sides part', () => {
  it.each(['activations', 'gradients', 'optimiser', 'training', 'predictions'])(
    '%s: a row that differs names the layer, its source on both sides, and the layers before it that agree',
    async (name) => {
      const suite = networkSuites.find((one) => one.name === name)!;
      const cases = suite.cases.filter((one) => one.name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label');
      plant('blocks/residual_block_1/bn2');
      const { rows, broken } = await run(suite, cases, sides);
      expect(broken).toEqual([]);
      const failed = rows.filter(({ passed, rung }) => !passed && rung !== 'same graph');
      expect(failed.length).toBeGreaterThan(0);
      for (const row of failed) {
        expect(row.first).toMatchObject({
          what: 'layers/res_net/blocks/residual_block_1/bn2, inference mode',
          worst: { index: [expect.any(Number), expect.any(Number), expect.any(Number)] },
          port: expect.stringMatching(/^src\/port\/transplant\/modules\/resnet1d\.ts:\d+$/),
          original: expect.stringMatching(/^transplant\/modules\/resnet1d\.py:\d+ \(BatchNormalization\)$/),
        });
        expect(row.first!.agreeing.at(-1)).toBe('layers/res_net/blocks/residual_block_1/conv2');
        expect(formatWorst(row)).toContain('first differs: layers/res_net/blocks/residual_block_1/bn2');
      }
    },
    300_000,
  );

  it('a row that differs though every layer agrees names none', async () => {
    const suite = networkSuites.find((one) => one.name === 'gradients')!;
    const cases = suite.cases.filter((one) => one.name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label');
    const { gradients } = PortNetwork.prototype;
    vi.spyOn(PortNetwork.prototype, 'gradients').mockImplementation(async function (this: PortNetwork, x, y) {
      const found = await gradients.call(this, x, y);
      return { ...found, gradients: found.gradients.map(({ dtype, shape }) => zeros(dtype, shape)) };
    });
    const { rows, broken } = await run(suite, cases, sides);
    expect(broken).toEqual([]);
    const failed = rows.filter(({ passed }) => !passed);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ first }) => first === undefined)).toBe(true);
  }, 300_000);
});
