import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../../src/bridge/original.ts';
import { type ComparisonData, generatedCollections, openCollections } from '../../../src/compare/data.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { faults, none, openOriginal, run } from './data_suites.ts';
import { networkSuites } from './network_suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'network-suites-'));
let original: Original;
let data: ComparisonData;

beforeAll(async () => {
  data = haveSharedData ? openCollections(sharedData) : await generatedCollections(folder, 3);
  original = await openOriginal();
}, 300_000);
afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('suites about networks: every case passes, on real recordings where there are any', () => {
  const cases = networkSuites.flatMap((suite) =>
    suite.cases.map((one) => ({ title: `${suite.name}: ${one.name}`, suite, one })),
  );

  it.each(cases)(
    '$title',
    async ({ suite, one }) => {
      expect(faults(await run(suite, [one], { original, data }))).toEqual(none);
    },
    1_800_000,
  );
});
