import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compile } from '../../src/graph/session.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../../src/lib/numpy/npy.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';
import { smallBatch, smallModel } from './small_model.ts';

it('the exported graph, run by tf.compat.v1.Session, trains to the same bits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'python-session-'));
  const session = compile(smallModel(), { loss: 'categorical_crossentropy', seed: 4 });
  try {
    mkdirSync(join(folder, 'graph'));
    session.export(join(folder, 'graph'));
    const { x, y } = smallBatch(16);
    const inputs = {
      'x.npy': ndarray('float32', x.shape, Float32Array.from(x.data)),
      'y.npy': ndarray('float32', y.shape, Float32Array.from(y.data)),
      'rate.npy': ndarray('float32', [], Float32Array.of(1e-3)),
    };
    for (const [file, value] of Object.entries(inputs)) writeNpy(join(folder, file), value);
    const names = session.names;
    names.forEach((name, i) => {
      writeNpy(join(folder, `w${i}.npy`), session.read([name]).get(name)!);
    });
    const entries = (key: (name: string) => string, file: (i: number) => string) =>
      Object.fromEntries(names.map((name, i) => [key(name), file(i)]));
    const runs = [
      {
        feeds: entries(
          (name) => `assign/${name}|value`,
          (i) => `w${i}.npy`,
        ),
        fetches: entries(
          (name) => `assign/${name}|done`,
          () => 'done.npy',
        ),
      },
      ...Array.from({ length: 5 }, (_, step) => ({
        feeds: { 'train|x': 'x.npy', 'train|labels': 'y.npy', 'train|learning_rate': 'rate.npy' },
        fetches: { 'train|loss': `loss${step}.npy`, 'train|outputs': `outputs${step}.npy` },
      })),
      {
        feeds: {},
        fetches: entries(
          (name) => `read/${name}|value`,
          (i) => `after${i}.npy`,
        ),
      },
    ];
    writeFileSync(join(folder, 'runs.json'), JSON.stringify(runs));
    await runPython([join(root, 'test', 'fixtures', 'graph', 'run_graph.py'), folder]);

    for (let step = 0; step < 5; step++) {
      const { loss, outputs } = session.train(x, y);
      expect(loss).toBe((readNpy(join(folder, `loss${step}.npy`)) as NdArray).data[0]);
      expect(outputs).toEqual(readNpy(join(folder, `outputs${step}.npy`)));
    }
    for (const [i, [name, value]] of [...session.read()].entries()) {
      expect(value, name).toEqual(readNpy(join(folder, `after${i}.npy`)));
    }
  } finally {
    session.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
