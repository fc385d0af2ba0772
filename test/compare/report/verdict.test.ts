import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../src/compare/comparison.ts';
import { formatVerdict, ladderOf, suitesOf, verdictOf } from '../../../src/compare/report/verdict.ts';
import { closeRow, comparisonOf, exactRow, passedRows } from './example.ts';

const unfinished = { suite: 'resume', case: 'kill', because: 'no seed' } as const;
const failed = exactRow('files', 'history.csv', { passed: false, difference: 2 });

describe('formatVerdict', () => {
  it.each([
    ['rows that pass', { rows: passedRows }, 'PASSED: 5 rows; 6,170 values compared'],
    ['one row that differs', { rows: [...passedRows, failed] }, 'FAILED: 1 row of 6 differs; 7,404 values compared'],
    [
      'a difference beside what could not run',
      { rows: [failed], notRunnable: [unfinished], broken: [unfinished, unfinished] },
      'FAILED: 1 row of 1 differs; 1 case not runnable, 2 cases broken off; 1,234 values compared',
    ],
    [
      'a case that cannot run beside rows that pass',
      { rows: passedRows, notRunnable: [unfinished] },
      'COULD NOT RUN: 1 case not runnable; the other 5 rows passed; 6,170 values compared',
    ],
    [
      'a case that does not apply beside rows that pass',
      { rows: passedRows, notApplicable: [unfinished] },
      'PASSED: 5 rows; 6,170 values compared; 1 case not applicable',
    ],
    ['nothing at all', {}, 'COULD NOT RUN: nothing was compared'],
    ['a case that broke off alone', { broken: [unfinished] }, 'COULD NOT RUN: nothing was compared; 1 case broken off'],
  ])('names the witness first: %s', (_title, findings, expected) => {
    expect(formatVerdict(comparisonOf(findings))).toBe(`Against upstream c255af5 (tree 1f0c2d3e4f5a): ${expected}`);
  });
});

describe('verdictOf', () => {
  it.each([
    ['PASSED', 0, { rows: passedRows }],
    ['FAILED', 1, { rows: [failed], broken: [unfinished] }],
    ['COULD NOT RUN', 2, { rows: passedRows, broken: [unfinished] }],
    ['COULD NOT RUN', 2, {}],
  ] as const)('%s goes with exit code %i', (status, code, given) => {
    const { findings } = comparisonOf(given);
    expect(verdictOf(findings).status).toBe(status);
    expect(exitCodeOf(findings)).toBe(code);
  });
});

describe('ladderOf', () => {
  it('counts every row on its rung and finds the one nearest to its limit', () => {
    const ladder = ladderOf(comparisonOf({ rows: [...passedRows, failed] }).findings);
    expect(ladder.map(({ rung, rows, failed: bad }) => [rung, rows.length, bad.length])).toEqual([
      ['bits', 2, 1],
      ['same graph', 1, 0],
      ['float64', 2, 0],
      ['float32', 1, 0],
      ['outcome', 0, 0],
    ]);
    expect(ladder[2].tightest?.name).toBe('gradients of 40 weights');
    expect(ladder[0].tightest).toBeUndefined();
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN])('a difference of %d is the tightest of all', (difference) => {
    const lost = closeRow('activations', 'lost', { passed: false, difference });
    for (const rows of [
      [lost, ...passedRows],
      [...passedRows, lost],
    ]) {
      expect(ladderOf(comparisonOf({ rows }).findings)[2].tightest?.name).toBe('lost');
    }
  });
});

describe('suitesOf', () => {
  it('keeps the order of the suites, and a suite that only broke off', () => {
    const rows = [exactRow('files', 'b'), exactRow('sampling', 'a')];
    const suites = suitesOf(comparisonOf({ rows, broken: [unfinished], seconds: { sampling: 2 } }).findings);
    expect(suites.map(({ suite }) => suite)).toEqual(['sampling', 'resume', 'files']);
    expect(suites.map(({ seconds }) => seconds)).toEqual([2, 0, 0]);
    expect(suites[1].broken).toEqual([unfinished]);
  });

  it('loses no row of a suite that it does not know', () => {
    const rows = [{ ...exactRow('files', 'b'), suite: 'of a user' }];
    expect(suitesOf(comparisonOf({ rows }).findings).map(({ suite }) => suite)).toEqual(['of a user']);
  });
});
