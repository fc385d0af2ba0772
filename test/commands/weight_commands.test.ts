import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { inspectWeights } from '../../src/commands/inspect.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { identifyModel } from '../../src/networks/identify.ts';
import { buildNetwork, describeModel } from '../../src/networks/network.ts';
import { readWeights, writeWeights } from '../../src/weights/files.ts';
import { digest, sampleWeights, weightsOf } from '../weights/exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-commands-'));
const at = (name: string): string => join(folder, name);
const pretrained = { stages: 1, head: { task: 'beat' } } as const;
const classifier = { stages: 1, channels: 2, head: { classes: 3 } } as const;

beforeAll(async () => {
  for (const name of ['beat.weights', 'beat.weights.h5']) {
    await writeWeights(at(name), buildNetwork(pretrained), sampleWeights(buildNetwork(pretrained), 1));
  }
  await writeWeights(
    at('classifier.weights.h5'),
    buildNetwork(classifier),
    sampleWeights(buildNetwork(classifier), 2),
    {
      optimizer: [ndarray('int64', [], BigInt64Array.of(35n)), ndarray('float32', [], Float32Array.of(0.001))],
    },
  );
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs the command line; both streams as text. */
async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.err += text;
    return true;
  });
  const code = await main(args);
  vi.restoreAllMocks();
  return { code, ...written };
}

const digests = (name: string) => new Map(weightsOf(at(name)).map((weight) => [weight.path, digest(weight)]));
const content = (name: string) => describeModel(identifyModel(readWeights(at(name)))!);

describe('ecg-transplant weights', () => {
  it.each([
    ['beat.weights', 'keras', 'from_checkpoint.weights.h5'],
    ['beat.weights', 'tensorflow', 'from_checkpoint.weights'],
    ['beat.weights.h5', 'keras', 'from_keras.weights.h5'],
    ['beat.weights.h5', 'tensorflow', 'from_keras.weights'],
  ])('takes the backbone out of %s (%s)', async (source, format, output) => {
    const args = ['--checkpoint-file', at(source), '--task', 'beat', '--stages', '1', '--format', format];
    const { code, out, err } = await command('weights', ...args, '--output', at(output));
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(`Saved ${at(output)}: resnet18 backbone, 1 stage, 1 lead\n`);
    const expected = sampleWeights(buildNetwork(pretrained), 1)
      .filter(({ path }) => path.startsWith('layers/sequential/'))
      .map((weight) => [weight.path.slice('layers/sequential/'.length), digest(weight)] as const);
    expect(digests(output)).toEqual(new Map(expected));
  });

  it('names the file after the architecture, beside the checkpoint', async () => {
    const args = ['--checkpoint-file', at('beat.weights'), '--task', 'beat', '--stages', '1'];
    expect((await command('weights', ...args)).out).toContain(`Saved ${at('resnet18.weights.h5')}: `);
    expect((await command('weights', ...args, '--format', 'tensorflow')).out).toContain(
      `Saved ${at('resnet18.weights')}: `,
    );
    expect(content('resnet18.weights.h5')).toBe('resnet18 backbone, 1 stage, 1 lead');
    expect(content('resnet18.weights')).toBe('resnet18 backbone, 1 stage, 1 lead');
    for (const format of ['keras', 'tensorflow']) {
      expect((await command('weights', ...args, '--format', format)).err).toContain('the file exists already');
      expect((await command('weights', ...args, '--format', format, '--force')).code).toBe(0);
    }
  });

  it('converts a whole model between the formats and back', async () => {
    const there = ['--checkpoint-file', at('classifier.weights.h5'), '--output', at('there.weights')];
    const back = ['--checkpoint-file', at('there.weights'), '--output', at('back.weights.h5')];
    expect((await command('weights', ...there)).out).toContain('resnet18 classifier, 1 stage, 2 leads, 3 classes');
    expect((await command('weights', ...back)).code).toBe(0);
    expect(readWeights(at('there.weights')).format).toBe('tensorflow');
    expect(digests('back.weights.h5')).toEqual(digests('classifier.weights.h5'));
  });

  it.each([
    [['--task', 'beat'], /the following arguments are required: --checkpoint-file/],
    [
      ['--checkpoint-file', 'beat.weights', '--task', 'sleep'],
      /--task: invalid value; got sleep; expected rhythm, beat, hr or cpc/,
    ],
    [
      ['--checkpoint-file', 'beat.weights', '--task', 'beat', '--arch', 'vgg'],
      /--arch: invalid value; got vgg; expected resnet18/,
    ],
    [
      ['--checkpoint-file', 'beat.weights', '--task', 'beat', '--format', 'h5'],
      /--format: invalid value; got h5; expected keras or tensorflow/,
    ],
    [
      ['--checkpoint-file', 'beat.weights', '--task', 'beat', '--stages', 'one'],
      /--stages: invalid value; got one; expected a whole number/,
    ],
    [['--checkpoint-file', 'beat.weights'], /the following arguments are required: --output \(or --task\)/],
    [
      ['--checkpoint-file', 'beat.weights', '--task', 'rhythm', '--stages', '1', '--force'],
      /dense\/vars\/0 has shape \(64, 5\); expected \(64, 6\)/,
    ],
    [['--checkpoint-file', 'none.weights', '--task', 'beat'], /No such file or directory: .*none.weights/],
    [['--checkpoint-file', 'beat.weights', '--output', 'beat.weights'], /would replace its own input/],
    [['--checkpoint-file', 'beat.weights', '--task', 'beat', '--typo', 'x'], /unrecognized arguments: --typo/],
  ])('refuses %j', async (args, message) => {
    const before = statSync(at('beat.weights.index')).mtimeMs;
    const files = args.map((arg) => (arg.includes('.weights') ? at(arg) : arg));
    const { code, out, err } = await command('weights', ...files);
    expect(code).toBeGreaterThan(0);
    expect(out).toBe('');
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n {4}at /);
    expect(statSync(at('beat.weights.index')).mtimeMs).toBe(before);
  });
});

