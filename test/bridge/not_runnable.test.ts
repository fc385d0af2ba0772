import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BridgeStartError } from '../../src/bridge/errors.ts';
import { Original } from '../../src/bridge/original.ts';
import { type ComparedRow, exitCodeOf, runCases } from '../../src/compare/comparison.ts';
import type { Suite, SuiteContext } from '../../src/compare/suite.ts';
import { silent } from '../../src/events.ts';
import { makeUpstream } from '../fixtures/upstream/revert.ts';
import { python, root } from '../shared_data.ts';

describe('what a checkout cannot do', () => {
  const checkout = mkdtempSync(join(tmpdir(), 'checkout-'));
  let original: Original;

  function edit(file: string, from: string, to: string): void {
    const text = readFileSync(join(checkout, file), 'utf8');
    expect(text).toContain(from);
    writeFileSync(join(checkout, file), text.replaceAll(from, to));
  }

  beforeAll(async () => {
    makeUpstream(checkout, []);
    edit('finetuning/datasets.py', 'def get_ptb_xl_data(', 'def get_something_else(');
    edit(
      'transplant/modules/attn_pool.py',
      'token = tf.cast(tf.convert_to_tensor(self.pool_token_embedding), x.dtype)',
      'token = tf.cast(tf.convert_to_tensor(self.pool_token_embedding), tf.float32)',
    );
    edit('pretraining/trainer.py', 'def parse_patient_ids(', 'def parse_something_else(');
    original = await Original.open({ python, original: checkout });
  });

  afterAll(async () => {
    await original?.close();
    rmSync(checkout, { recursive: true, force: true });
  });

  const cpc = {
    task: 'cpc',
    arch: 'resnet18',
    stages: 1,
    shapes: { context: [2, 64, 1], samples: [2, 64, 1] },
  } as const;

  /** Runs something as the case of a suite. */
  async function outcome(work: () => Promise<unknown>): ReturnType<typeof runCases> {
    const suite: Suite = {
      name: 'activations',
      summary: '',
      cases: [{ name: 'one', on: {}, run: () => work().then(() => []) }],
    };
    const shared = { original } as unknown as SuiteContext;
    return runCases([{ suite, case: suite.cases[0] }], shared, silent);
  }

  it.each([
    [
      'a function that it lacks',
      () => original.data.prepare('ptb_xl', '/nowhere', {}),
      /does not have it.*get_ptb_xl_data/,
    ],
    ['float64, where it computes in float32', () => original.network({ ...cpc, dtype: 'float64' }), /in float32 only/],
  ])('is not runnable, with the reason, and never passed: %s', async (_title, work, because) => {
    await expect(work()).rejects.toMatchObject({ type: 'NotRunnable' });
    const findings = await outcome(work);
    expect(findings.notRunnable).toEqual([
      { suite: 'activations', case: 'one', because: expect.stringMatching(because) },
    ]);
    expect(findings.broken).toEqual([]);
    expect(exitCodeOf(findings)).toBe(2);
  });

  it('does not apply where an addition is missing, without influence on the verdict', async () => {
    const findings = await outcome(() => original.data.patientIds('0-3'));
    expect(findings.notRunnable).toEqual([]);
    expect(findings.notApplicable).toMatchObject([
      { because: expect.stringMatching(/parse_patient_ids is an addition/) },
    ]);
    expect(exitCodeOf({ ...findings, rows: [{ passed: true } as ComparedRow] })).toBe(0);
  });

  it('does not hide faults: other exceptions break a case off', async () => {
    const findings = await outcome(() => original.data.prepare('challenge17', '/nowhere', {}));
    expect(findings.notRunnable).toEqual([]);
    expect(findings.broken).toMatchObject([{ because: expect.stringMatching(/ValueError.*not a folder/) }]);
  });

  it('can still do the rest', async () => {
    await expect(original.network({ ...cpc, dtype: 'float32' })).resolves.toBeDefined();
  });
});

it('names a checkout that cannot be imported', async () => {
  const checkout = mkdtempSync(join(tmpdir(), 'checkout-'));
  try {
    cpSync(join(root, 'original', 'transplant'), join(checkout, 'transplant'), { recursive: true });
    rmSync(join(checkout, 'transplant', 'modules'), { recursive: true });
    const opened = Original.open({ python, original: checkout });
    await expect(opened).rejects.toThrow(BridgeStartError);
    await expect(opened).rejects.toThrow(new RegExp(`${checkout} cannot be imported: .*'transplant\\.modules'`));
  } finally {
    rmSync(checkout, { recursive: true, force: true });
  }
});
