import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../../src/bridge/original.ts';
import { generatedCollections, openCollections } from '../../../src/compare/data.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { dataSuites, faults, none, openOriginal, published, run, valuesOf } from './data_suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'data-suites-'));
let original: Original;

beforeAll(async () => {
  original = await openOriginal();
});
afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('every case of the suites about data', () => {
  it.each(dataSuites)('$name, on generated recordings', async (suite) => {
    const data = await generatedCollections(folder, 4);
    const cases = suite.cases.filter(({ on }) => !on.dataSet || data.names.includes(on.dataSet));
    const findings = await run(suite, cases, { original, data });
    expect(faults(findings)).toEqual(none);
    expect(valuesOf(findings)).toBeGreaterThan(30_000);
  });

  it.skipIf(!haveSharedData).each([...dataSuites, published])('$name, on real recordings', async (suite) => {
    const data = openCollections(sharedData);
    const findings = await run(suite, suite.cases, { original, data, published: join(sharedData, 'published') });
    expect(faults(findings)).toEqual(none);
    expect(valuesOf(findings)).toBeGreaterThan(30_000);
  });
});
