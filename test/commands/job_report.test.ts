import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { JobPaused } from '../../src/jobs/job.ts';
import { finetune } from '../../src/port/finetuning/trainer.ts';
import { pausing, temporaryFolder, writeSmallSet } from '../port/training_data.ts';
import { callInProcess } from './in_process.ts';

// Small files and short jobs, as in the tests of the trainer.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const page = (job: string): string => readFileSync(at(job, 'report.html'), 'utf8');

const options = { valSize: 8, batchSize: 8, epochs: 2, seed: 5, initSeed: 6 } as const;
const flags = ['--val-size', '8', '--batch-size', '8', '--epochs', '2', '--seed', '5', '--init-seed', '6'];
const command = (job: string, ...args: string[]) =>
  callInProcess(['finetune', '--job-dir', at(job), '--train', at('data', 'train.pkl'), ...flags, ...args]);

let whole = { code: -1, output: '' };
beforeAll(async () => {
  mkdirSync(at('data'));
  await writeSmallSet(at('data', 'train.pkl'), { records: 24 });
  await writeSmallSet(at('data', 'test.pkl'), { records: 12, seed: 2 });
  whole = await command('whole', '--test', at('data', 'test.pkl'));
});

describe('the report of a finetuning job', () => {
  test('is written at the end, and the scores of each class are printed', () => {
    expect(whole.code).toBe(0);
    expect(whole.output).toMatch(/the job is complete\n(.*\n)*test set: 12 records, \d+ entirely correct/);
    expect(whole.output).toMatch(/A \(atrial fibrillation\) +3 +[01]\.\d{3} \[/);
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
    expect(page('parts')).not.toContain(folder);
    expect(page('parts')).not.toMatch(/zr\d/);
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

  test('disappears when the job goes on', async () => {
    const train = at('data', 'train.pkl');
    const given = { ...options, epochs: 3, train, test: at('data', 'test.pkl'), jobDir: at('whole'), resume: true };
    await expect(finetune(given, pausing('Epoch 3/3:1'))).rejects.toThrow(JobPaused);
    expect(existsSync(at('whole', 'report.html'))).toBe(false);
  });
});
