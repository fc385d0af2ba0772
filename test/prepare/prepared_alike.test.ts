import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../src/cli.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { withJobSets } from '../../src/port/finetuning/trainer/sets.ts';
import { prepareData } from '../../src/prepare/prepare_data.ts';
import { temporaryFolder } from '../port/training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Two-lead recordings of three seconds, with a label each. */
function writeRecordings(dir: string, fs: number, leads: readonly string[], labels: readonly string[]): void {
  mkdirSync(dir, { recursive: true });
  const draws = new RandomState(fs);
  for (const i of labels.keys()) {
    const signals = leads.map((name, lead) => {
      const samples = Int16Array.from({ length: 3 * fs }, () => Math.round((lead + 1) * 300 * draws.randomSample()));
      return { name, samples, gain: 1000, units: 'mV' };
    });
    wrsamp(dir, { recordName: `${dir.slice(-1)}${i}`, fs, signals, format: '16' });
  }
  const lines = labels.map((label, i) => `${dir.slice(-1)}${i},${label}`);
  writeFileSync(join(dir, 'labels.csv'), `record,labels\n${lines.join('\n')}\n`);
}

test('a set prepared with --like can be tested on; one prepared by itself would be refused', async () => {
  writeRecordings(at('a'), 250, ['I', 'V1'], ['AF', 'N', 'O', 'AF', 'N', 'O', 'AF', 'N']);
  writeRecordings(at('b'), 125, ['V1', 'I'], ['O', 'AF', 'O']);
  const common = {
    format: 'wfdb-csv',
    target: at('data'),
    testSize: 0,
    threads: 1,
    resampler: 'javascript',
    seed: 1,
  } as const;
  await prepareData({ ...common, source: at('a'), name: 'first', fs: 125, pad: 300 });
  await prepareData({ ...common, source: at('b'), name: 'own', fs: 125, pad: 300 });
  const first = at('data', 'first.pkl');
  const open = (test: string) => withJobSets({ train: first, test }, { folder }, async (sets) => sets);
  let refused = '';
  await open(at('data', 'own.pkl')).catch((error: Error) => {
    refused = error.message;
  });
  expect(refused).toMatch(/does not fit .*first\.pkl; got type of x float64, lead names V1 I, normalisation/);
  // What the message says to type.
  const advice = /ecg-transplant prepare-data (--like \S+ --test-size 0), with/.exec(refused)![1].split(' ');
  const own = ['--format', 'wfdb-csv', '--source', at('b'), '--target', at('data'), '--name', 'like', '--threads', '1'];
  expect(await main(['prepare-data', ...own, ...advice])).toBe(0);
  const sets = await open(at('data', 'like.pkl'));
  expect(sets.test!.classes).toEqual(['AF', 'N', 'O']);
  expect(Array.from(sets.test!.y.data, Number)).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 1]);
  const described = JSON.parse(readFileSync(at('data', 'preprocessing.json'), 'utf8'));
  expect(described.like.normalization).toEqual(described.first.normalization);

  const like = { ...common, source: at('b'), like: first, name: 'again' };
  await expect(prepareData({ ...like, pad: 200 })).rejects.toThrow('--like already sets --pad');
  await expect(prepareData({ ...like, like: at('a', 'labels.csv') })).rejects.toThrow(
    'no preprocessing.json describes this file',
  );
  writeRecordings(at('c'), 125, ['V1', 'I'], ['PVC', 'AF']);
  await expect(prepareData({ ...like, source: at('c') })).rejects.toThrow(
    'the --like file does not have all classes; got PVC; expected AF, N, O',
  );
});
