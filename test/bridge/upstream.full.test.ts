import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../src/bridge/original.ts';
import { reversions } from '../fixtures/upstream/revert.ts';
import { type Bench, exercises, type Keras, makeBench, openBridge, plainly, type Run } from './upstream.ts';

/** Which exercises a reverted quirk reaches, and which shims then step in; without any the quirk does no harm on this stack. */
const reach: {
  readonly [quirk: string]: { exercises: readonly string[]; shims: readonly string[]; legacy?: readonly string[] };
} = {
  Q6: { exercises: ['running_mean_std'], shims: [] },
  Q14: { exercises: ['checkpoint'], shims: [] },
  Q18: { exercises: ['unzip', 'pool'], shims: ['Q18'] },
  Q19: { exercises: ['flatten'], shims: ['Q19'] },
  Q21: { exercises: ['pretrain'], shims: ['Q21'] },
  Q26: { exercises: ['no_patients'], shims: ['Q26'] },
  Q28: { exercises: ['challenge20'], shims: ['Q28'] },
  Q30: { exercises: ['pretrain', 'backbone', 'finetune'], shims: ['Q30'], legacy: [] },
  Q31: { exercises: ['cpc'], shims: ['Q31'], legacy: [] },
  Q32: { exercises: ['cpc'], shims: ['Q32'], legacy: [] },
  Q35: { exercises: ['finetune'], shims: ['Q35'], legacy: [] },
  Q37: { exercises: ['adjust'], shims: ['Q37'], legacy: [] },
  Q40: { exercises: ['pretrain', 'finetune'], shims: [] },
  Q49: { exercises: ['finetune'], shims: ['Q49'] },
  Q54: { exercises: ['stream'], shims: [] },
  Q59: { exercises: ['encoder'], shims: ['Q59'] },
  Q57: { exercises: ['pool'], shims: [] },
};

function remove({ checkout, folder }: Bench): void {
  for (const path of [checkout, folder]) rmSync(path, { recursive: true, force: true });
}

/** Runs exercises through the bridge; returns the shims that stepped in. */
async function shimsOf(bench: Bench, keras: Keras, names: readonly string[]): Promise<string[]> {
  const { original, run } = await openBridge(bench, keras);
  try {
    for (const name of names) await exercises[name](run, bench, keras);
    return (await original.shims()).map(({ quirk }) => quirk);
  } finally {
    await original.close();
  }
}

it('has a line for each reversion', () => {
  expect(Object.keys(reach).sort()).toEqual(reversions.map(({ quirk }) => quirk).sort());
});

describe.each<Keras>(['3', 'legacy'])('one quirk reverted at a time, Keras %s', (keras) => {
  let done: Bench;

  // What later exercises need is made by this project's own code, which needs no shim.
  beforeAll(async () => {
    done = await makeBench([]);
    expect(await shimsOf(done, keras, Object.keys(exercises))).toEqual([]);
  });

  afterAll(() => remove(done));

  it.each(Object.keys(reach))('%s', async (quirk) => {
    const bench = await makeBench([quirk], done);
    const { exercises: names, shims, legacy = shims } = reach[quirk];
    try {
      expect(await shimsOf(bench, keras, names)).toEqual(keras === '3' ? shims : legacy);
    } finally {
      remove(bench);
    }
  });
});

describe('the same without shims', () => {
  let done: Bench;

  beforeAll(async () => {
    done = await makeBench([]);
    await shimsOf(done, '3', ['pretrain', 'backbone', 'adjust']);
  });

  afterAll(() => remove(done));

  // Q26 never returns.
  const stopping = Object.keys(reach).filter((quirk) => reach[quirk].shims.length > 0 && quirk !== 'Q26');

  it.each(stopping)('%s stops the original or changes its results', async (quirk) => {
    const bench = await makeBench([quirk], done);
    try {
      const runs = reach[quirk].exercises.map((name) => exercises[name](plainly(bench), bench, '3'));
      const outcomes = await Promise.allSettled(runs);
      expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    } finally {
      remove(bench);
    }
  });
});

describe('everything reverted, on the old Keras', () => {
  let bench: Bench;
  let original: Original;
  let run: Run;

  beforeAll(async () => {
    bench = await makeBench('all');
    ({ original, run } = await openBridge(bench, 'legacy'));
  });

  afterAll(async () => {
    await original?.close();
    remove(bench);
  });

  it.each(Object.keys(exercises))('runs: %s', (name) => exercises[name](run, bench, 'legacy'));

  it('needs only the shims that are not about Keras 3', async () => {
    const shims = (await original.shims()).map(({ quirk }) => quirk);
    expect(shims).toEqual(['Q18', 'Q19', 'Q21', 'Q26', 'Q28', 'Q49', 'Q59']);
  });
});
