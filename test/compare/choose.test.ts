import { describe, expect, it } from 'vitest';
import { choiceFlags, choiceOf, chooseCases, divideByData } from '../../src/compare/choose.ts';
import type { Subject, Suite, SuiteName } from '../../src/compare/suite.ts';
import { suiteNames } from '../../src/compare/suite.ts';
import { suites } from '../../src/compare/suites/index.ts';
import { parse } from '../../src/lib/argparse/command_line.ts';

const suite = (name: SuiteName, cases: { name: string; on?: Subject; quick?: boolean }[]): Suite => ({
  name,
  summary: name,
  cases: cases.map((one) => ({ on: {}, ...one, run: async () => [] })),
});

const some = [
  suite('sampling', [
    { name: 'beat', on: { dataSet: 'icentia11k', task: 'beat' }, quick: true },
    { name: 'rhythm', on: { dataSet: 'icentia11k', task: 'rhythm' } },
  ]),
  suite('gradients', [{ name: 'resnet18, beat', on: { arch: 'resnet18', task: 'beat' } }]),
  suite('outcome', [{ name: 'many seeds', quick: true }]),
];
const line = { program: '', about: '', flags: { Choice: choiceFlags } };
const names = (...args: readonly string[]): string[] =>
  chooseCases(some, choiceOf(parse(line, args).values)).map(({ case: { name } }) => name);

describe('choosing cases', () => {
  it('takes everything but the suites that run on request only', () => {
    expect(names()).toEqual(['beat', 'rhythm', 'resnet18, beat']);
    expect(names('--suite', 'outcome')).toEqual(['many seeds']);
  });

  it('by suite, data set, architecture, task, words and size', () => {
    expect(names('--suite', 'sampling,gradients')).toEqual(['beat', 'rhythm', 'resnet18, beat']);
    expect(names('--suite', 'sampling', '--suite', 'gradients')).toHaveLength(3);
    expect(names('--data-set', 'icentia11k')).toEqual(['beat', 'rhythm']);
    expect(names('--arch', 'resnet18')).toEqual(['resnet18, beat']);
    expect(names('--task', 'beat')).toEqual(['beat', 'resnet18, beat']);
    expect(names('--case', 'rhy')).toEqual(['rhythm']);
    expect(names('--quick')).toEqual(['beat']);
  });

  it('refuses unknown names and an empty choice with what there is', () => {
    expect(() => names('--suite', 'smapling')).toThrow(
      /smapling.*expected sampling, preprocessing.*Did you mean sampling\?/,
    );
    expect(() => names('--arch', 'resnet50')).toThrow(/--list/);
  });
});

describe('dividing cases by what the data hold', () => {
  it('names what is lacking, once', () => {
    const all = chooseCases(some, {});
    expect(divideByData(all, { names: ['icentia11k'] }, undefined)).toEqual({ possible: all, lacking: [] });
    const { possible, lacking } = divideByData(all, { names: [] }, undefined);
    expect(possible.map(({ case: { name } }) => name)).toEqual(['resnet18, beat']);
    expect(lacking).toEqual([expect.stringContaining('Icentia11k')]);
  });

  it('leaves the suite published out without results to compare with', () => {
    const all = chooseCases([suite('published', [{ name: 'figures' }])], {});
    expect(divideByData(all, { names: [] }, undefined).lacking).toEqual(['published results (--published DIR)']);
    expect(divideByData(all, { names: [] }, 'folder').possible).toEqual(all);
  });
});

describe('the suites', () => {
  it('stand in the order of a value’s way, and case names are unique', () => {
    const order = suites.map(({ name }) => suiteNames.indexOf(name));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    for (const { name, cases } of suites) {
      expect(new Set(cases.map((one) => one.name)).size, name).toBe(cases.length);
      expect(cases.length, name).toBeGreaterThan(0);
    }
  });

  it('each has a quick case', () => {
    const slow = suites.filter(({ cases }) => !cases.some(({ quick }) => quick)).map(({ name }) => name);
    expect(slow.filter((name) => name !== 'outcome')).toEqual([]);
  });
});
