import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { reporterFor } from '../src/events.ts';
import { listOf, wholeNumber } from '../src/lib/argparse/types.ts';
import { bootstrapDifference, bootstrapScores, type Interval } from '../src/lib/bootstrap.ts';
import { toFloat64 } from '../src/lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../src/lib/numpy/ndarray.ts';
import { finetune } from '../src/port/finetuning/trainer.ts';
import { prepareData } from '../src/prepare/prepare_data.ts';
import { openPreparedSet } from '../src/prepare/prepared_set.ts';
import { selectRecords } from '../src/prepare/select_records.ts';
import { readOptions } from './lib/read_options.ts';

const { values } = readOptions({
  program: 'node --import tsx scripts/precision_study.ts',
  about: `Measures what bfloat16 costs in accuracy: the same finetuning on Challenge 2017 in float32 and in bfloat16, from the same weights and with
the same order of records, for several seeds. Prints a table for docs/performance.md. Takes about ten minutes on two cores.`,
  flags: {
    Options: {
      data: { value: 'DIR', required: true, help: 'folder of Challenge 2017 (RECORDS, REFERENCE.csv)' },
      records: {
        value: 'N',
        type: wholeNumber(1),
        default: 840,
        help: 'records to use; a quarter of them is the test set',
      },
      samples: {
        value: 'N',
        type: wholeNumber(1),
        default: 768,
        help: 'samples of each record, its last ones, at 100 Hz',
      },
      epochs: { value: 'N', type: wholeNumber(1), default: 12, help: 'epochs to train' },
      seeds: { value: 'LIST', type: listOf(wholeNumber(1)), default: [1, 2, 3], help: 'seeds' },
      json: { value: 'FILE', help: 'write the figures as JSON, too' },
    },
  },
  notes: 'Batches of 16. The best weights are those with the lowest loss on a tenth of the training records.',
});
const { seeds } = values;
const precisions = ['float32', 'bfloat16'] as const;
const folder = mkdtempSync(join(tmpdir(), 'ecg-precision-'));
const report = reporterFor();

try {
  const source = join(folder, 'records');
  selectRecords(resolve(values.data), source, values.records, 1);
  const target = join(folder, 'data');
  const pad = values.samples;
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
        epochs: values.epochs,
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
