import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BridgeLostError } from '../../src/bridge/errors.ts';
import { exactly, vector } from '../../src/compare/closeness.ts';
import { type Course, exitCodeOf, runCases } from '../../src/compare/comparison.ts';
import { NotApplicable, NotRunnable, type SuiteCase } from '../../src/compare/suite.ts';
import { usedShims } from '../../src/compare/workers/spread.ts';
import { silent } from '../../src/events.ts';

const row = (a: number, b: number) =>
  exactly('metrics', 'n', [{ name: 'v', port: vector([a]), original: vector([b]) }]);

function run(...cases: SuiteCase['run'][]) {
  return runWith({}, ...cases);
}

function runWith(course: Course, ...cases: SuiteCase['run'][]) {
  const suite = {
    name: 'metrics' as const,
    summary: '',
    cases: cases.map((one, i) => ({ name: `case ${i}`, on: {}, run: one })),
  };
  const shared = { original: undefined as never, data: undefined as never, seed: 1, trials: 1 };
  return runCases(
    suite.cases.map((one) => ({ suite, case: one })),
    shared,
    silent,
    course,
  );
}

describe('runCases', () => {
  it('names the case of each row and passes only with 0', async () => {
    const found = await run(async () => [row(1, 1)]);
    expect(found.rows).toMatchObject([{ case: 'case 0', passed: true, values: 1 }]);
    expect(exitCodeOf(found)).toBe(0);
  });

  it('goes on after a difference: 1', async () => {
    const found = await run(
      async () => [row(1, 2)],
      async () => [row(1, 1)],
    );
    expect(found.rows.map(({ passed }) => passed)).toEqual([false, true]);
    expect(exitCodeOf(found)).toBe(1);
  });

  it('stops after the first case that differs, if that is asked for', async () => {
    const never = async () => [row(1, 3)];
    const found = await runWith(
      { untilFirst: true },
      async () => [row(1, 1)],
      async () => [row(1, 2)],
      never,
    );
    expect(found.rows.map(({ case: name, passed }) => [name, passed])).toEqual([
      ['case 0', true],
      ['case 1', false],
    ]);
    expect(found.broken).toEqual([]);
    expect(exitCodeOf(found)).toBe(1);
  });

  it('reports what this original cannot run, never as passed: 2', async () => {
    const found = await run(
      async () => [row(1, 1)],
      async () => {
        throw new NotRunnable('it has no such function');
      },
    );
    expect(found.notRunnable).toEqual([{ suite: 'metrics', case: 'case 1', because: 'it has no such function' }]);
    expect(exitCodeOf(found)).toBe(2);
  });

  it('sets aside what this original is not meant to have, without influence on the exit code', async () => {
    const found = await run(
      async () => [row(1, 1)],
      async () => {
        throw new NotApplicable('an addition');
      },
    );
    expect(found.notApplicable).toEqual([{ suite: 'metrics', case: 'case 1', because: 'an addition' }]);
    expect(exitCodeOf(found)).toBe(0);
  });

  it('goes on after a case that breaks off, and counts one without rows as broken: 2', async () => {
    const found = await run(
      async () => {
        throw new Error('boom');
      },
      async () => [],
      async () => [row(1, 1)],
    );
    expect(found.broken.map(({ because }) => because)).toEqual(['boom', 'it did not compare anything']);
    expect(found.rows.length).toBe(1);
    expect(exitCodeOf(found)).toBe(2);
  });

  it('runs nothing more once Python is gone', async () => {
    const found = await run(
      async () => {
        throw new BridgeLostError('Python ended');
      },
      async () => [row(1, 1)],
    );
    expect(found.broken.map(({ because }) => because)).toEqual(['Python ended', 'Python ended']);
    expect(exitCodeOf(found)).toBe(2);
  });

  it('a report can be made once Python is gone', async () => {
    const failing = (error: Error) => ({ shims: () => Promise.reject(error) });
    expect(await usedShims(failing(new BridgeLostError('no answer within 600 s')))).toEqual([]);
    await expect(usedShims(failing(new TypeError('a bug')))).rejects.toThrow(TypeError);
  });

  it('gives a case an empty folder and removes it', async () => {
    let folder = '';
    await run(async ({ scratch }) => {
      folder = scratch;
      writeFileSync(join(scratch, 'file'), '');
      return [row(1, 1)];
    });
    expect(folder).not.toBe('');
    expect(existsSync(folder)).toBe(false);
  });

  it('keeps observations with their suite', async () => {
    const found = await run(async ({ observe }) => {
      observe({ kind: 'table', title: 't', columns: ['a'], rows: [[1]] });
      return [row(1, 1)];
    });
    expect(found.observations).toMatchObject([{ kind: 'table', suite: 'metrics' }]);
  });
});
