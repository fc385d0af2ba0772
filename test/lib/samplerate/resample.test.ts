import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { locateWheelLibrary } from '../../../src/lib/samplerate/native.ts';
import { chooseResampler, openResampler, type Resampler } from '../../../src/lib/samplerate/resample.ts';
import { seededRandom } from '../../mutation.ts';
import { runPython } from '../../python.ts';
import { python } from '../../shared_data.ts';

// Lengths and rates of the data sets, and those whose result is shorter than a computed length.
const cases: readonly [samples: number, leads: number, source: number, target: number][] = [
  [9000, 1, 300, 250],
  [2714, 1, 300, 250],
  [18286, 1, 300, 250],
  [5000, 12, 500, 250],
  [1000, 12, 100, 250],
  [750, 1, 250, 300],
  [2650, 1, 250, 300],
  [3908, 1, 977, 250],
  [4885, 1, 977, 250],
  [2570, 2, 257, 250],
  [1000, 3, 360.5, 250],
  [500, 1, 128, 250],
  [1, 1, 500, 250],
  [2, 2, 500, 250],
];

const reference = `
import hashlib, json, sys
import numpy as np, samplerate
folder, cases = json.load(sys.stdin)
out = []
for i, (samples, leads, source, target) in enumerate(cases):
    x = np.fromfile(f"{folder}/{i}.bin", "<f8").reshape(samples, leads)
    y = samplerate.resample(x, target / source)
    out.append([list(y.shape), y.dtype.name, hashlib.sha256(y.tobytes()).hexdigest()])
json.dump(out, sys.stdout)
`;

const wheel = locateWheelLibrary(python);
const folder = mkdtempSync(join(tmpdir(), 'resample-'));
afterAll(() => rmSync(folder, { recursive: true }));

function signal(samples: number, leads: number, seed: number): NdArray<'float64'> {
  const random = seededRandom(seed);
  return ndarray(
    'float64',
    [samples, leads],
    Float64Array.from({ length: samples * leads }, (_, i) => Math.sin(i / 9) + random() - 0.5),
  );
}

const hash = (array: NdArray): string => createHash('sha256').update(bytesOf(array)).digest('hex');

