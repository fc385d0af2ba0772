import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { Original } from '../../../src/bridge/original.ts';
import { type Findings, runCases } from '../../../src/compare/comparison.ts';
import { type ComparisonData, generatedCollections } from '../../../src/compare/data.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../../src/compare/suite.ts';
import { files } from '../../../src/compare/suites/files/suite.ts';
import { metrics } from '../../../src/compare/suites/metrics/suite.ts';
import { preprocessing } from '../../../src/compare/suites/preprocessing/suite.ts';
import { published } from '../../../src/compare/suites/published/suite.ts';
import { sampling } from '../../../src/compare/suites/sampling/suite.ts';
import { splits } from '../../../src/compare/suites/splits/suite.ts';
import { silent } from '../../../src/events.ts';
import { proving } from '../../proofs/proves.ts';
import { python, root } from '../../shared_data.ts';

/** The suites about everything but networks. */
export const dataSuites: readonly Suite[] = [sampling, preprocessing, splits, metrics, files];
export { published };

export function openOriginal(): Promise<Original> {
  return Original.open({ python, original: join(root, 'original') });
}

/** The original and generated collections, there while the tests of a file run. */
export function openSides(): { readonly original: Original; readonly data: ComparisonData } {
  const folder = mkdtempSync(join(tmpdir(), 'suites-'));
  const sides: { original?: Original; data?: ComparisonData } = {};
  beforeAll(async () => {
    sides.data = await generatedCollections(folder, 3);
    sides.original = await openOriginal();
  }, 300_000);
  afterAll(async () => {
    await sides.original?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return sides as { original: Original; data: ComparisonData };
}

/** Runs cases of a suite. One that does not call both sides of what it declares to prove is broken off. */
export function run(
  suite: Suite,
  cases: readonly SuiteCase[],
  context: { readonly original: Original; readonly data: ComparisonData; readonly published?: string },
): Promise<Findings> {
  const chosen = cases.map((one) => ({
    suite,
    case: { ...one, run: (shared: SuiteContext) => proving(one.proves ?? [], () => one.run(shared)) },
  }));
  return runCases(chosen, { seed: 11, trials: 1, ...context }, silent);
}

/** What a report would count as not passed. */
export function faults({ rows, broken, notRunnable, notApplicable }: Findings): object {
  return { failed: rows.filter((row) => !row.passed), broken, notRunnable, notApplicable };
}

export const none = { failed: [], broken: [], notRunnable: [], notApplicable: [] };

/** Number of single values compared. */
export function valuesOf({ rows }: Findings): number {
  return rows.reduce((sum, row) => sum + row.values, 0);
}
