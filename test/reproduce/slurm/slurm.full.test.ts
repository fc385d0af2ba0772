import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockTask } from '../../../src/reproduce/prepare_run.ts';
import { RunFolder } from '../../../src/reproduce/run_folder.ts';
import { SlurmClient } from '../../../src/reproduce/slurm/client.ts';
import { type QueuedTask, SlurmFiles, tasksInQueue } from '../../../src/reproduce/slurm/files.ts';
import { nameOf } from '../../../src/reproduce/slurm/submit.ts';
import { type JobRun, runCommand } from '../../commands/job_process.ts';
import { resultsOf } from '../../commands/run_results.ts';
import { Cluster, whyNoCluster } from '../../slurm/cluster.ts';

const minutes = 60_000;
const reason = whyNoCluster();
if (reason !== undefined) console.warn(`The test with a real Slurm does not run: ${reason}`);

let cluster: Cluster;
let folder = '';
beforeAll(async () => {
  if (reason !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'ecg-slurm-full-'));
  writeFileSync(join(folder, 'grid.json'), JSON.stringify(grid));
  cluster = await Cluster.start();
  process.env.SLURM_CONF = cluster.env.SLURM_CONF;
}, 2 * minutes);
afterAll(async () => {
  await cluster?.stop();
  if (folder !== '') rmSync(folder, { recursive: true, maxRetries: 5 });
}, 2 * minutes);

const onSlurm = (...more: readonly string[]): Promise<JobRun> => {
  const options = [
    '--engine',
    'slurm',
    '--slurm-args=--cpus-per-task 1 --gres gpu:1',
    '--slurm-args-cpu=--cpus-per-task 1',
  ];
  return runCommand([...base('slurm'), ...options, ...more]);
};
const base = (name: string): string[] => [
  ...['reproduce', '--experiment', join(folder, 'grid.json')],
  ...['--job-dir', join(folder, name)],
];

/** One pretraining, and two trials each of a finetuning with its weights and of one without, in both languages. */
const grid = {
  name: 'grid',
  generated: { patients: 4, segments: 1, samples: 16_384, records: 60, seconds: 9 },
  patients: 4,
  sets: [{ name: 'physionet', records: 60, fs: 250, pad: 2048, testSize: 0.25 }],
  pretraining: [
    {
      ...{ name: 'beat', task: 'beat', arch: 'resnet18', frameSize: 512, batchSize: 8, samplesPerPatient: 32 },
      ...{ stepsPerEpoch: 8, epochs: 1, validation: { patients: 1, frames: 16 } },
    },
  ],
  finetuning: [
    {
      for: { weights: ['beat', null] },
      ...{ name: 'physionet-{weights}', set: 'physionet', batchSize: 8, epochs: 1, valSize: 0.2, valMetric: 'loss' },
    },
  ],
  contrasts: [],
  trials: 2,
  suites: ['splits', 'weights'],
};

/** Tasks of the run in Slurm's queue. */
async function queue(): Promise<QueuedTask[]> {
  const files = new SlurmFiles({ root: join(folder, 'slurm') });
  return tasksInQueue(await new SlurmClient(cluster.env).queue(files.prefix), files.submissions());
}

async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limit = 20 * minutes,
): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await delay(300);
  }
}

/** The job of a task once its process has begun to work, and the process. */
function working(id: string): Promise<{ readonly job: string; readonly pid: number }> {
  return until(`${id} runs`, async () => {
    const found = (await queue()).find((one) => one.id === id && one.job.state === 'RUNNING');
    if (found === undefined) return undefined;
    const log = join(folder, 'slurm', 'logs', `${id}.log`);
    const pid = processOf(id);
    return pid !== undefined && existsSync(log) ? { job: nameOf(found.job), pid } : undefined;
  });
}

/** The Node process that works on a task of this run. */
function processOf(id: string): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words[words.indexOf('--run-task') + 1] === id && words.includes(join(folder, 'slurm'));
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

const gone = (id: string): Promise<true> =>
  until(`${id} left the queue`, async () => ((await queue()).some((one) => one.id === id) ? undefined : true));

const logsOf = (id: string): string => {
  const files = new SlurmFiles({ root: join(folder, 'slurm') });
  const logs = files
    .submissions()
    .flatMap((one) => one.tasks.flatMap((task, k) => (task === id ? [files.log(one, k)] : [])));
  return logs.map((log) => (existsSync(log) ? readFileSync(log, 'utf8') : '')).join('');
};

const trial = (side: string, number: number): string => `${side}finetuning-physionet-beat-trial-${number}`;

