/** The networks of other programs in the bench: each is the port's, or its row refuses. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelSettings } from '../../src/bench/port_models.ts';
import { works } from '../../src/bench/port_works.ts';
import { BenchWorker } from '../../src/bench/worker_process.ts';
import type { NdArray } from '../../src/lib/numpy/ndarray.ts';
import { readNpz, writeNpz } from '../../src/lib/numpy/npz.ts';
import { peersPython } from '../../src/setup/peers.mjs';

const folder = mkdtempSync(join(tmpdir(), 'bench-peers-'));
const file = join(folder, 'reference.npz');
const changed = join(folder, 'changed.npz');
const model: ModelSettings = { arch: 'resnet18', task: 'classify', precision: 'float32', batch: 8, samples: 512 };

beforeAll(async () => {
  await works.reference({ ...model, file });
  const arrays = readNpz(file);
  const kernel = arrays.get('layers/res_net/blocks/residual_block_3/conv2/vars/0') as NdArray<'float32'>;
  // Two weights of one filter are exchanged.
  [kernel.data[0], kernel.data[128]] = [kernel.data[128] + 1, kernel.data[0]];
  await writeNpz(changed, arrays);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('ONNX Runtime', () => {
  it('runs the exported network, whose probabilities are those of the port', async () => {
    const round = await works.predict_onnx({ ...model, file });
    expect(await round()).toBeGreaterThan(0);
  });

  it('refuses a network that is not the same', async () => {
    await expect(works.predict_onnx({ ...model, file: changed })).rejects.toThrow(
      /^the network of ONNX Runtime is not the port's: 32 probabilities differ by \S+ of the largest, expected at most 0\.0001$/,
    );
  });
});

// Only where somebody has run `bench --peers`, which downloads 3 GB.
describe.skipIf(!existsSync(peersPython))('PyTorch', () => {
  const settings = { reference: file, compiled: false, autocast: false };

  it.each([
    ['train', { ...settings, steps: 1 }],
    ['train', { ...settings, steps: 1, autocast: true }],
    ['predict', settings],
  ])('runs the same network: %s %j', async (name, given) => {
    const worker = await BenchWorker.start('pytorch', { name, settings: given });
    expect((await worker.round()).value).toBeGreaterThan(0);
    await worker.close();
  });

  it('refuses a network that is not the same', async () => {
    const work = { name: 'predict', settings: { ...settings, reference: changed } };
    await expect(BenchWorker.start('pytorch', work)).rejects.toThrow(
      /the network of PyTorch is not the port's: outputs differ by \S+ of the largest, expected at most 0\.0001/,
    );
  });
});
