import { describe, expect, it } from 'vitest';
import { batchSizes, networkBatches } from '../../src/compare/batches.ts';
import { type ComparisonData, openCollections } from '../../src/compare/data.ts';
import { taskNames } from '../../src/compare/suite.ts';
import { inputsByName } from '../../src/lib/keras/inputs.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';

const generated: ComparisonData = {
  kind: 'generated',
  folder: 'nowhere',
  names: [],
  icentia: () => Promise.reject(new Error('not asked for')),
};

describe('batches for the network suites', () => {
  it.each(taskNames)('%s: shapes and labels of the task, the same for the same seed', (task) => {
    const network = { task, leads: 1, multiLabel: false } as const;
    const [first, second] = networkBatches(generated, network, 2, 7);
    const { classifier, cpc, classes } = batchSizes;
    const shapes = Object.fromEntries(Object.entries(inputsByName(first.x)).map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(
      task === 'cpc'
        ? { context: [3, cpc.context, cpc.samples, 1], samples: [3, cpc.candidates, cpc.samples, 1] }
        : { x: [classifier.records, classifier.samples, 1] },
    );
    const count = classes[task];
    if (task === 'finetuning') {
      expect(first.y.shape).toEqual([classifier.records, count]);
      const rows = Array.from({ length: classifier.records }, (_, i) =>
        Array.from(first.y.data.slice(i * count, (i + 1) * count) as Float32Array),
      );
      expect(rows.map((row) => row.reduce((sum, value) => sum + value, 0))).toEqual(rows.map(() => 1));
    } else {
      expect(first.y.dtype).toBe('int32');
      expect(Math.max(...(first.y.data as Int32Array))).toBeLessThan(count);
    }
    expect(networkBatches(generated, network, 1, 7)).toEqual([first]);
    expect(second.x).not.toEqual(first.x);
    expect(networkBatches(generated, network, 1, 8)[0].x).not.toEqual(first.x);
  });

  it('several labels: some record has more than one', () => {
    const batches = networkBatches(generated, { task: 'finetuning', leads: 12, multiLabel: true }, 3, 1);
    const sums = batches.map(({ y }) => Array.from(y.data as Float32Array).reduce((sum, value) => sum + value, 0));
    expect(Math.max(...sums)).toBeGreaterThan(batchSizes.classifier.records);
    expect(inputsByName(batches[0].x).x.shape).toEqual([
      batchSizes.classifier.records,
      batchSizes.classifier.samples,
      12,
    ]);
  });

  it.skipIf(!haveSharedData).each([1, 12] as const)(
    'real recordings of %s leads are taken where there are any',
    (leads) => {
      const network = { task: 'finetuning', leads, multiLabel: false } as const;
      const [real] = networkBatches(openCollections(sharedData), network, 1, 1);
      const [made] = networkBatches(generated, network, 1, 1);
      expect(real.x).not.toEqual(made.x);
      expect((inputsByName(real.x).x.data as Float32Array).every(Number.isFinite)).toBe(true);
    },
  );
});
