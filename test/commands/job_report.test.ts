import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { JobPaused } from '../../src/jobs/job.ts';
import type { JobThresholds } from '../../src/jobs/job_thresholds.ts';
import { toFloat64 } from '../../src/lib/numpy/convert.ts';
import { columnOf } from '../../src/lib/sklearn/metrics.ts';
import { chooseThreshold } from '../../src/lib/thresholds.ts';
import { finetune } from '../../src/port/finetuning/trainer.ts';
import { readPredictions } from '../../src/port/transplant/utils.ts';
import { pausing, temporaryFolder, writeSmallSet } from '../port/training_data.ts';
import { callInProcess } from './in_process.ts';

// Small files and short jobs, as in the tests of the trainer.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const thresholds = (job: string): JobThresholds =>
  JSON.parse(readFileSync(at(job, 'thresholds.json'), 'utf8')) as JobThresholds;
const page = (job: string): string => readFileSync(at(job, 'report.html'), 'utf8');

const options = { valSize: 8, batchSize: 8, epochs: 2, seed: 5, initSeed: 6, threshold: 'f1' } as const;
const flags = [
  ...['--val-size', '8', '--batch-size', '8', '--epochs', '2', '--seed', '5', '--init-seed', '6'],
  ...['--threshold', 'f1'],
];
const command = (job: string, ...args: string[]) =>
  callInProcess(['finetune', '--job-dir', at(job), '--train', at('data', 'train.pkl'), ...flags, ...args]);

let whole = { code: -1, output: '' };
beforeAll(async () => {
  mkdirSync(at('data'));
  await writeSmallSet(at('data', 'train.pkl'), { records: 24 });
  await writeSmallSet(at('data', 'test.pkl'), { records: 12, seed: 2 });
  whole = await command('whole', '--test', at('data', 'test.pkl'));
});

