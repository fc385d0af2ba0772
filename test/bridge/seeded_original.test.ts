import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Original } from '../../src/bridge/original.ts';
import { type ComparisonData, generatedCollections } from '../../src/compare/data.ts';
import { bytesOf } from '../../src/lib/numpy/ndarray.ts';
import { readWeights } from '../../src/weights/files.ts';
import { openOriginal } from '../compare/suites/data_suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'seeded-original-'));
let data: ComparisonData;
let original: Original;

beforeAll(async () => {
  data = await generatedCollections(join(folder, 'data'), 3);
  original = await openOriginal();
}, 300_000);
afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** History and weights of a pretraining by the original. */
async function pretrained(task: string, name: string, seed: number, valSize = 6) {
  const { dbDir } = await data.icentia('unzipped');
  const job = join(folder, `${task}-${name}`);
  const cpc = ['--context-size', '3', '--ns', '2'];
  const argv = [
    ...['--job-dir', job, '--task', task, '--train', dbDir, '--unzipped', '--patients', '0-3', '--seed', '5'],
    ...['--frame-size', '256', '--batch-size', '8', '--steps-per-epoch', '3', '--epochs', '1', '--stages', '1'],
    ...['--samples-per-patient', '8', '--val-patients', '1', '--val-size', `${valSize}`],
    ...(task === 'cpc' ? cpc : []),
  ];
  await original.run('pretraining.trainer', argv, { seed });
  const hash = createHash('sha256');
  for (const array of readWeights(join(job, 'epoch_01_model.weights.h5')).weights) hash.update(bytesOf(array));
  return { history: readFileSync(join(job, 'history.csv'), 'utf8'), weights: hash.digest('hex') };
}

describe('pretraining.trainer with a seed from outside, validation from a folder (Quirk Q46)', () => {
  it.each(['hr', 'cpc'])(
    '%s: gives the same bits again, and others with another seed',
    async (task) => {
      const once = await pretrained(task, 'once', 7);
      const again = await pretrained(task, 'again', 7);
      const other = await pretrained(task, 'other', 8);
      expect(again.history).toBe(once.history);
      expect(again.weights).toBe(once.weights);
      expect(other.weights).not.toBe(once.weights);
    },
    300_000,
  );

  it('trains on the same frames, however many were drawn for validation', async () => {
    const few = await pretrained('hr', 'few', 7, 3);
    const many = await pretrained('hr', 'many', 7, 40);
    expect(many.history).not.toBe(few.history);
    expect(many.weights).toBe(few.weights);
  }, 300_000);
});