describe('ecg-transplant adjust-network', () => {
  it.each([
    ['resnet18.weights', [], 'resnet18.weights.adjusted'],
    ['resnet18.weights.h5', [], 'resnet18.adjusted.weights.h5'],
    ['resnet18.weights', ['--format', 'keras'], 'resnet18.adjusted.weights.h5'],
  ])('%s %j', async (source, more, output) => {
    const args = ['--weights-file', at(source), '--channels', '12', '--stages', '1', ...more];
    const { code, out, err } = await command('adjust-network', ...args);
    expect([code, out, err]).toEqual([0, `Saved ${at(output)}\n`, '']);
    expect(content(output)).toBe('resnet18 backbone, 1 stage, 12 leads');
    const again = await command('adjust-network', ...args);
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringMatching(/adjusted\S*: the file exists already\. Add --force to replace it/),
    ]);
    expect((await command('adjust-network', ...args, '--force')).code).toBe(0);
    for (const file of [output, `${output}.index`, `${output}.data-00000-of-00001`]) rmSync(at(file), { force: true });
  });

  it.each([
    [['--channels', '12'], /the following arguments are required: --weights-file/],
    [['--weights-file', 'resnet18.weights'], /the following arguments are required: --channels/],
    [
      ['--weights-file', 'resnet18.weights', '--channels', '1e3'],
      /--channels: invalid value; got 1e3; expected a whole number from 1/,
    ],
    [
      ['--weights-file', 'resnet18.weights', '--channels', '0'],
      /--channels: invalid value; got 0; expected a whole number from 1/,
    ],
    [['--weights-file', 'resnet18.weights', '--channels', '12'], /does not fit the model.*Check --arch and --stages/],
    [['--weights-file', 'beat.weights', '--channels', '12'], /whole pretraining model.*ecg-transplant weights/],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await command(
      'adjust-network',
      ...args.map((arg) => (arg.includes('.weights') ? at(arg) : arg)),
    );
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  });
});

