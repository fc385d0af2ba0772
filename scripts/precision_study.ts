import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { array, number, object } from 'valibot';
import { meanInterval, pairedDifference } from '../src/compare/statistics/trials.ts';
import { InputError } from '../src/errors.ts';
import { reporterFor } from '../src/events.ts';
import { wholeNumber } from '../src/lib/argparse/types.ts';
import { readJson, writeJson } from '../src/lib/json/file.ts';
import { finetune } from '../src/port/finetuning/trainer.ts';
import { auc, f1 } from '../src/port/transplant/evaluation.ts';
import { prepareData } from '../src/prepare/prepare_data.ts';
import { openPreparedSet } from '../src/prepare/prepared_set.ts';
import { selectRecords } from '../src/prepare/select_records.ts';
import { counted } from '../src/text.ts';
import { readOptions } from './lib/read_options.ts';

const { values } = readOptions({
  program: 'node --import tsx scripts/precision_study.ts',
  about: `Measures what bfloat16 costs in accuracy: the same finetuning on Challenge 2017 in float32 and in bfloat16, from the same weights and with
the same order of records, in several trials with a seed each. Prints a table for docs/performance.md. Takes one to two minutes for each trial on two cores with AMX, five without AVX-512.`,
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
      trials: { value: 'N', type: wholeNumber(1), default: 24, help: 'trainings in each format, with seeds from 1' },
      json: {
        value: 'FILE',
        help: 'keep the figures in this file, after each trial; the same command goes on where it was stopped',
      },
    },
  },
  notes:
    'Batches of 16, the fastest kernels of this machine (--kernels auto). The best weights are those with the lowest loss on a tenth of the training records.',
});
const seeds = Array.from({ length: values.trials }, (_, i) => i + 1);
/** A difference of macro F1 or AUC below this does not matter. */
const margin = 0.02;
/** What the trials depend on, beside their seeds. */
const settings = { records: values.records, samples: values.samples, epochs: values.epochs };
const precisions = ['float32', 'bfloat16'] as const;
const names = { macroF1: 'macro F1', macroAuc: 'macro AUC' } as const;
type Figures = { readonly [F in keyof typeof names]: number };
const figures = ['macroF1', 'macroAuc'] as const;
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
  const scores = scoresSoFar();
  const task = 'Trials';
  report({ kind: 'start', task, total: seeds.length, unit: 'trials' });
  for (const seed of seeds.slice(scores.bfloat16.length)) {
    for (const precision of precisions) {
      const { predictions } = await finetune({
        ...files,
        jobDir: join(folder, `${precision}-${seed}`),
        epochs: values.epochs,
        batchSize: 16,
        valSize: 0.1,
        seed,
        initSeed: seed,
        precision,
        kernels: 'auto',
      });
      const probabilities = predictions.test!;
      scores[precision].push({ macroF1: f1(test.y, probabilities), macroAuc: auc(test.y, probabilities) });
      rmSync(join(folder, `${precision}-${seed}`), { recursive: true });
    }
    const [a, b] = precisions.map((precision) => scores[precision].at(-1)!);
    const detail = `macro F1 ${a.macroF1.toFixed(3)} and ${b.macroF1.toFixed(3)}`;
    report({ kind: 'progress', task, done: seed, detail });
    if (values.json !== undefined) writeJson(values.json, { settings, scores });
  }
  report({ kind: 'end', task });
  const summaries = figures.map((figure) => {
    const [a, b] = precisions.map((precision) => scores[precision].slice(0, seeds.length).map((one) => one[figure]));
    return {
      figure,
      float32: meanInterval(a),
      bfloat16: meanInterval(b),
      difference: pairedDifference(b, a, { margin }),
    };
  });
  const text = ({ mean, low, high }: { mean: number; low: number; high: number }): string =>
    `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  process.stdout.write(
    `${counted(test.recordIds.length, 'test record')}, ${counted(values.epochs, 'epoch')}, ${counted(seeds.length, 'trial')}\n\n`,
  );
  process.stdout.write('| Mean over trials | float32 | bfloat16 | bfloat16 − float32 | |\n|---|---|---|---|---|\n');
  for (const { figure, float32, bfloat16, difference } of summaries) {
    const isOpen = difference.conclusion === 'open';
    const conclusion = isOpen && difference.low > -margin ? `no loss of ${margin}` : difference.conclusion;
    const cells = [names[figure], ...[float32, bfloat16, difference].map(text), conclusion];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
  process.stdout.write(
    '\n| Seed | macro F1, float32 | bfloat16 | macro AUC, float32 | bfloat16 |\n|---|---|---|---|---|\n',
  );
  for (const [i, seed] of seeds.entries()) {
    const cells = figures.flatMap((figure) => precisions.map((precision) => scores[precision][i][figure].toFixed(3)));
    process.stdout.write(`| ${seed} | ${cells.join(' | ')} |\n`);
  }
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(`precision_study: ${error.message}\n`);
  process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true });
}

/** What an earlier run with the same settings has kept. */
function scoresSoFar(): Record<(typeof precisions)[number], Figures[]> {
  if (values.json === undefined || !existsSync(values.json)) return { float32: [], bfloat16: [] };
  const figuresOfTrials = array(object({ macroF1: number(), macroAuc: number() }));
  const known = readJson(
    values.json,
    object({
      settings: object({ records: number(), samples: number(), epochs: number() }),
      scores: object({ float32: figuresOfTrials, bfloat16: figuresOfTrials }),
    }),
    { next: 'Give another file for the figures' },
  );
  for (const [name, value] of Object.entries(settings)) {
    const kept = known.settings[name as keyof typeof settings];
    if (kept === value) continue;
    throw new InputError(`${values.json} has trials with --${name} ${kept}; got ${value}`, {
      next: 'Give another file for the figures',
    });
  }
  return { float32: [...known.scores.float32], bfloat16: [...known.scores.bfloat16] };
}
