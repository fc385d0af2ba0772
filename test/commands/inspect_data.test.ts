import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inspectData } from '../../src/commands/inspect_data.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../src/lib/numpy/npy.ts';
import { writeNpz } from '../../src/lib/numpy/npz.ts';
import { dump } from '../../src/lib/python/pickle.ts';

const folder = mkdtempSync(join(tmpdir(), 'inspect-data-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = ndarray('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, Number.NaN));

test('arrays: shape, type, statistics; NaN is counted', async () => {
  writeNpy(at('a.npy'), numbers);
  const npy = await inspectData(at('a.npy'));
  expect(npy?.allFinite).toBe(false);
  expect(npy?.text).toMatch(/NaN or infinite values: 1\n/);
  expect(npy?.text).toMatch(/float32 {2}\(2, 3\) {2}1\.000 {2}5\.000 {2}3\.000/);
  await writeNpz(
    at('b.npz'),
    new Map<string, NdArray>([
      ['x', numbers],
      ['y', ndarray('int64', [1], BigInt64Array.of(7n))],
    ]),
  );
  expect((await inspectData(at('b.npz')))?.json).toMatchObject({
    kind: 'arrays',
    arrays: [
      { path: 'x', shape: [2, 3], nonFinite: 1 },
      { path: 'y', dtype: 'int64', mean: 7 },
    ],
  });
});

test('other pickles: their structure, to a depth and a length', async () => {
  await dump(at('c.pkl'), { labels: Array.from({ length: 30 }, () => [numbers]), name: 'x' });
  const { text } = (await inspectData(at('c.pkl')))!;
  expect(text).toContain('dict of 2\n  labels: list of 30\n');
  expect(text).toContain('0: float32 (2, 3)');
  expect(text).toContain('and 18 more');
  expect(text).toContain('name: string: x');
});

test.each([
  [
    'x.gdf',
    'GDF 2.20',
    /a file of this kind cannot be inspected; got a GDF recording; expected weights, a prepared set/,
  ],
  ['x.png', '\x89PNG', /got a picture/],
  ['x.json', '{}', /got a JSON file/],
])('%s is named for what it is', async (name, content, message) => {
  writeFileSync(at(name), Buffer.from(content, 'latin1'));
  await expect(inspectData(at(name))).rejects.toThrow(message);
});

test('a table without a rate is described all the same', async () => {
  writeFileSync(at('t.csv'), 'I,II\n1,2\n2,1\n');
  const { text, json } = (await inspectData(at('t.csv')))!;
  expect(text).toContain('Rate:       not stated: --record-fs HZ\nSamples:    2, 2 leads\n');
  expect(json).toMatchObject({ kind: 'recording', form: 'csv', rate: null, samples: 2, missing: 0 });
});

test('names that lead nowhere, and weights, are left to the reader of weights', async () => {
  expect(await inspectData(at('none'))).toBeUndefined();
  writeFileSync(at('w.index'), 'x');
  expect(await inspectData(at('w'))).toBeUndefined();
});

test('of a recording, only the leads that are asked for: others may have another sampling rate', async () => {
  const file = join(import.meta.dirname, '../fixtures/edf/plus.edf');
  await expect(inspectData(file)).rejects.toThrow(/different sampling rates.*--leads V5,aVR/s);
  const { text } = (await inspectData(file, ['aVR']))!;
  expect(text).toContain('Rate:       250 Hz');
  expect(text).toMatch(/\n(aVR) .*\n?$/);
});