describe('the report and the decisions of a finetuning job', () => {
  test('is written at the end, and the scores of each class are printed', () => {
    expect(whole.code).toBe(0);
    expect(whole.output).toMatch(/the job is complete\n(.*\n)*test set: 12 records, \d+ entirely correct/);
    expect(whole.output).toMatch(/A \(atrial fibrillation\) +3 +[01]\.\d+ +[01]\.\d{3} \[/);
    expect(whole.output).toContain(`${at('whole', 'report.html')}: the page with all curves`);
    expect(page('whole')).toContain('Evaluation of the test set');
    expect(page('whole')).toMatch(/loss: loss by epoch\. training: 2 points, .* validation: 2 points/);
  });

  test('is the same to the last byte for a job that was interrupted, in another folder, with copies of its inputs', async () => {
    const given = { ...options, train: at('data', 'train.pkl'), test: at('data', 'test.pkl'), jobDir: at('parts') };
    await expect(finetune(given, pausing('Epoch 2/2:1'))).rejects.toThrow(JobPaused);
    cpSync(at('data'), at('copy'), { recursive: true });
    const { code } = await command('parts', '--resume', '--test', at('copy', 'test.pkl'));
    expect(code).toBe(0);
    expect(page('parts')).toBe(page('whole'));
    expect(thresholds('parts')).toEqual(thresholds('whole'));
    expect(page('parts')).not.toContain(folder);
    expect(page('parts')).not.toMatch(/zr\d/);
  });

  test('shows the thresholds of the job, which validation chose', () => {
    const { rule, records, classes } = thresholds('whole');
    expect([rule, records, classes.map(({ name }) => name)]).toEqual(['f1', 8, ['A', 'N', 'O', '~']]);
    const { yTrue, yProb } = readPredictions(at('whole', 'val_predictions.csv'));
    classes.forEach(({ threshold }, k) => {
      const [truth, prob] = [yTrue, yProb].map((values) => columnOf(toFloat64(values!), 4, k));
      expect(threshold).toBe(chooseThreshold('f1', truth, prob));
    });
    const text = 'Thresholds were chosen for the highest F1 of each class, on 8 validation records.';
    for (const shown of [page('whole'), whole.output]) expect(shown).toContain(text);
    expect(page('whole')).toContain('>Threshold</th>');
  });

  test('never makes a job fail: what is wrong is said, with the command that makes it; --resume makes it too', async () => {
    const made = page('whole');
    rmSync(at('whole', 'report.html'));
    writeFileSync(at('data', 'scp_statements.csv'), 'a table,of something else\n');
    const { code, output } = await command('whole', '--resume');
    expect(output).toContain('The job is complete, but its report could not be made: ');
    expect(output).toContain(`ecg-transplant evaluate ${at('whole')} --report ${at('whole', 'report.html')}`);
    expect(code).toBe(0);
    expect(existsSync(at('whole', 'report.html'))).toBe(false);
    rmSync(at('data', 'scp_statements.csv'));
    expect((await command('whole', '--resume')).output).toContain('test set: 12 records');
    expect(page('whole')).toBe(made);
    const again = await command('whole', '--resume');
    expect(again).toEqual({ code: 0, output: `${at('whole')}: the job is complete\n` });
  });

  test('decides predictions by the thresholds of the job, by others, or as the original does', async () => {
    const decide = async (...args: string[]): Promise<string> => {
      const file = at('decided.csv');
      const given = ['--job-dir', at('whole'), '--data', at('data', 'test.pkl'), '--csv', file, '--force', ...args];
      expect(await callInProcess(['predict', ...given])).toMatchObject({ code: 0 });
      return readFileSync(file, 'utf8');
    };
    const own = await decide();
    const { yProb, yPred } = readPredictions(at('decided.csv'));
    const limits = thresholds('whole').classes.map(({ threshold }) => threshold);
    // The probabilities of a table are decimal, as those that the thresholds were chosen from.
    expect(Array.from(yPred!.data, Number)).toEqual(
      Array.from(toFloat64(yProb!), (value, i) => Number(value >= limits[i % 4])),
    );
    expect(await decide('--threshold', 'job')).toBe(own);
    expect(await decide('--threshold', 'f1')).toBe(own);
    const usual = await decide('--threshold', 'default');
    expect(usual).not.toBe(own);
    expect(await decide('--threshold', 'sensitivity=1')).not.toBe(usual);
    // The page of `predict` says what that of `evaluate` says.
    await decide('--report', at('predicted.html'));
    const scores = (html: string): string => /<h2 id="classes-title">[\s\S]*?<\/section>/.exec(html)![0];
    expect(scores(readFileSync(at('predicted.html'), 'utf8'))).toBe(scores(page('whole')));
  });

  test('evaluate takes the thresholds of a job, or others; a table alone has none', async () => {
    const evaluate = async (path: string, ...args: string[]) => {
      const given = [path, '--resamples', '10', '--report', at('again.html'), '--force', ...args];
      return callInProcess(['evaluate', ...given]);
    };
    const { output } = await evaluate(at('whole'));
    expect(output).toContain('Every class that reaches its own threshold is predicted');
    expect((await evaluate(at('whole'), '--threshold', 'default')).output).toContain('The most probable class');
    expect((await evaluate(at('whole'), '--threshold', 'youden')).output).toContain('sum of sensitivity');
    const alone = await evaluate(at('decided.csv'), '--threshold', 'youden');
    expect(alone).toMatchObject({ code: 1, output: expect.stringContaining('thresholds belong to a job') });
  });

  test('no thresholds are chosen without validation records, or stay behind when the job is replaced', async () => {
    const train = ['--job-dir', at('none'), '--train', at('data', 'train.pkl')];
    const { code, output } = await callInProcess(['finetune', ...train, '--threshold', 'youden']);
    expect(output).toContain('--threshold: thresholds are chosen on validation records; got youden');
    expect(code).toBe(2);
    expect(existsSync(at('none'))).toBe(false);
    const replaced = { ...options, threshold: undefined, epochs: 1, train: at('data', 'train.pkl'), force: true };
    await finetune({ ...replaced, jobDir: at('parts') });
    expect(existsSync(at('parts', 'thresholds.json'))).toBe(false);
    const asked = ['--job-dir', at('parts'), '--data', at('data', 'test.pkl'), '--threshold', 'job'];
    expect((await callInProcess(['predict', ...asked])).output).toContain('the job has no thresholds of its own');
  });

  test('disappears when the job goes on', async () => {
    const train = at('data', 'train.pkl');
    const given = { ...options, epochs: 3, train, test: at('data', 'test.pkl'), jobDir: at('whole'), resume: true };
    await expect(finetune(given, pausing('Epoch 3/3:1'))).rejects.toThrow(JobPaused);
    expect(existsSync(at('whole', 'report.html'))).toBe(false);
  });
});
