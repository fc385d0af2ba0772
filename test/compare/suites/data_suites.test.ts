import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../../src/bridge/original.ts';
import { type ComparisonData, generatedCollections } from '../../../src/compare/data.ts';
import { NotRunnable, type Suite, suiteNames } from '../../../src/compare/suite.ts';
import { suites } from '../../../src/compare/suites/index.ts';
import { collectionFolder, outcomeOf } from '../../../src/compare/suites/shared/data_cases.ts';
import type { NdArray } from '../../../src/lib/numpy/ndarray.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { dataSuites, faults, none, openOriginal, published, run, valuesOf } from './data_suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'data-suites-'));
let original: Original;
let data: ComparisonData;

beforeAll(async () => {
  data = await generatedCollections(folder, 3);
  original = await openOriginal();
}, 180_000);
afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('suites about data', () => {
  it.each([...dataSuites, published])(
    '$name: names of cases are unique, some are quick, the name is one of all',
    ({ name, cases }) => {
      expect(suiteNames).toContain(name);
      expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
      expect(cases.filter(({ quick }) => quick).length).toBeGreaterThan(0);
    },
  );

  it('cases that declare what they prove are quick ones, which run here', () => {
    const run = dataSuites.flatMap(({ cases }) => cases.filter(({ quick }) => quick));
    for (const { cases } of suites) for (const one of cases) if (one.proves) expect(run).toContain(one);
  });

  it.each(dataSuites)(
    '$name: the small selection passes on generated recordings, with many values',
    async (suite) => {
      const findings = await run(
        suite,
        suite.cases.filter(({ quick }) => quick),
        { original, data },
      );
      expect(faults(findings)).toEqual(none);
      expect(valuesOf(findings)).toBeGreaterThan(30_000);
      expect(new Set(findings.rows.map((row) => row.suite))).toEqual(new Set([suite.name]));
    },
    300_000,
  );

  it('published: not runnable without the result files', async () => {
    const [first] = published.cases;
    const findings = await run(published, [first], { original, data });
    expect(findings.rows).toEqual([]);
    expect(findings.notRunnable).toMatchObject([{ because: expect.stringContaining('--published') }]);
    const elsewhere = await run(published, [first], { original, data, published: folder });
    expect(elsewhere.notRunnable).toMatchObject([{ because: expect.stringContaining('af_classification') }]);
  });

  it.skipIf(!haveSharedData)('published: every figure of a job, recomputed', async () => {
    const [first] = published.cases;
    const findings = await run(published, [first], { original, data, published: join(sharedData, 'published') });
    expect(faults(findings)).toEqual(none);
    expect(findings.observations.map(({ kind }) => kind)).toEqual(['confusion', 'roc']);
  });
});

/** Changes the first value of an array by as little as its type allows, in place. */
function nudge(array: NdArray): void {
  const bytes = new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength);
  bytes[0] ^= 1;
}

describe('the smallest difference on one side fails the row that it touches', () => {
  const caseOf = (suite: Suite, text: string) => suite.cases.filter(({ name }) => name.startsWith(text)).slice(0, 1);
  const suiteOf = (name: string) => dataSuites.find((suite) => suite.name === name)!;

  /** The original with one of its answers changed. */
  function tampered<P extends 'sampling' | 'data' | 'files' | 'metrics'>(
    part: P,
    method: keyof Original[P],
    change: (answer: never) => void,
  ): Original {
    const real = original[part];
    const changed = new Proxy(real, {
      get: (target, name) => {
        const found = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<never>;
        if (name !== method) return found.bind(target);
        return async (...args: unknown[]) => {
          const answer = await found.apply(target, args);
          change(answer);
          return answer;
        };
      },
    });
    return new Proxy(original, {
      get: (target, name) => (name === part ? changed : Reflect.get(target, name, target)),
    });
  }

  it.each<[string, string, () => Original]>([
    ['sampling', 'draws', () => tampered('sampling', 'draws', (a: { results: NdArray[] }) => nudge(a.results[0]))],
    ['sampling', 'order', () => tampered('sampling', 'patients', (a: { ids: NdArray }) => nudge(a.ids))],
    [
      'sampling',
      'order',
      () => tampered('sampling', 'patients', (a: { state: { key: NdArray } }) => nudge(a.state.key)),
    ],
    ['sampling', 'labels', () => tampered('sampling', 'labels', (a: Map<string, NdArray>) => nudge(a.get('beat')!))],
    [
      'sampling',
      'frames of cpc',
      () => tampered('sampling', 'frames', (a: { inputs: Map<string, NdArray> }) => nudge(a.inputs.get('samples')!)),
    ],
    ['sampling', 'frames of hr', () => tampered('sampling', 'frames', (a: { y: NdArray }) => nudge(a.y))],
    ['preprocessing', 'Challenge 2017: the doc', () => tampered('data', 'prepare', (a: { x: NdArray }) => nudge(a.x))],
    [
      'preprocessing',
      'PTB-XL: the doc',
      () => tampered('data', 'prepare', (a: { recordIds: unknown[] }) => a.recordIds.reverse()),
    ],
    [
      'preprocessing',
      'Challenge 2017: sig',
      () => tampered('data', 'records', (a: { rates: number[] }) => a.rates.fill(301)),
    ],
    ['splits', 'train_test_split', () => tampered('data', 'splitNumbers', (a: { test: NdArray }) => nudge(a.test))],
    [
      'metrics',
      'a threshold',
      () =>
        tampered('metrics', 'evaluate', (a: { values: number[] }[]) =>
          a[0].values.splice(0, 1, a[0].values[0] + 2 ** -53),
        ),
    ],
    [
      'metrics',
      'NaN',
      () => tampered('metrics', 'evaluate', (a: { error?: string }[]) => Object.assign(a[0], { error: 'KeyError' })),
    ],
    ['files', 'history', () => tampered('files', 'historyCsv', (a: NdArray) => nudge(a))],
    ['files', 'prediction', () => tampered('files', 'predictionsCsv', (a: NdArray) => nudge(a))],
  ])(
    '%s: %s',
    async (name, text, change) => {
      const suite = suiteOf(name);
      const { rows, broken } = await run(suite, caseOf(suite, text), { original: change(), data });
      expect(broken).toEqual([]);
      expect(rows.some((row) => !row.passed)).toBe(true);
    },
    120_000,
  );
});

describe('helpers', () => {
  it('collectionFolder: a collection that the data lack makes a case not runnable', () => {
    const context = { data } as Parameters<typeof collectionFolder>[0];
    expect(collectionFolder(context, 'ptbxl')).toBe(join(folder, 'ptbxl'));
    expect(() => collectionFolder(context, 'cpsc2018_native')).toThrow(NotRunnable);
  });

  it('outcomeOf: twins of an exception have one name, a fault of the program is thrown on', async () => {
    const failing = original.data.load(join(folder, 'nowhere.pkl'));
    const message = expect.stringContaining('nowhere.pkl');
    expect(await outcomeOf(() => failing)).toEqual({ error: 'FileNotFoundError', message });
    await expect(outcomeOf(() => Promise.reject(new RangeError('a fault')))).rejects.toThrow('a fault');
  });
});
