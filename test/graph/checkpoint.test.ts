import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/graph/checkpoint.ts';
import { readCheckpointIndex } from '../../src/graph/checkpoint_index.ts';
import { Generator } from '../../src/graph/random.ts';
import { runtime } from '../../src/graph/runtime.ts';
import { compile } from '../../src/graph/session.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { readNpy } from '../../src/lib/numpy/npy.ts';
import { runPython } from '../python.ts';
import { smallBatch, smallModel } from './small_model.ts';

const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const values = new Map<string, NdArray>([
  ['a/kernel', ndarray('float32', [2, 3], Float32Array.of(0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45, 6))],
  ['b', ndarray('float64', [], Float64Array.of(Math.PI))],
  ['counter', ndarray('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n))],
  ['empty', ndarray('float32', [0, 4], new Float32Array(0))],
]);

describe('checkpoints', () => {
  it('keep every bit and list their tensors', () => {
    const { tensorCount, modelCount } = runtime();
    const prefix = join(folder, 'round');
    writeCheckpoint(
      prefix,
      new Map<string, NdArray | Uint8Array>([...values, ['text', new TextEncoder().encode('é')]]),
    );
    expect(readCheckpoint(prefix)).toEqual(values);
    expect(readCheckpointIndex(prefix).map(({ key, dtype, shape }) => ({ key, dtype, shape }))).toEqual([
      { key: 'a/kernel', dtype: 'float32', shape: [2, 3] },
      { key: 'b', dtype: 'float64', shape: [] },
      { key: 'counter', dtype: 'int64', shape: [2] },
      { key: 'empty', dtype: 'float32', shape: [0, 4] },
      { key: 'text', dtype: 'string', shape: [] },
    ]);
    expect(() => readCheckpoint(prefix, ['c'])).toThrow('the checkpoint has no tensor c');
    expect(runtime()).toMatchObject({ tensorCount, modelCount });
  });

  it('a restored session goes on to the same bits', () => {
    const { x, y } = smallBatch(8);
    const prefix = join(folder, 'state');
    const first = compile(smallModel(), { loss: 'categorical_crossentropy', seed: 1 });
    const second = compile(smallModel(), { loss: 'categorical_crossentropy', seed: 2 });
    try {
      for (let step = 0; step < 3; step++) first.train(x, y);
      writeCheckpoint(prefix, first.read());
      second.assign(readCheckpoint(prefix));
      for (let step = 0; step < 3; step++) expect(second.train(x, y)).toEqual(first.train(x, y));
      expect(second.read()).toEqual(first.read());
    } finally {
      first.dispose();
      second.dispose();
    }
  });

  it('go to and come from tf.raw_ops in Python', async () => {
    const prefix = join(folder, 'python');
    writeCheckpoint(prefix, values);
    const program = [
      'import sys, numpy as np, tensorflow as tf',
      'prefix, many = sys.argv[1], {f"layer_{i}/weights": np.arange(i + 1.0) for i in range(300)}',
      'reader = tf.train.load_checkpoint(prefix)',
      'np.save(prefix + ".npy", reader.get_tensor("a/kernel"))',
      'tf.raw_ops.SaveV2(prefix=prefix + "_back", tensor_names=list(many), shape_and_slices=[""] * 300, tensors=list(many.values()))',
    ].join('\n');
    await runPython(['-c', program, prefix]);
    expect(readNpy(`${prefix}.npy`)).toEqual(values.get('a/kernel'));
    const back = readCheckpoint(`${prefix}_back`);
    expect(back.size).toBe(300);
    for (let i = 0; i < 300; i++) {
      expect(back.get(`layer_${i}/weights`)!.data).toEqual(Float64Array.from({ length: i + 1 }, (_, k) => k));
    }
  });

  it('refuse missing and damaged files', () => {
    const prefix = join(folder, 'damaged');
    expect(() => readCheckpoint(join(folder, 'none'))).toThrow('the checkpoint cannot be read');
    writeCheckpoint(prefix, values);
    const index = readFileSync(`${prefix}.index`);
    const generator = new Generator(1, 'damage');
    let refused = 0;
    for (let trial = 0; trial < 200; trial++) {
      const damaged = Buffer.from(index);
      damaged[generator.bits() % damaged.length] ^= 1 + (generator.bits() % 255);
      const length = trial % 2 === 0 ? damaged.length : generator.bits() % damaged.length;
      writeFileSync(`${prefix}.index`, damaged.subarray(0, length));
      try {
        readCheckpointIndex(prefix);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    writeFileSync(`${prefix}.index`, index);
    truncateSync(`${prefix}.data-00000-of-00001`, 10);
    expect(() => readCheckpoint(prefix)).toThrow('the checkpoint is damaged');
    copyFileSync(`${prefix}.data-00000-of-00001`, `${prefix}.index`);
    expect(() => readCheckpoint(prefix)).toThrow('not the index of a TensorFlow checkpoint');
  });
});