describe('ecg-transplant inspect', () => {
  it('shows the network, the optimiser and every tensor', async () => {
    const { code, out } = await command('inspect', at('classifier.weights.h5'));
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      `${at('classifier.weights.h5')} (Keras 3 weights)`,
      'Fits:       resnet18 classifier, 1 stage, 2 leads, 3 classes',
      'Parameters: 117,059 in 27 tensors',
      'Optimiser:  2 variables, 35 steps',
    ]);
    expect(lines[5]).toMatch(/^tensor +type +shape +min +max +mean +std$/);
    expect(lines.find((line) => line.startsWith('layers/dense/vars/1'))).toMatch(
      /float32 {2}\(3\) +0\.000 +3\.403e\+38 /,
    );
    expect(lines.filter((line) => line.startsWith('layers/'))).toHaveLength(27);
  });

  it('computes the statistics as NumPy does', async () => {
    const layout = buildNetwork({ stages: 1 });
    const weights = sampleWeights(layout, 5).map((weight) =>
      weight.path === 'layers/res_net/bn1/vars/0'
        ? { ...weight, data: Float32Array.from({ length: 64 }, (_, index) => index / 4) }
        : weight,
    );
    await writeWeights(at('statistics.weights'), layout, weights);
    const { tensors } = inspectWeights(at('statistics.weights'));
    expect(tensors.find(({ path }) => path === 'layers/res_net/bn1/vars/0')).toEqual({
      path: 'layers/res_net/bn1/vars/0',
      dtype: 'float32',
      shape: [64],
      min: 0,
      max: 15.75,
      mean: 7.875,
      // sqrt((64² − 1) / 12) / 4
      std: Math.sqrt((64 ** 2 - 1) / 12) / 4,
      nonFinite: 0,
    });
  });

  it('has a stable --json', async () => {
    const { out } = await command('inspect', at('beat.weights'), '--json');
    const { tensors, ...summary } = JSON.parse(out);
    expect(summary).toEqual({
      file: at('beat.weights'),
      format: 'tensorflow',
      model: {
        arch: 'resnet18',
        stages: 1,
        channels: 1,
        head: { task: 'beat' },
        description: 'resnet18 pretraining model for beat, 1 stage, 1 lead',
      },
      parameters: 116_741,
      optimizer: null,
      unread: [],
    });
    expect(Object.keys(tensors[0])).toEqual(['path', 'dtype', 'shape', 'min', 'max', 'mean', 'std', 'nonFinite']);
  });

  it('fails on NaN and infinite values and says where they are', async () => {
    const layout = buildNetwork({ stages: 1 });
    const weights = sampleWeights(layout, 5);
    weights[3].data.fill(Number.NaN as never);
    weights[7].data[1] = Number.POSITIVE_INFINITY;
    await writeWeights(at('nan.weights.h5'), layout, weights);
    const { code, out } = await command('inspect', at('nan.weights.h5'));
    expect(code).toBe(1);
    expect(out).toContain('NaN or infinite values: layers/res_net/bn1/vars/2: 64, layers/res_net/blocks/');
    expect(out).toMatch(/layers\/res_net\/bn1\/vars\/2 +float32 +\(64\) +- +- +- +-\n/);
  });

  it('shows files that no network fits', async () => {
    const { out } = await command('inspect', join(import.meta.dirname, '../fixtures/hdf5/plain.h5'));
    expect(out).toContain('Fits:       no network of this project');
    expect(out).toContain('layers/dense/vars/0  float32  (2, 3)');
  });

  it.each([
    [[], /the following arguments are required: FILE/],
    [['a', 'b'], /unrecognized arguments: b/],
    [['none.weights'], /No such file or directory: none.weights \(nor none.weights.index/],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await command('inspect', ...args);
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  });
});
