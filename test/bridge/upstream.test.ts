import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../src/bridge/original.ts';
import { makeUpstream, reversions } from '../fixtures/upstream/revert.ts';
import { root } from '../shared_data.ts';
import { type Bench, exercises, makeBench, openBridge, type Run } from './upstream.ts';

describe('a checkout with everything reverted that original/ changes', () => {
  let bench: Bench;
  let original: Original;
  let run: Run;

  beforeAll(async () => {
    bench = await makeBench('all');
    ({ original, run } = await openBridge(bench, '3'));
  }, 300_000);

  afterAll(async () => {
    await original?.close();
    for (const folder of [bench.checkout, bench.folder]) rmSync(folder, { recursive: true, force: true });
  });

  it.each(Object.keys(exercises))(
    'runs under Keras 3: %s',
    async (name) => {
      await exercises[name](run, bench, '3');
      // Seconds each; minutes where other work keeps the machine busy.
    },
    300_000,
  );

  it('says which shims have stepped in', async () => {
    const shims = await original.shims();
    expect(shims.map(({ quirk }) => quirk)).toEqual([
      ...['Q18', 'Q19', 'Q21', 'Q26', 'Q28'],
      ...['Q30', 'Q31', 'Q32', 'Q35', 'Q37', 'Q49', 'Q59'],
    ]);
    for (const { title, times } of shims) {
      expect(title).not.toBe('');
      expect(times).toBeGreaterThan(0);
    }
  });
});

describe('the table of reversions', () => {
  it('has each row of `Changed` in the divergences', () => {
    const page = readFileSync(join(root, 'docs', 'divergences.md'), 'utf8');
    const changed = page.slice(page.indexOf('## Changed'), page.indexOf('## Added'));
    const rows = [...changed.matchAll(/^\| (Q\d+) \|/gm)].map(([, quirk]) => quirk);
    const added = 'Q21';
    expect([...rows, added].sort()).toEqual(reversions.map(({ quirk }) => quirk).sort());
  });

  it('fails loudly for a quirk it does not have', () => {
    expect(() => makeUpstream('/tmp/ecg-nowhere', ['Q999'])).toThrow('Q999 is not in the table');
    rmSync('/tmp/ecg-nowhere', { recursive: true, force: true });
  });
});
