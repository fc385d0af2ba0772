import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { WorkerSettings } from '../../../src/compare/sabotage/messages.ts';
import type { Mutant } from '../../../src/compare/sabotage/mutants.ts';
import type { SurveyedCase } from '../../../src/compare/sabotage/survey.ts';
import { Bench, type Trial } from '../../../src/compare/sabotage/trial.ts';
import { SabotageWorker } from '../../../src/compare/sabotage/worker_process.ts';

/** A worker that does with a tree what the word in its `a.ts` says. */
const fakeWorker = `
import { readFileSync } from 'node:fs';
let poisoned = false;
process.on('message', (request) => {
  if (request.kind !== 'run') return process.send({ kind: 'opened' });
  const word = readFileSync(request.tree + '/src/a.ts', 'utf8').trim();
  if (word === 'exit') process.exit(3);
  if (word === 'loop') for (;;);
  if (word === 'throw') return process.send({ kind: 'error', message: 'thrown' });
  const breaks = word === 'broken' || (word.startsWith('broken in the first') && request.one.case === 'first');
  if (breaks) return process.send({ kind: 'ran', result: { outcome: 'broke off', detail: 'an error', seconds: 0, hits: [] } });
  const failed = poisoned || word === 'wrong' || (word.endsWith('wrong in the second') && request.one.case === 'second');
  if (word === 'poison') poisoned = true;
  const outcome = failed ? 'failed row' : 'passed';
  process.send({ kind: 'ran', result: { outcome, detail: failed ? 'a row' : '', seconds: 0, hits: [] } });
});
`;

let folder: string;
let bench: Bench;
let started = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-trial-'));
  mkdirSync(join(folder, 'base/src/compare/sabotage'), { recursive: true });
  mkdirSync(join(folder, 'base/src/bridge'));
  writeFileSync(join(folder, 'base/package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'base/src/a.ts'), 'sound');
  writeFileSync(join(folder, 'base/src/compare/sabotage/worker.ts'), fakeWorker);
});

afterEach(async () => {
  await bench.close();
  // Damaged copies go as soon as they were tried.
  expect(readdirSync(folder)).toEqual(['base']);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (): Promise<SabotageWorker> => {
  started++;
  return SabotageWorker.start(join(folder, 'base'), {} as WorkerSettings);
};

function newBench(slack?: number): void {
  bench = new Bench(join(folder, 'base'), folder, start, slack);
  started = 0;
}

const cases = ['first', 'second'].map((name): SurveyedCase => {
  return { suite: 'files', case: name, passed: true, detail: '', seconds: 0, places: [] };
});

function tryWord(word: string, on: Bench = bench, known = cases): Promise<Trial> {
  const mutant: Mutant = {
    id: word,
    file: 'a.ts',
    line: 1,
    start: 0,
    end: 5,
    replaced: 'sound',
    replacement: word,
    sites: [],
  };
  return on.try(mutant, known);
}

it('names the first case that notices, and keeps the process', async () => {
  newBench();
  expect(await tryWord('harmless')).toMatchObject({ outcome: 'survived', cases: ['files: first', 'files: second'] });
  const by = { suite: 'files', case: 'second' };
  expect(await tryWord('wrong in the second')).toMatchObject({
    outcome: 'caught',
    how: 'failed row',
    by,
    detail: 'a row',
  });
  expect(await tryWord('wrong')).toMatchObject({ outcome: 'caught', by: { case: 'first' }, cases: ['files: first'] });
  expect(started).toBe(1);
});

it('goes on where a case breaks off, until one ends and a value differs', async () => {
  newBench();
  expect(await tryWord('broken in the first, wrong in the second')).toMatchObject({
    outcome: 'caught',
    how: 'failed row',
    finished: true,
    by: { case: 'second' },
    cases: ['files: first', 'files: second'],
  });
  expect(await tryWord('broken in the first')).toMatchObject({
    outcome: 'caught',
    how: 'broke off',
    finished: true,
    by: { case: 'first' },
    cases: ['files: first', 'files: second'],
  });
  expect(await tryWord('broken')).toMatchObject({ outcome: 'caught', how: 'broke off', finished: false });
  expect(started).toBe(1);
});

it('runs a case of another suite next after one that breaks off, and stops after three', async () => {
  newBench();
  const several = [...'abcd'].map((name): SurveyedCase => ({ ...cases[0], case: name }));
  const other: SurveyedCase = { ...cases[0], suite: 'metrics', case: 'other' };
  const { cases: ran } = await tryWord('broken', bench, [...several, other]);
  expect(ran).toEqual(['files: a', 'metrics: other', 'files: b']);
});

it('stops 10 seconds of cases after one that breaks off', async () => {
  newBench();
  const further = [4, 5, 6].map((seconds): SurveyedCase => ({ ...cases[0], case: `${seconds} s`, seconds }));
  const { cases: ran } = await tryWord('broken in the first', bench, [cases[0], ...further]);
  expect(ran).toEqual(['files: first', 'files: 4 s', 'files: 5 s']);
  expect((await tryWord('harmless', bench, further)).cases).toHaveLength(3);
});

it('takes the end of a process for noticing only if the mutant was its first', async () => {
  newBench();
  await tryWord('harmless');
  expect(await tryWord('exit')).toMatchObject({ outcome: 'caught', how: 'crash', by: { case: 'first' } });
  expect((await tryWord('exit')).detail).toContain('code 3');
  expect(started).toBe(3);
});

it('ends a process that hangs', async () => {
  newBench(1);
  expect(await tryWord('loop')).toMatchObject({ outcome: 'caught', how: 'hang', detail: 'no answer within 1 s' });
});

it('does not credit a mutant with what the one before it left behind', async () => {
  newBench();
  expect(await tryWord('poison')).toMatchObject({ outcome: 'unsure' });
  expect(started).toBe(2);
  expect(await tryWord('harmless')).toMatchObject({ outcome: 'survived' });
});

it('passes on an error of the worker itself', async () => {
  newBench();
  await expect(tryWord('throw')).rejects.toThrow('thrown');
});

it('keeps the copies of benches that work side by side apart', async () => {
  newBench();
  const other = new Bench(join(folder, 'base'), folder, start);
  try {
    const words = ['harmless', 'wrong', 'harmless', 'wrong'];
    const run = async (one: Bench, mine: readonly string[]): Promise<string[]> => {
      const outcomes: string[] = [];
      for (const word of mine) outcomes.push((await tryWord(word, one)).outcome);
      return outcomes;
    };
    const [first, second] = await Promise.all([run(bench, words), run(other, words.toReversed())]);
    expect(first).toEqual(['survived', 'caught', 'survived', 'caught']);
    expect(second).toEqual(['caught', 'survived', 'caught', 'survived']);
  } finally {
    await other.close();
  }
});

it('stops at once', async () => {
  newBench();
  await tryWord('harmless');
  const trial = tryWord('loop');
  const stopped = expect(trial).rejects.toThrow();
  setTimeout(() => void bench.stop(), 300);
  await stopped;
});
