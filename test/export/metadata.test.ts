import { expect, it } from 'vitest';
import type { TrainedClassifier } from '../../src/export/job.ts';
import { describeExport } from '../../src/export/metadata.ts';
import { model, preprocessing, thresholds } from '../port/sound_files.ts';

const job = {
  model,
  preprocessing,
  weightsDigest: '',
  weights: new Map(),
  build: () => {
    throw new Error('not built');
  },
} satisfies TrainedClassifier;

it('an exported model states the thresholds that its job chose, as float32, and otherwise none', () => {
  expect(describeExport(job, 'float32')).toMatchObject({ decision: 'the class with the largest probability' });
  expect(describeExport(job, 'float32')).not.toHaveProperty('thresholds');
  const classes = [{ name: 'A', threshold: 0.7, chosen: true }, thresholds.classes[1]];
  expect(describeExport({ ...job, thresholds: { ...thresholds, classes } }, 'float32')).toMatchObject({
    decision: 'every class with a probability of at least its threshold',
    thresholds: [Math.fround(0.7), 0.5],
  });
});
