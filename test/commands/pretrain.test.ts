import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeIcentiaPatient } from '../../src/synthetic/write_icentia.ts';
import { readWeights } from '../../src/weights/files.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { runCommand } from './job_process.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const lastWeights = 'epoch_03_model.weights.h5';

function command(job: string): string[] {
  const flags =
    '--unzipped --patients 0-2 --stages 1 --frame-size 256 --batch-size 8 --samples-per-patient 4 --steps-per-epoch 12 --epochs 3 --seed 3 --init-seed 2';
  return ['pretrain', '--job-dir', at(job), '--task', 'beat', '--train', at('data'), ...flags.split(' ')];
}

beforeAll(async () => {
  for (let id = 0; id < 3; id++) {
    await writeIcentiaPatient(id, { seed: 1, segments: 2, samples: 6000 }, { unzipped: at('data') });
  }
  expect(await runCommand(command('whole'))).toMatchObject({ code: 0 });
});

/** Goes on with a job and compares what it leaves with the job that was not disturbed. */
async function finish(job: string): Promise<void> {
  const { code, output } = await runCommand(['pretrain', '--job-dir', at(job), '--resume']);
  expect(code, output).toBe(0);
  expect(existsSync(at(job, 'complete.json'))).toBe(true);
  expect(readFileSync(at(job, 'history.csv'), 'utf8')).toBe(readFileSync(at('whole', 'history.csv'), 'utf8'));
  const [ours, theirs] = [job, 'whole'].map((name) => readWeights(at(name, lastWeights)));
  expect(ours.weights).toEqual(theirs.weights);
  expect(ours.optimizer).toEqual(theirs.optimizer);
  expect(readdirSync(at(job)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

describe('ecg-transplant pretrain', () => {
  test('resumes after a kill in the second epoch to the same bits', async () => {
    const { signal } = await runCommand(command('killed'), { signal: 'SIGKILL', line: 'Epoch 2/3 (', after: 20 });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(at('killed', 'complete.json'))).toBe(false);
    await finish('killed');
  });

  test('saves on SIGTERM and exits with 75', async () => {
    const { code, output } = await runCommand(command('paused'), { signal: 'SIGTERM', line: 'Epoch 1/3 (', after: 0 });
    expect(output).toContain('paused (SIGTERM), all is saved. To continue, run the same command with --resume');
    expect(code).toBe(75);
    await finish('paused');
  });

  test('keeps the last complete checkpoint when the disk is full', async () => {
    // The weights of an epoch and a checkpoint take 1.4 MB each; the limit is below that.
    expect(await runCommand(command('full'), { signal: 'SIGTERM', line: 'Epoch 2/3 (' })).toMatchObject({ code: 75 });
    const checkpoint = readFileSync(at('full', 'checkpoint.npz'));
    const { code, output } = await runCommand([...command('full'), '--resume'], { fileBlocks: 1000 });
    expect(code).toBe(1);
    expect(output).toContain('there is no room to write; got EFBIG. The last complete checkpoint is kept');
    expect(readFileSync(at('full', 'checkpoint.npz')).equals(checkpoint)).toBe(true);
    await finish('full');
  });

  test('exit codes and messages of a wrong command line are those of argparse', async () => {
    const missing = await runCommand(['pretrain', '--job-dir', at('none'), '--typo']);
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.output).toContain('ignored on the command line: --typo');
    expect(missing.output).toContain('the following arguments are required: --task, --train');
    expect(existsSync(at('none'))).toBe(false);
    const time = await runCommand([...command('none'), '--max-time', 'soon']);
    expect(time.output).toContain('--max-time: invalid value; got soon');
    expect(time.code).toBe(2);
  });
});