describe.skipIf(reason !== undefined)('a run on a real Slurm of one node', () => {
  it('survives kill -9, the warning before the time limit, scancel and the death of slurmd, and ends with the bits of a run without Slurm', {
    timeout: 90 * minutes,
  }, async () => {
    // One side at a time compares nothing: the suites are not needed twice.
    for (const side of ['port', 'original']) {
      const { code, output } = await runCommand([...base('alone'), '--side', side]);
      expect(code, output).toBe(0);
    }

    const first = await onSlurm();
    expect(first.code, first.output).toBe(0);
    expect(first.output).toMatch(/^23 tasks submitted\.$/m);
    // They have to be at work after the node has died, so they must not end before.
    const later = (await queue()).filter(({ id }) => id === 'pretraining-beat' || id === 'original-pretraining-beat');
    expect(later.map(({ job }) => job.state)).toEqual(['PENDING', 'PENDING']);
    for (const { job } of later) cluster.query('scontrol', ['hold', nameOf(job)]);

    // The node's daemon dies. Slurm gives the task to another process while the first one lives on.
    const preparing = await working('original-prepared-physionet');
    process.kill(preparing.pid, 'SIGSTOP');
    await cluster.killNode();
    await until('Slurm gives up the node', async () => {
      const found = (await queue()).find(({ id }) => id === 'original-prepared-physionet');
      return found?.job.state === 'PENDING' ? true : undefined;
    });
    expect(processOf('original-prepared-physionet')).toBe(preparing.pid);
    process.kill(preparing.pid, 'SIGCONT');
    await cluster.startNode();

    for (const { job } of later) cluster.query('scontrol', ['release', nameOf(job)]);
    process.kill((await working('pretraining-beat')).pid, 'SIGKILL');
    const cancelled = await working('original-pretraining-beat');
    cluster.query('scancel', [cancelled.job]);
    await gone('pretraining-beat');
    await gone('original-pretraining-beat');
    // What needs them is cancelled.
    for (const id of [trial('', 1), trial('original-', 2), 'checks-pretraining-beat']) await gone(id);
    const status = await onSlurm('--status');
    expect(status.output).toMatch(/^failed {3}pretraining-beat: its process ended without a word on /m);
    expect(status.output).toMatch(/^missing {2}1 original-pretraining: paused: Slurm ended it \(SIGTERM\)/m);
    expect(status.output).toMatch(/^missing {2}2 finetuning: not started/m);

    const arrays = new SlurmFiles({ root: join(folder, 'slurm') }).submissions().length;
    const before = (await queue()).map(({ id }) => id);
    const second = await onSlurm();
    expect(second.code, second.output).toBe(0);
    const submissions = new SlurmFiles({ root: join(folder, 'slurm') }).submissions();
    const newTasks = submissions.slice(arrays).flatMap(({ tasks }) => tasks);
    expect(newTasks.filter((id) => before.includes(id) && id !== 'finish')).toEqual([]);
    expect(newTasks).toEqual(
      expect.arrayContaining([
        'pretraining-beat',
        'original-pretraining-beat',
        trial('', 1),
        trial('original-', 2),
        'finish',
      ]),
    );
    expect(newTasks.filter((id) => /^(check$|data-|suite-)/.test(id))).toEqual([]);

    // A process that Slurm does not know of works on a task: the task waits for it.
    const held = [trial('original-', 2), trial('', 1)];
    const unlocks = held.map((id) => lockTask({ folder: new RunFolder(join(folder, 'slurm')) }, id));
    for (const id of held) {
      await until(`${id} waits`, () => (logsOf(id).includes('Waiting for it') ? true : undefined));
    }
    for (const unlock of unlocks) unlock();

    // Slurm's warning: the task saves, and goes back into the queue itself. Until now it was held, so that it has not ended already.
    const warned = await working(trial('', 1));
    cluster.query('scancel', ['--batch', '--signal=USR1', warned.job]);
    await until('it is in the queue again', async () => {
      const found = (await queue()).find(({ id }) => id === trial('', 1));
      return found?.job.state === 'PENDING' ? true : undefined;
    });
    expect(logsOf(trial('', 1))).toMatch(/back into the queue \(job \d+_0\)/);

    const last = await onSlurm('--wait');
    expect(last.code, `${last.output}\n${(await onSlurm('--status')).output}`).toBe(0);
    expect(last.output).toMatch(/: PASSED: /);

    const [alone, spread] = [resultsOf(join(folder, 'alone')), resultsOf(join(folder, 'slurm'))];
    expect(alone.size).toBeGreaterThan(20);
    expect([...spread.keys()]).toEqual([...alone.keys()]);
    expect([...alone.keys()].filter((name) => spread.get(name) !== alone.get(name))).toEqual([]);
  });
});
