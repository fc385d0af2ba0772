import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { peerRows } from '../../src/bench/peer_rows.ts';
import { trainingFlops } from '../../src/bench/port_models.ts';
import { works } from '../../src/bench/port_works.ts';
import { benchRows } from '../../src/bench/rows.ts';
import { chooseRows, run } from '../../src/commands/bench.ts';
import { root } from '../shared_data.ts';

const rows = benchRows();

describe('rows of the bench', () => {
  it('have names of their own, full or quick', () => {
    const names = rows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(benchRows(true).map(({ name }) => name)).toEqual(names);
  });

  it('have both sides unless they say whom the goal is for', () => {
    const alone = rows.filter(({ original }) => original === undefined);
    expect(alone.map(({ name }) => name)).toEqual(['memory-flat', 'metrics']);
    for (const { note } of alone) expect(note).toContain('the goal is for the port’s figure');
  });

  it.each([
    ['original_worker.py', 4],
    ['torch_worker.py', 2],
  ])('every work of %s has a twin', (file, count) => {
    const source = readFileSync(join(root, 'src/bench', file), 'utf8');
    const table = /^WORKS[^{]*\{(.*?)\}/ms.exec(source)![1];
    const names = [...table.matchAll(/"(\w+)":/g)].map(([, name]) => name);
    expect(names).toHaveLength(count);
    expect(Object.keys(works)).toEqual(expect.arrayContaining(names));
  });
});

describe('rows against other programs', () => {
  it('have names of their own, full or quick, and say what they compare with', () => {
    const peers = peerRows();
    const names = [...rows, ...peers].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(peerRows(true).map(({ name }) => name)).toEqual(peers.map(({ name }) => name));
    for (const { against, goal } of peers)
      expect([against, goal]).toEqual([expect.stringMatching(/PyTorch|ONNX/), 0.8]);
  });

  it('are refused without --peers', async () => {
    await expect(run(['--rows', 'step,predict-onnx'])).rejects.toThrow(
      '--rows: rows against other programs need --peers; got predict-onnx. ecg-transplant bench --peers --rows predict-onnx',
    );
  });
});

describe('chooseRows', () => {
  it('keeps the order of the table', () => {
    expect(chooseRows(rows, ['frames', 'step']).map(({ name }) => name)).toEqual(['step', 'frames']);
    expect(chooseRows(rows, undefined)).toBe(rows);
  });

  it('refuses unknown names', () => {
    expect(() => chooseRows(rows, ['step', 'steps'])).toThrow(
      /--rows: invalid value; got steps; expected step, step-long/,
    );
  });
});

describe('trainingFlops', () => {
  it('counts the convolutions and the head of resnet18', () => {
    const [batch, samples] = [2, 256];
    let positions = samples / 2;
    let products = 2 * 7 * 64 * positions; // The first convolution needs no gradient of its input.
    positions /= 2;
    let width = 64;
    for (const [stage, kernel] of [7, 5, 5, 3].entries()) {
      const out = 64 * 2 ** stage;
      if (stage > 0) positions /= 2;
      const projection = stage > 0 ? width * out : 0;
      products += 3 * positions * (kernel * width * out + 3 * kernel * out * out + projection);
      width = out;
    }
    products += 3 * width * 4;
    const counted = trainingFlops({ arch: 'resnet18', task: 'classify', precision: 'float32', batch, samples });
    expect(counted).toBe(2 * batch * products);
  });
});