describe.each([
  ['javascript', 'javascript' as const],
  ['native', wheel && { native: wheel }],
])('samplerate.resample, %s', (_, choice) => {
  let resampler: Resampler;
  beforeAll(async () => {
    if (choice) resampler = await openResampler(choice);
  });

  it.skipIf(!choice)('samplerate.resample: length, dtype and bits as python-samplerate', async () => {
    const signals = cases.map(([samples, leads], i) => signal(samples, leads, i));
    signals.forEach((x, i) => {
      writeFileSync(join(folder, `${i}.bin`), bytesOf(x));
    });
    const expected = JSON.parse(await runPython(['-c', reference], { input: JSON.stringify([folder, cases]) }));
    const got = signals.map((x, i) => {
      const y = resampler.resample(x, cases[i][2], cases[i][3]);
      return [y.shape, y.dtype, hash(y)];
    });
    expect(got).toEqual(expected);
  });

  it.skipIf(!choice)('lengths are those that libsamplerate makes', () => {
    const length = (samples: number, source: number, target: number): number =>
      resampler.resample(signal(samples, 1, 1), source, target).shape[0];
    expect([length(9000, 300, 250), length(2714, 300, 250), length(750, 250, 300), length(3908, 977, 250)]).toEqual([
      7500, 2261, 899, 999,
    ]);
  });

  it.skipIf(!choice)('samplerate.resample: leads are independent, float32 input gives the same', () => {
    const x = signal(700, 3, 4);
    const together = resampler.resample(x, 500, 250);
    const second = ndarray(
      'float32',
      [700, 1],
      Float32Array.from({ length: 700 }, (_, i) => x.data[i * 3 + 1]),
    );
    const alone = resampler.resample(second, 500, 250);
    expect(Array.from({ length: alone.shape[0] }, (_, i) => together.data[i * 3 + 1])).toEqual(Array.from(alone.data));
  });

  it.skipIf(!choice)(
    'resampleTogether: the bits of each signal alone, for any length, rates, leads and number of signals',
    () => {
      // For some lengths libsamplerate gives two leads one sample more than one lead.
      const rates = [
        [300, 250],
        [360, 250],
        [257, 250],
        [500, 100],
        [100, 250],
        [977, 250],
      ] as const;
      let longer = 0;
      for (const [source, target] of rates) {
        for (const samples of [1, 2, 3, 5, 16, 29, 113, 250, 301, 602, 700, 1001, 3014]) {
          for (const [leads, count] of [
            [1, 12],
            [1, 3],
            [2, 4],
            [5, 3],
          ]) {
            const signals = Array.from({ length: count }, (_, i) => signal(samples, leads, 100 + i));
            const alone = signals.map((x) => resampler.resample(x, source, target));
            const together = resampler.resampleTogether(signals, source, target);
            expect(together.map(({ shape }) => shape)).toEqual(alone.map(({ shape }) => shape));
            expect(together.map(hash), `${samples} × ${leads}, ${source} to ${target}`).toEqual(alone.map(hash));
            if (resampler.resample(signal(samples, 2 * leads, 1), source, target).shape[0] > alone[0].shape[0])
              longer++;
          }
        }
      }
      expect(longer).toBeGreaterThan(0);
    },
    120_000,
  );

  it.skipIf(!choice)('nothing to resample, missing samples', () => {
    expect(resampler.resample(ndarray('float64', [0, 2], new Float64Array(0)), 500, 250).shape).toEqual([0, 2]);
    const broken = signal(2000, 1, 5);
    broken.data[1000] = Number.NaN;
    expect(resampler.resample(broken, 500, 250).data.some(Number.isNaN)).toBe(true);
    const others = [signal(2000, 1, 6), signal(2000, 1, 7)];
    const [first, , last] = resampler.resampleTogether([others[0], broken, others[1]], 500, 250);
    expect([first, last].map(hash)).toEqual(others.map((x) => hash(resampler.resample(x, 500, 250))));
  });

  it.skipIf(!choice)('refuses rates and shapes that libsamplerate does not take', () => {
    const x = signal(10, 1, 6);
    expect(() => resampler.resample(x, 0, 250)).toThrow(/got 0 Hz to 250 Hz/);
    expect(() => resampler.resample(x, 1, 300)).toThrow(/between 1\/256 and 256/);
    expect(() => resampler.resample(x, 500, Number.NaN)).toThrow(/got 500 Hz to NaN Hz/);
    expect(() => resampler.resample(signal(10, 129, 7), 500, 250)).toThrow(/1 to 128 leads/);
    expect(() => resampler.resample(ndarray('float64', [10], new Float64Array(10)), 500, 250)).toThrow(/shape \(10\)/);
  });
});

describe('chooseResampler', () => {
  it('falls back to JavaScript without a Python environment', async () => {
    expect(await chooseResampler({ python: join(folder, 'no-python') })).toBe('javascript');
  });

  it.skipIf(!wheel)('takes the library of the Python environment', async () => {
    expect(await chooseResampler({ python })).toEqual({ native: wheel });
  });

  it('refuses a system library that cannot be loaded', async () => {
    await expect(chooseResampler({ systemLibrary: join(folder, 'none.so') })).rejects.toThrow(/cannot be loaded/);
  });

  it('JavaScript: refuses rates whose quotient it cannot form, and signals beyond its buffers', async () => {
    const resampler = await openResampler('javascript');
    expect(() => resampler.resample(signal(100, 1, 8), 128.123456, 250)).toThrow(
      /cannot be resampled without a native/,
    );
    const long = ndarray('float32', [1_100_000, 1], new Float32Array(1_100_000));
    expect(() => resampler.resample(long, 500, 250)).toThrow(/too long to be resampled without a native/);
  });

  it('JavaScript: many leads are resampled one by one where they do not fit together', async () => {
    const resampler = await openResampler('javascript');
    const x = ndarray(
      'float32',
      [10_000, 101],
      Float32Array.from({ length: 1_010_000 }, (_, i) => Math.sin(i / 1000)),
    );
    const all = resampler.resample(x, 1000, 10);
    const last = ndarray(
      'float32',
      [10_000, 1],
      Float32Array.from({ length: 10_000 }, (_, i) => x.data[i * 101 + 100]),
    );
    const one = resampler.resample(last, 1000, 10);
    expect(all.shape).toEqual([one.shape[0], 101]);
    expect(Array.from({ length: one.shape[0] }, (_, i) => all.data[i * 101 + 100])).toEqual(Array.from(one.data));
  });
});
