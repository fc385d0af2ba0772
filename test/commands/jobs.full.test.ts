import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { writeIcentiaPatient } from '../../src/synthetic/write_icentia.ts';
import { readWeights } from '../../src/weights/files.ts';
import { temporaryFolder, writeSmallSet } from '../port/training_data.ts';
import { digest } from '../weights/exchange.ts';
import { type Disturbance, type JobRun, runCommand } from './job_process.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** A job by its command line without the folder, and the files that have to be equal. */
interface Campaign {
  readonly args: readonly string[];
  readonly texts: readonly string[];
  readonly weights: string;
}

const campaigns: Readonly<Record<string, Campaign>> = {
  pretrain: {
    args: [
      ...['pretrain', '--task', 'beat', '--train', at('data'), '--unzipped', '--patients', '0-3', '--stages', '1'],
      ...['--frame-size', '256', '--batch-size', '8', '--samples-per-patient', '4', '--steps-per-epoch', '20'],
      ...['--epochs', '4', '--seed', '3', '--init-seed', '2', '--val-patients', '1', '--val-size', '16'],
      ...['--val-metric', 'f1', '--save-every', '0.2s'],
    ],
    texts: ['history.csv'],
    weights: 'epoch_04_model.weights.h5',
  },
  'pretrain (cpc)': {
    args: [
      ...['pretrain', '--task', 'cpc', '--train', at('data'), '--unzipped', '--patients', '0-3', '--stages', '1'],
      ...['--frame-size', '128', '--context-size', '3', '--ns', '2', '--data-parallelism', '2', '--batch-size', '8'],
      ...['--samples-per-patient', '4', '--steps-per-epoch', '20', '--epochs', '2', '--seed', '3', '--init-seed', '2'],
      ...['--save-every', '0.3s'],
    ],
    texts: ['history.csv'],
    weights: 'epoch_02_model.weights.h5',
  },
  finetune: {
    args: [
      ...['finetune', '--train', at('train.pkl'), '--val-size', '8', '--val-metric', 'f1', '--batch-size', '8'],
      ...['--epochs', '2', '--seed', '3', '--init-seed', '2', '--save-every', '1s'],
    ],
    texts: ['history.csv', 'train_predictions.csv', 'val_predictions.csv'],
    weights: 'best_model.weights.h5',
  },
};

beforeAll(async () => {
  for (let id = 0; id < 4; id++) {
    await writeIcentiaPatient(id, { seed: 1, segments: 2, samples: 6000 }, { unzipped: at('data') });
  }
  await writeSmallSet(at('train.pkl'), { records: 32 });
});

describe.for(Object.entries(campaigns))('%s', ([kind, { args, texts, weights }]) => {
  const whole = at(`${kind}-whole`);
  let duration = 0;

  /** How many disturbances came before the end of the job. */
  const struck = { kill: 0, pause: 0 };

  beforeAll(async () => {
    const run = await runCommand([...args, '--job-dir', whole], { line: 'Seed' });
    expect(run.code, run.output).toBe(0);
    duration = run.afterLine;
  });

  /** Disturbs a job, goes on with it, and compares it with the one that was left alone. */
  async function survive(name: string, disturbance: Disturbance): Promise<JobRun> {
    const job = at(`${kind}-${name}`);
    const disturbed = await runCommand([...args, '--job-dir', job], disturbance);
    const resumed = await runCommand([...args, '--job-dir', job, '--resume']);
    expect(resumed.code, resumed.output).toBe(0);
    expect(existsSync(join(job, 'complete.json'))).toBe(true);
    for (const file of texts) {
      expect(readFileSync(join(job, file), 'utf8'), file).toBe(readFileSync(join(whole, file), 'utf8'));
    }
    // By checksums: vitest takes minutes to compare millions of elements.
    const [ours, theirs] = [job, whole].map((dir) => {
      const { weights: found, optimizer } = readWeights(join(dir, weights));
      return { weights: found.map((weight) => [weight.path, digest(weight)]), optimizer: optimizer!.map(digest) };
    });
    expect(ours).toEqual(theirs);
    rmSync(job, { recursive: true });
    return disturbed;
  }

  const draws = new RandomState(8);
  test.for(Array.from({ length: 20 }, () => draws.randomSample()))('kill -9 after %f of the run', async (share) => {
    const { signal } = await survive('killed', { signal: 'SIGKILL', line: 'Seed', after: share * duration });
    if (signal === 'SIGKILL') struck.kill++;
  });

  test.for(Array.from({ length: 5 }, () => draws.randomSample()))('SIGTERM after %f of the run', async (share) => {
    const { code } = await survive('paused', { signal: 'SIGTERM', line: 'Seed', after: share * duration });
    expect(code).toBeOneOf([0, 75]);
    if (code === 75) struck.pause++;
  });

  test('most of them came before the end of the job', () => {
    expect(struck.kill).toBeGreaterThanOrEqual(15);
    expect(struck.pause).toBeGreaterThanOrEqual(3);
  });

  test.for([0.1, 0.5, 0.98])('no room for %f of a weight file', async (share) => {
    const blocks = Math.floor((share * statSync(join(whole, weights)).size) / 1024);
    expect((await survive('full', { fileBlocks: blocks })).code).toBe(1);
  });
});
