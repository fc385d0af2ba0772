/**
 * Measures what bfloat16 costs in accuracy: the same finetuning of Challenge 2017 in float32 and in bfloat16, from the same weights and with
 * the same order of records, for some seeds. Prints a table for docs/performance.md. About ten minutes on two cores.
 *
 *     node --import tsx scripts/precision_study.ts --data DIR [--records 840] [--samples 768] [--epochs 12] [--seeds 1,2,3] [--json FILE]
 *
 * DIR holds Challenge 2017 (`RECORDS`, `REFERENCE.csv`); `--records` takes so many of them. A quarter of the records is the test set, the
 * same for all seeds. Recordings are shortened to keep the study cheap: 100 Hz, the last `--samples`. Batches of 16; the best weights by
 * the loss on a tenth of the training records.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reporterFor } from '../src/events.ts';
import { bootstrapDifference, bootstrapScores, type Interval } from '../src/lib/bootstrap.ts';
import { toFloat64 } from '../src/lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../src/lib/numpy/ndarray.ts';
import { finetune } from '../src/port/finetuning/trainer.ts';
import { prepareData } from '../src/prepare/prepare_data.ts';
import { openPreparedSet } from '../src/prepare/prepared_set.ts';
import { selectRecords } from '../src/prepare/select_records.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    records: { type: 'string', default: '840' },
    samples: { type: 'string', default: '768' },
    epochs: { type: 'string', default: '12' },
    seeds: { type: 'string', default: '1,2,3' },
    json: { type: 'string' },
  },
});
if (values.data === undefined) throw new Error('--data is missing: the folder of Challenge 2017');
const seeds = values.seeds.split(',').map(Number);
const precisions = ['float32', 'bfloat16'] as const;
const folder = mkdtempSync(join(tmpdir(), 'ecg-precision-'));
const report = reporterFor();

try {
  const source = join(folder, 'records');
  selectRecords(resolve(values.data), source, Number(values.records), 1);
  const target = join(folder, 'data');
  const pad = Number(values.samples);
  await prepareData({ format: 'challenge17', source, target, fs: 100, pad, testSize: 0.25, seed: 1 });
  const files = { train: join(target, 'physionet_train.pkl'), test: join(target, 'physionet_test.pkl') };
  const test = await openPreparedSet(files.test);
  const results = { float32: [] as NdArray[], bfloat16: [] as NdArray[] };
  for (const seed of seeds) {
    for (const precision of precisions) {
      const begun = performance.now();
      const { predictions } = await finetune({
        ...files,
        jobDir: join(folder, `${precision}-${seed}`),
        epochs: Number(values.epochs),
        batchSize: 16,
        valSize: 0.1,
        seed,
        initSeed: seed,
        precision,
      });
      results[precision].push(predictions.test!);
      const seconds = ((performance.now() - begun) / 1000).toFixed(0);
      report({ kind: 'message', text: `${precision}, seed ${seed}: ${seconds} s` });
    }
  }
  const rows = seeds.map((seed, i) => {
    const [a, b] = [results.float32[i], results.bfloat16[i]];
    return {
      seed: String(seed),
      float32: bootstrapScores(test.y, a).macroF1,
      bfloat16: bootstrapScores(test.y, b).macroF1,
      difference: bootstrapDifference(test.y, a, b).macroF1,
    };
  });
  // All seeds together: a record is drawn with its predictions of every seed.
  const all = (arrays: readonly NdArray[]): NdArray =>
    ndarray(
      'float64',
      [seeds.length * test.recordIds.length, test.classes.length],
      Float64Array.from(arrays.flatMap((array) => [...toFloat64(array)])),
    );
  const truth = all(seeds.map(() => test.y));
  const groups = seeds.flatMap(() => [...test.recordIds]);
  const [a, b] = [all(results.float32), all(results.bfloat16)];
  rows.push({
    seed: 'all',
    float32: bootstrapScores(truth, a, { groups }).macroF1,
    bfloat16: bootstrapScores(truth, b, { groups }).macroF1,
    difference: bootstrapDifference(truth, a, b, { groups }).macroF1,
  });
  const text = ({ value, low, high }: Interval): string =>
    `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  process.stdout.write(`${test.recordIds.length} test records, ${values.epochs} epochs\n\n`);
  process.stdout.write('| Seed | float32 | bfloat16 | bfloat16 − float32 |\n|---|---|---|---|\n');
  for (const { seed, float32, bfloat16, difference } of rows) {
    process.stdout.write(`| ${seed} | ${text(float32)} | ${text(bfloat16)} | ${text(difference)} |\n`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
