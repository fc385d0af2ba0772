import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gpuParityEnvironment } from '../../src/bridge/gpu.ts';
import { Original } from '../../src/bridge/original.ts';
import { makeUpstream } from '../fixtures/upstream/revert.ts';
import { python } from '../shared_data.ts';

describe('the parity mode of a GPU, on a machine without one', () => {
  it('reaches Python, where the initial weights of any checkout can be drawn', async () => {
    const checkout = mkdtempSync(join(tmpdir(), 'upstream-'));
    makeUpstream(checkout);
    const original = await Original.open({ python, original: checkout, gpu: true });
    try {
      expect(await original.facts()).toMatchObject({ parity: gpuParityEnvironment });
      // Upstream draws the pool token without a seed, which deterministic operations refuse unless TensorFlow has one.
      const network = await original.network({
        task: 'cpc',
        arch: 'resnet18',
        stages: 1,
        shapes: { context: [2, 64, 1], samples: [2, 64, 1] },
        dtype: 'float32',
      });
      expect(network.built.parameters).toBe(216_896);
    } finally {
      await original.close();
      rmSync(checkout, { recursive: true, force: true });
    }
  });
});
