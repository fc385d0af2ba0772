import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { machine } from '../../src/lib/machine.ts';
import { dataSetToPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import { savePkl } from '../../src/port/transplant/utils.ts';
import { smallSet, temporaryFolder } from '../port/training_data.ts';
import { root } from '../shared_data.ts';
import { callInProcess } from './in_process.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

const command = (...args: string[]) => callInProcess(['finetune', ...args]);

const complete = JSON.stringify({ epochs: 2, finished: '2026-01-01T00:00:00.000Z' });

/** Content of a job's `config.json`. */
function configOf(job: 'finetune' | 'pretrain', options: object, inputs: object = {}): string {
  const libraries = { '/lib/libtensorflow_cc.so.2': '0'.repeat(64) };
  const machine = { platform: 'linux x64', processor: 'a processor', gpu: false, settings: {} };
  const environment = { version: '0.1.0', node: '20.0.0', tensorflow: '2.16.1', libraries, ...machine };
  return JSON.stringify({ format: 1, job, options, seed: 1, initSeed: 1, inputs, environment });
}

describe('ecg-transplant finetune', () => {
  test('--help names every flag of the original and the additions', async () => {
    const { code, output } = await command('--help');
    expect(code).toBe(0);
    expect(output).toMatch(/--job-dir DIR +job folder, created if missing \(required\)/);
    expect(output).toMatch(/--batch-size N +records per step \(default: 32\)/);
    expect(output).toMatch(/the original does\s+not have: [^.]*--resume/);
  });

  test.for([
    [[], 2, 'the following arguments are required: --job-dir, --train'],
    [['--job-dir', at('a'), '--train', 'x', '--epochs', 'two'], 2, "argument --epochs: invalid int value: 'two'"],
    [['--job-dir', at('a'), '--tra', 'x', '--va', '1'], 2, 'ambiguous option: --va could match --val, --val-size'],
    [['--job-dir', at('a'), '--train', 'x', '--val-metric', 'auroc'], 2, '--val-metric: got auroc'],
    [['--job-dir', at('a'), '--train', 'x', '--max-time', '-3'], 2, '--max-time: invalid value; got -3'],
  ] as const)('%j is refused before anything is created', async ([args, code, message]) => {
    const result = await command(...args);
    expect(result.output).toContain(message);
    expect(result.code).toBe(code);
    expect(existsSync(at('a'))).toBe(false);
  });

  // Without AVX-512 TensorFlow does not ask oneDNN in bfloat16, and works.
  test.skipIf(!machine(root).cpuFeatures.includes('avx512f'))(
    'bfloat16 is refused where TensorFlow has no kernels for it',
    async () => {
      await savePkl(at('small.pkl'), dataSetToPickle(smallSet({ records: 8 })));
      const bin = join(root, 'bin', 'ecg-transplant.mjs');
      const args = ['finetune', '--job-dir', at('bf'), '--train', at('small.pkl'), '--precision', 'bfloat16'];
      const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '1' };
      const { status, stderr } = spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8' });
      expect(stderr).toContain('TensorFlow cannot train in bfloat16 on this processor');
      expect(stderr).toContain('Use --precision float32, or auto');
      expect(status).toBe(1);
      expect(existsSync(at('bf', 'config.json'))).toBe(false);
    },
  );

  test('--resume leaves a complete job as it is', async () => {
    mkdirSync(at('done'));
    writeFileSync(at('done', 'config.json'), configOf('finetune', { train: at('x'), epochs: 2 }));
    writeFileSync(at('done', 'complete.json'), complete);
    expect(await command('--job-dir', at('done'), '--resume')).toEqual({
      code: 0,
      output: `${at('done')}: the job is complete\n`,
    });
  });

  test('--resume on a complete job compares options and inputs as on an unfinished one', async () => {
    const job = at('complete');
    mkdirSync(job);
    writeFileSync(at('train.pkl'), 'train');
    const options = { train: at('train.pkl'), epochs: 2, batchSize: 32, seed: 1 };
    writeFileSync(join(job, 'config.json'), configOf('finetune', options, { [at('train.pkl')]: 5 }));
    writeFileSync(join(job, 'complete.json'), complete);
    const resume = (...args: string[]) => command('--job-dir', job, '--resume', ...args);
    const done = { code: 0, output: `${job}: the job is complete\n` };
    // What is given again, and what a default says, contradicts nothing; fewer epochs are done too.
    expect(await resume('--train', at('train.pkl'), '--seed', '1', '--arch', 'resnet18', '--epochs', '1')).toEqual(
      done,
    );
    const begun = 'a job can only be resumed with the options it started with';
    for (const [args, message] of [
      [['--seed', '2'], `${job}, --seed: ${begun}; got 2; expected 1. Leave the option out`],
      [['--arch', 'resnet34'], `--arch: ${begun}; got resnet34; expected resnet18`],
      [['--train', at('other.pkl')], `--train: ${begun}; got ${at('other.pkl')}; expected ${at('train.pkl')}`],
      [['--test', at('test.pkl')], `--test: ${begun}; got ${at('test.pkl')}; expected nothing`],
    ] as const) {
      const { code, output } = await resume(...args);
      expect(output).toContain(message);
      expect(code).toBe(1);
    }
    expect(await resume('--max-time', '-1')).toMatchObject({ code: 2 });
    writeFileSync(at('train.pkl'), 'another');
    expect((await resume()).output).toContain(
      'an input of the job has changed since it started; got 7 bytes; expected 5 bytes',
    );
    rmSync(at('train.pkl'));
    expect(await resume()).toEqual(done);
    // More epochs go on: here to the missing file.
    expect((await resume('--epochs', '3')).output).toContain('train.pkl');
  });

  test('--max-time says when the job will pause: a number alone is minutes', async () => {
    const { output } = await command(
      '--job-dir',
      at('timed'),
      '--train',
      at('none.pkl'),
      '--max-time',
      '5',
      '--save-every',
      '30s',
    );
    expect(output).toMatch(/--max-time 5: pauses after 5 min, at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n/);
    expect(output).toContain('--save-every 30s: a checkpoint every 30 s within an epoch');
  });

  test('refuses the folder of another kind of job', async () => {
    mkdirSync(at('other'));
    writeFileSync(at('other', 'config.json'), configOf('pretrain', {}));
    const { code, output } = await command('--job-dir', at('other'), '--resume');
    expect(code).toBe(1);
    expect(output).toContain('the folder belongs to another job; got pretrain; expected finetune');
  });
});
