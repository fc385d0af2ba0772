import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Original } from '../../../bridge/original.ts';
import { asType } from '../../../graph/arrays.ts';
import type { Session } from '../../../graph/session.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import type { LabelledBatch } from '../../batches.ts';
import { bothSides } from '../../both_sides.ts';
import { exactly, type Pair, type Row } from '../../closeness.ts';

/**
 * Runs the port's own graph in a `tf.compat.v1.Session` of the Python process. Losses, outputs, accuracies and every variable after each
 * step must have the same bits as in Node, which shows that Node does not affect the results.
 */
export async function sameGraph(
  suite: string,
  original: Original,
  session: Session,
  batches: readonly LabelledBatch[],
): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-graph-'));
  try {
    session.export(folder);
    const graph = await original.graph(folder);
    await graph.assign(session.read());
    const results: Pair[] = [];
    const variables: Pair[] = [];
    for (const [step, { x, y }] of batches.entries()) {
      const feeds = new Map<string, NdArray>([
        ...Object.entries(inputsByName(x)),
        ['labels', y.dtype === 'int32' ? y : asType(y, 'float32')],
        ['learning_rate', scalar(session.learningRate)],
      ]);
      const [ours, theirs] = await bothSides(
        () => graph.run('train', feeds),
        () => session.train(x, y),
      );
      const name = `step ${step + 1}`;
      results.push({ name: `${name} loss`, port: scalar(ours.loss), original: theirs.get('loss')! });
      results.push({ name: `${name} correct`, port: scalar(ours.correct), original: theirs.get('correct')! });
      results.push({ name: `${name} outputs`, port: ours.outputs, original: theirs.get('outputs')! });
      const after = await graph.read();
      for (const [key, port] of session.read()) {
        variables.push({ name: `${name} ${key}`, port, original: after.get(key)! });
      }
    }
    const [{ x }] = batches;
    const predicted = await graph.run('predict', new Map(Object.entries(inputsByName(x))));
    results.push({ name: 'predictions', port: session.predict(x), original: predicted.get('outputs')! });
    await graph.close();
    return [
      exactly(
        suite,
        `port's graph in Python: losses and outputs of ${batches.length} steps, predictions`,
        results,
        'same graph',
      ),
      exactly(
        suite,
        `port's graph in Python: all variables after each of ${batches.length} steps`,
        variables,
        'same graph',
      ),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function scalar(value: number): NdArray<'float32'> {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}
