import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { identifyModel } from '../../../src/networks/identify.ts';
import { buildNetwork } from '../../../src/networks/network.ts';
import {
  adjustedFile,
  adjustNetwork,
  main,
  parseArgs,
  spreadKernel,
} from '../../../src/port/finetuning/adjust_network.ts';
import { readWeights, type WeightsFile, writeWeights } from '../../../src/weights/files.ts';
import { proves } from '../../proofs/proves.ts';
import { runPython } from '../../python.ts';
import { digest, sampleWeights } from '../../weights/exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'adjust-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('finetuning.adjust_network', () => {
  it('repeats the kernel along the leads and divides it, as numpy.repeat and / do', () => {
    const kernel = ndarray('float32', [2, 1, 2], Float32Array.of(1, -0, 0.1, 1e-45));
    const third = Math.fround(Math.fround(0.1) / 3);
    expect(spreadKernel(kernel, 3)).toEqual({
      dtype: 'float32',
      shape: [2, 3, 2],
      data: Float32Array.of(1 / 3, -0, 1 / 3, -0, 1 / 3, -0, third, 0, third, 0, third, 0),
    });
  });

  it('names its output (Q37)', () => {
    expect(adjustedFile('jobs/a/resnet18.weights.h5', 'keras')).toBe('jobs/a/resnet18.adjusted.weights.h5');
    expect(adjustedFile('jobs/a/resnet18.weights', 'tensorflow')).toBe('jobs/a/resnet18.weights.adjusted');
    expect(adjustedFile('jobs/a/resnet18.weights', 'keras')).toBe('jobs/a/resnet18.adjusted.weights.h5');
  });

  it('refuses backbones for several leads', async () => {
    const file = join(folder, 'two_leads.weights.h5');
    const twoLeads = buildNetwork({ stages: 1, channels: 2 });
    await writeWeights(file, twoLeads, sampleWeights(twoLeads, 1));
    await expect(adjustNetwork({ weightsFile: file, channels: 12, stages: 1 })).rejects.toThrow(
      /2 leads; the model takes 1 lead/,
    );
    await expect(adjustNetwork({ weightsFile: file, channels: 0, stages: 1 })).rejects.toThrow(/1 or more; got 0/);
    await expect(adjustNetwork({ weightsFile: file, channels: 1.5, stages: 1 })).rejects.toThrow(ValueError);
  });

  it('reads the command line as the original does', async () => {
    proves('finetuning.adjust_network.parse_args');
    const lines = [
      ['--weights-file', 'a/b.weights', '--channels', '3'],
      ['--weights=c', '--ch', '-2', '--arch', 'vgg', '--stages', '-1', '--unknown', 'x', '--channels=12'],
    ];
    const program = [
      'import json, sys; from finetuning.adjust_network import parse_args',
      'print(json.dumps([vars(parse_args(argv)) for argv in json.loads(sys.argv[1])], default=str))',
    ].join('\n');
    const output = await runPython(['-c', program, JSON.stringify(lines)]);
    const ours = lines.map(parseArgs).map(({ weightsFile, channels, arch, stages = null }) => ({
      weights_file: weightsFile,
      channels,
      arch,
      stages,
    }));
    expect(ours).toEqual(JSON.parse(output.trim().split('\n').at(-1)!));
    expect(() => parseArgs(['--channels', '3'])).toThrow('the following arguments are required: --weights-file');
  }, 120_000);

  it('main writes the weights and prints the line that the original does', async () => {
    proves('finetuning.adjust_network.main');
    const file = join(folder, 'resnet18.weights.h5');
    const adjusted = join(folder, 'resnet18.adjusted.weights.h5');
    const backbone = buildNetwork({ stages: 1 });
    await writeWeights(file, backbone, sampleWeights(backbone, 1));
    const argv = ['--weights-file', file, '--channels', '3', '--stages', '1', '--unknown'];
    const text = await runPython([
      '-c',
      'import sys; from finetuning.adjust_network import main; main(sys.argv[1:])',
      ...argv,
    ]);
    const theirs = readWeights(adjusted);
    const printed = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    await main(argv);
    expect(printed.mock.calls.join('')).toBe(text);
    printed.mockRestore();
    const values = ({ weights }: WeightsFile) => new Map(weights.map((weight) => [weight.path, digest(weight)]));
    expect(values(readWeights(adjusted))).toEqual(values(theirs));
    expect(identifyModel(theirs)).toEqual({ arch: 'resnet18', stages: 1, channels: 3 });
    await expect(main(['--weights-file', file, '--channels', '0'])).rejects.toThrow(ValueError);
  }, 120_000);
});
