import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Original } from '../../../src/bridge/original.ts';
import { type ComparisonData, generatedCollections } from '../../../src/compare/data.ts';
import { makeUpstream } from '../../fixtures/upstream/revert.ts';
import { python } from '../../shared_data.ts';
import { faults, none, run, valuesOf } from './data_suites.ts';
import { networkSuites } from './network_suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'legacy-suites-'));
const checkout = join(folder, 'upstream');
let original: Original;
let data: ComparisonData;

beforeAll(async () => {
  makeUpstream(checkout, 'all');
  data = await generatedCollections(join(folder, 'data'), 3);
  original = await Original.open({ python, original: checkout, keras: 'legacy' });
}, 300_000);
afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('suites about networks against a checkout like upstream on tf_keras', () => {
  it.each([
    ['activations', 'resnet18 with 1 stage, cpc'],
    ['gradients', 'resnet18 with 1 stage, cpc'],
    ['optimiser', 'resnet18 with 1 stage, finetuning, 1 lead, single-label'],
    ['training', 'resnet18 with 1 stage, finetuning, 1 lead, single-label'],
    ['training', 'a job of finetuning.trainer, 1 lead, single-label'],
    ['replicas', 'two devices exchange nothing on Keras 3'],
  ])(
    '%s: %s passes',
    async (name, title) => {
      const suite = networkSuites.find((one) => one.name === name)!;
      const findings = await run(suite, [suite.cases.find((one) => one.name === title)!], { original, data });
      expect(faults(findings)).toEqual(none);
      expect(valuesOf(findings)).toBeGreaterThan(100);
    },
    300_000,
  );

  it('weights: a .weights.h5 file of tf_keras is not applicable, with the reason', async () => {
    const suite = networkSuites.find((one) => one.name === 'weights')!;
    const [small] = suite.cases.filter(
      ({ name }) => name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label',
    );
    const { notApplicable, broken, rows } = await run(suite, [small], { original, data });
    expect({ broken, rows }).toEqual({ broken: [], rows: [] });
    expect(notApplicable.map(({ because }) => because)).toEqual([expect.stringContaining('tf_keras')]);
  }, 300_000);
});
