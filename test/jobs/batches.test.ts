import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { Dense } from '../../src/graph/layers.ts';
import { Sequential } from '../../src/graph/model.ts';
import { compile } from '../../src/graph/session.ts';
import { batchesOf, predictAll } from '../../src/jobs/batches.ts';
import { JobPaused } from '../../src/jobs/job.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { arrayRows } from '../../src/lib/numpy/rows.ts';

const x = {
  x: arrayRows(
    ndarray(
      'float32',
      [5, 2],
      Float32Array.from({ length: 10 }, (_, i) => i),
    ),
  ),
};
const y = arrayRows(ndarray('int32', [5], Int32Array.of(10, 11, 12, 13, 14)));

describe('batchesOf', () => {
  it('takes records in the given order, skips batches, and makes a short last batch', () => {
    const labels = (options?: Parameters<typeof batchesOf>[2]) =>
      [...batchesOf({ x, y }, 2, options)].map((batch) => [...batch.y.data]);
    expect(labels()).toEqual([[10, 11], [12, 13], [14]]);
    expect(labels({ order: [4, 0, 3, 1, 2], skip: 1 })).toEqual([[13, 11], [12]]);
  });

  it('keeps element types and the shapes of records', () => {
    const [{ x: inputs, y: labels }] = batchesOf({ x, y }, 2, { order: Int32Array.of(4, 1) });
    expect(labels).toEqual(ndarray('int32', [2], Int32Array.of(14, 11)));
    expect(inputs).toEqual({ x: ndarray('float32', [2, 2], Float32Array.of(8, 9, 2, 3)) });
  });
});

describe('predictAll', () => {
  const session = compile(new Sequential([new Dense(3)]).build([2]), { loss: 'categorical_crossentropy', seed: 1 });

  it('predicts the records in their order and reports progress', async () => {
    const events: ProgressEvent[] = [];
    const outputs = await predictAll(session, x, {
      batchSize: 2,
      name: 'these',
      report: (event) => events.push(event),
    });
    expect(outputs).toEqual(session.predict(x.x.take([0, 1, 2, 3, 4])));
    const task = 'Predicting these';
    expect(events).toEqual([
      { kind: 'start', task, total: 5, unit: 'records' },
      ...[2, 4, 5].map((done) => ({ kind: 'progress', task, done })),
      { kind: 'end', task },
    ]);
  });

  it('stops between batches when its signal is aborted', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const done: number[] = [];
    const report = (event: ProgressEvent) => event.kind === 'progress' && done.push(event.done);
    const options = { batchSize: 2, name: 'these', signal: controller.signal, report };
    await expect(predictAll(session, x, options)).rejects.toThrow(JobPaused);
    expect(done).toEqual([2]);
  });

  it('refuses to predict nothing', async () => {
    await expect(
      predictAll(
        session,
        { x: arrayRows(ndarray('float32', [0, 2], new Float32Array())) },
        { batchSize: 2, name: 'none' },
      ),
    ).rejects.toThrow('none: there are no records to predict');
  });
});
