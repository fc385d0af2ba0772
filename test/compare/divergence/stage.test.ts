import { describe, expect, it, vi } from 'vitest';
import { formatWorst } from '../../../src/compare/report/figures.ts';
import { preprocessing } from '../../../src/compare/suites/preprocessing/suite.ts';
import type * as resampling from '../../../src/port/transplant/datasets/physionet/resampling.ts';
import type * as physionet from '../../../src/port/transplant/datasets/physionet.ts';
import { faults, none, openSides, run } from '../suites/data_suites.ts';

/** The stage of the port that has a fault: the last value of each signal is a thousandth too large. */
const planted = vi.hoisted(() => ({
  stage: '',
  damage<T extends { readonly data: { [index: number]: number | bigint; readonly length: number } }>(signal: T): T {
    signal.data[signal.data.length - 1] = Number(signal.data[signal.data.length - 1]) * 1.001 + 1e-3;
    return signal;
  },
}));

vi.mock('../../../src/port/transplant/datasets/physionet.ts', async (load) => {
  const real = await load<typeof physionet>();
  return {
    ...real,
    normalizeChallenge17: ((array, inplace) => {
      const result = real.normalizeChallenge17(array, inplace);
      return planted.stage === 'normalise' ? planted.damage(result) : result;
    }) satisfies typeof real.normalizeChallenge17,
  };
});

vi.mock('../../../src/port/transplant/datasets/physionet/resampling.ts', async (load) => {
  const real = await load<typeof resampling>();
  return {
    ...real,
    resampled: ((...args) => {
      const results = real.resampled(...args);
      return planted.stage === 'resample' ? results.map((result) => planted.damage(result)) : results;
    }) satisfies typeof real.resampled,
  };
});

const sides = openSides();

describe('the first stage of preparation that differs', () => {
  const cases = preprocessing.cases.filter(({ name }) => name === 'Challenge 2017: the documented recipe');

  it.each([
    ['normalise', ['read'], '_normalize'],
    ['resample', ['read', 'normalise'], 'resample_records'],
  ])('a row of transplant.datasets.physionet that differs names %s', async (stage, agreeing, function_) => {
    planted.stage = stage;
    const { rows, broken } = await run(preprocessing, cases, sides);
    planted.stage = '';
    expect(broken).toEqual([]);
    const failed = rows.filter(({ passed }) => !passed);
    expect(failed.length).toBeGreaterThan(0);
    const documented = failed.find(({ name }) => name.includes('normalised'))!;
    expect(documented.first).toMatchObject({
      what: `${stage}, the stage of preparation`,
      agreeing,
      worst: { array: 'x' },
      port: expect.stringContaining('src/port/transplant/datasets/physionet'),
      original: expect.stringContaining(function_),
    });
    expect(formatWorst(documented)).toContain(`first differs: ${stage}`);
  });

  it('without a fault nothing differs', async () => {
    expect(faults(await run(preprocessing, cases, sides))).toEqual(none);
  });
});
