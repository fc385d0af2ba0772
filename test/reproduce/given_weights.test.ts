import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { experiments } from '../../src/experiments.ts';
import type { WeightSpec } from '../../src/graph/layer.ts';
import type { NamedArray } from '../../src/lib/keras/weights_h5.ts';
import { bytesOf, zeros } from '../../src/lib/numpy/ndarray.ts';
import { buildNetwork, type ModelDescription } from '../../src/networks/network.ts';
import { copyGivenWeights } from '../../src/reproduce/original_steps.ts';
import { identifyGiven, takeGivenWeights } from '../../src/reproduce/port_steps.ts';
import { RunFolder } from '../../src/reproduce/run_folder.ts';
import { finetuneOptions } from '../../src/reproduce/settings.ts';
import { readWeights, writeWeights } from '../../src/weights/files.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { weightsOf } from '../weights/exchange.ts';
import { settingsIn } from './run_settings.ts';

const folder = temporaryFolder();

/** Values that tell one weight from another, without millions of draws. */
function numbered({ path, shape }: WeightSpec, index: number): NamedArray {
  const weight = zeros('float32', shape);
  weight.data.fill(index + 1);
  return { path, ...weight };
}

async function fileOf(name: string, model: ModelDescription): Promise<string> {
  const layout = buildNetwork(model);
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  await writeWeights(file, layout, layout.weights.map(numbered));
  return file;
}

describe('weights of a user', () => {
  it.each([
    ['backbone.weights.h5', { arch: 'resnet18' }],
    ['classifier.weights.h5', { arch: 'resnet18', head: { classes: 4 } }],
    ['epoch_01_model.weights.h5', { arch: 'resnet18', head: { task: 'hr' } }],
    ['epoch_01/model.weights', { arch: 'resnet18', head: { task: 'beat' } }],
  ] as const)('%s becomes a backbone in Keras form, the same for both sides', async (name, model) => {
    const file = await fileOf(name, model);
    const run = settingsIn(join(folder, `run of ${name}`), {
      experiment: experiments.transfer,
      given: identifyGiven(file),
    });
    await takeGivenWeights(run, [1, 12]);
    copyGivenWeights(run, [1, 12]);

    const backbone = buildNetwork({ arch: 'resnet18' }).weights.map(({ path }) => path);
    const ours = readWeights(run.folder.weights('port', 'given'));
    expect(ours.format).toBe('keras');
    expect(ours.weights.map(({ path }) => path).sort()).toEqual([...backbone].sort());
    const source = new Map(weightsOf(file).map((weight) => [weight.path, weight]));
    const nested = run.given?.task !== undefined ? 'layers/sequential/' : '';
    // Element by element, millions of numbers would take minutes.
    for (const weight of ours.weights) {
      expect(Buffer.compare(bytesOf(weight), bytesOf(source.get(`${nested}${weight.path}`)!)), weight.path).toBe(0);
    }
    const [a, b] = ['port', 'original'].map((side) =>
      readFileSync(join(run.folder.root, side, 'weights', 'given.weights.h5')),
    );
    expect(Buffer.compare(a, b)).toBe(0);
    const twelve = readWeights(run.folder.weights('original', 'given', 12));
    expect(twelve.weights.find(({ path }) => path === 'layers/res_net/conv1/vars/0')?.shape[1]).toBe(12);
  });

  it('decide the architecture of all jobs of the run', async () => {
    const file = await fileOf('large.weights.h5', { arch: 'resnet34' });
    const run = settingsIn(folder, { experiment: experiments.transfer, given: identifyGiven(file) });
    for (const job of experiments.transfer.finetuning) {
      expect(finetuneOptions(run, 'port', job, 1).arch).toBe('resnet34');
    }
  });

  it.each([
    ['twelve.weights.h5', { arch: 'resnet18', channels: 12 }, /got resnet18 backbone, 12 leads; expected .* one lead/],
    ['short.weights.h5', { arch: 'resnet18', stages: 2 }, /got resnet18 backbone, 2 stages, 1 lead/],
  ] as const)('are refused: %s', async (name, model, message) => {
    const file = await fileOf(name, model);
    expect(() => identifyGiven(file)).toThrow(message);
  });

  it('are refused where they are none', () => {
    const file = join(folder, 'text.weights.h5');
    writeFileSync(file, 'no weights');
    expect(() => identifyGiven(file)).toThrow(file);
    expect(() => identifyGiven(join(folder, 'missing.weights.h5'))).toThrow(/missing\.weights\.h5/);
  });

  it('never reach Python as the user has them', () => {
    const given = { file: '/home/user/weights.h5', arch: 'resnet18' } as const;
    const run = settingsIn('/run', { experiment: experiments.transfer, folder: new RunFolder('/run'), given });
    const [, pretrained] = experiments.transfer.finetuning;
    expect(finetuneOptions(run, 'original', pretrained, 1).weightsFile).toBe('/run/original/weights/given.weights.h5');
  });
});
