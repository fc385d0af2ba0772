import { afterEach, describe, expect, it, vi } from 'vitest';
import { differenceOf } from '../../../src/compare/divergence/draw.ts';
import { formatWorst } from '../../../src/compare/report/figures.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { dataSuites, faults, none, openSides, run } from '../suites/data_suites.ts';

const sides = openSides();
afterEach(() => void vi.restoreAllMocks());

describe('the first random draw that differs', () => {
  it.each([
    [
      'sampling',
      'frames of beat, zipped',
      'randint',
      'src/port/transplant/datasets/icentia11k',
      'transplant/datasets/icentia11k',
    ],
    ['splits', 'finetuning.trainer', 'permutation', 'src/prepare/division', 'finetuning'],
  ] as const)(
    '%s: a row that differs names its number and who asked for it: %s',
    async (name, title, method, ours, theirs) => {
      const suite = dataSuites.find((one) => one.name === name)!;
      const [one] = suite.cases.filter((each) => each.name.includes(title));
      expect(faults(await run(suite, [one], sides))).toEqual(none);
      const prototype = RandomState.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
      const draw = prototype[method];
      vi.spyOn(prototype, method).mockImplementation(function (this: RandomState, ...args) {
        const result = draw.apply(this, args);
        if (typeof result === 'number') return result > 5 && result % 3 === 0 ? result - 1 : result;
        return (result as number[]).toReversed();
      });
      const { rows, broken } = await run(suite, [one], sides);
      expect(broken).toEqual([]);
      const failed = rows.filter(({ passed }) => !passed);
      expect(failed.length).toBeGreaterThan(0);
      for (const row of failed) {
        expect(row.first).toMatchObject({
          what: expect.stringMatching(/^random draw \d+ of \d+$/),
          port: expect.stringMatching(new RegExp(`^${ours}.*\\.ts:\\d+ \\(${method}\\)$`)),
          original: expect.stringMatching(new RegExp(`^${theirs}.*\\.py:\\d+ \\(${method}\\)$`)),
        });
        expect(formatWorst(row)).toContain('first differs: random draw');
      }
    },
  );

  it('counts a draw too many, and is silent where all agree or one side drew elsewhere', () => {
    const draw = { method: 'randint', values: [3], place: 'a.py:1' };
    const other = { ...draw, values: [4] };
    expect(differenceOf([draw, other], [draw, draw])).toMatchObject({
      what: 'random draw 2 of 2',
      worst: { port: '4', original: '3' },
    });
    expect(differenceOf([draw, draw], [draw])).toMatchObject({ what: 'random draw 2 of 2', original: 'no draw' });
    expect(differenceOf([draw], [draw])).toBeUndefined();
    expect(differenceOf([], [draw])).toBeUndefined();
  });
});
