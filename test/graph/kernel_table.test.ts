import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooserOf, convolutionsOf } from '../../src/graph/convolutions.ts';
import { fasterFilterGradient, measureFilterGradients } from '../../src/graph/kernel_speed.ts';
import { measuredConvolutions, tableFile } from '../../src/graph/kernel_table.ts';
import type { Convolution } from '../../src/graph/kernels.ts';
import { bindingPath, runtime } from '../../src/graph/runtime.ts';
import { buildNetwork } from '../../src/networks/network.ts';

const sizes: Convolution = {
  ...{ batch: 2, samples: 17, inputs: 8, outputs: 4, width: 3, stride: 2 },
  dtype: 'float32',
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-kernels-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Measures that products for each tap are twice as fast, and counts what it has measured. */
function pretended(): { measure: typeof measureFilterGradients; asked: Convolution[] } {
  const asked: Convolution[] = [];
  const measure = (convolutions: readonly Convolution[]) => {
    asked.push(...convolutions);
    return convolutions.map(() => ({ usual: 100, taps: 200 }));
  };
  return { measure, asked };
}

describe('convolutions of a network', () => {
  it('are those of resnet18, each once, with the batch that a device gets', () => {
    const model = buildNetwork(
      { arch: 'resnet18', head: { classes: 4 } },
      { shapes: { x: [2048, 1] }, precision: 'bfloat16' },
    );
    const found = convolutionsOf(model, 16);
    expect(found).toHaveLength(11);
    expect(found[0]).toEqual({
      batch: 16,
      samples: 2048,
      inputs: 1,
      outputs: 64,
      width: 7,
      stride: 2,
      dtype: 'bfloat16',
    });
    expect(new Set(found.map(({ batch }) => batch))).toEqual(new Set([16]));
    expect(found.map(({ width, stride }) => `${width}/${stride}`)).toEqual(
      expect.arrayContaining(['7/2', '7/1', '5/2', '5/1', '3/2', '3/1', '1/2']),
    );
  });

  it('of contrastive predictive coding get the larger of their two batches', () => {
    const shapes = { context: [8, 128, 1], samples: [9, 128, 1] };
    const model = buildNetwork({ arch: 'resnet18', stages: 1, head: { task: 'cpc' } }, { shapes });
    expect(convolutionsOf(model, 4).map(({ batch }) => batch)).toEqual([36, 36]);
  });
});

describe('the faster kernel', () => {
  it('is another than the usual one from 1.15 times its speed', () => {
    expect(fasterFilterGradient({ usual: 100, taps: 115 })).toBe('taps');
    expect(fasterFilterGradient({ usual: 100, taps: 114 })).toBe('usual');
  });

  it('is measured in a moment, and nothing is left in TensorFlow', () => {
    const tensorflow = runtime();
    const before = [tensorflow.tensorCount, tensorflow.modelCount];
    const found = measureFilterGradients([sizes, { ...sizes, dtype: 'float64' }]);
    for (const { usual, taps } of found) {
      expect(usual).toBeGreaterThan(0);
      expect(taps).toBeGreaterThan(0);
    }
    expect(found).toHaveLength(2);
    expect([tensorflow.tensorCount, tensorflow.modelCount]).toEqual(before);
  });

  it('is chosen for the sizes that were measured, whatever the batch, and the usual one for others', () => {
    const choose = chooserOf([{ ...sizes, usual: 1, taps: 2, chosen: 'taps' }]);
    expect(choose({ ...sizes, batch: -1 })).toEqual({ format: 'float32', filterGradient: 'taps' });
    expect(choose({ ...sizes, stride: 1 })).toEqual({ format: 'float32', filterGradient: 'usual' });
    expect(choose({ ...sizes, stride: 1, dtype: 'bfloat16' })).toEqual({ format: 'bfloat16', filterGradient: 'usual' });
  });
});

describe('convolutions of a bfloat16 model', () => {
  const given: Convolution = { ...sizes, dtype: 'bfloat16' };

  it.each([
    // As without AVX-512, with AVX-512 and its bf16 instructions, and with AMX.
    { speeds: { float32: 99, bfloat16: 7.1 }, format: 'float32' },
    { speeds: { float32: 310, bfloat16: 163 }, format: 'float32' },
    { speeds: { float32: 178, bfloat16: 596 }, format: 'bfloat16' },
    { speeds: { float32: 119, bfloat16: 100 }, format: 'bfloat16' },
  ] as const)('are computed in $format where the speeds are $speeds', ({ speeds, format }) => {
    const { measure, asked } = pretended();
    const settings = { file: join(folder, 'table.json'), measure, formats: () => speeds };
    const measured = measuredConvolutions([given], settings);
    expect(asked).toEqual([{ ...sizes, dtype: format }]);
    expect(chooserOf(measured)({ ...given, batch: -1 })).toEqual({ format, filterGradient: 'taps' });
  });
});

describe('the table of speeds', () => {
  it('keeps what was measured, and measures only what it does not have', () => {
    const file = join(folder, 'table.json');
    const { measure, asked } = pretended();
    const longer = { ...sizes, samples: 34 };
    expect(measuredConvolutions([sizes], { file, measure })).toEqual([
      { ...sizes, usual: 100, taps: 200, chosen: 'taps' },
    ]);
    measuredConvolutions([sizes, longer], { file, measure });
    measuredConvolutions([longer, sizes], { file, measure });
    expect(asked).toEqual([sizes, longer]);
    expect(readdirSync(folder)).toEqual(['table.json']);
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
    ['with a speed of 0', (text: string) => text.replace('100', '0')],
    ['of another format', (text: string) => text.replace('"format": 1', '"format": 2')],
  ])('is measured anew if it is %s', (_, damage) => {
    const file = join(folder, 'table.json');
    const { measure, asked } = pretended();
    measuredConvolutions([sizes], { file, measure });
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    measuredConvolutions([sizes], { file, measure });
    measuredConvolutions([sizes], { file, measure });
    expect(asked).toEqual([sizes, sizes]);
  });

  it('that cannot be written only costs time', () => {
    const { measure } = pretended();
    const file = join(folder, 'missing', 'table.json');
    expect(measuredConvolutions([sizes], { file, measure })[0].chosen).toBe('taps');
  });

  it('lies beside the binding, another one for other numbers of threads', () => {
    const name = 'TF_NUM_INTRAOP_THREADS';
    const before = process.env[name];
    try {
      const files = ['1', '2'].map((threads) => {
        process.env[name] = threads;
        return tableFile();
      });
      expect(files[0]).not.toBe(files[1]);
      for (const file of files) expect(join(file, '..')).toBe(join(bindingPath(), '..'));
    } finally {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    }
  });
});
