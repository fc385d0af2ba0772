import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/events.ts';
import { experiments } from '../../../src/experiments.ts';
import type { RunSettings } from '../../../src/reproduce/settings.ts';
import { cancelRun } from '../../../src/reproduce/slurm/cancel.ts';
import { SlurmFiles } from '../../../src/reproduce/slurm/files.ts';
import { formatPlan } from '../../../src/reproduce/slurm/listing.ts';
import { formatStatus, statusOf } from '../../../src/reproduce/slurm/status.ts';
import { type SubmitOptions, submitRun } from '../../../src/reproduce/slurm/submit.ts';
import { StepMarks } from '../../../src/reproduce/step.ts';
import { planTasks, type Task } from '../../../src/reproduce/tasks.ts';
import { FakeSlurm } from '../../slurm/fake_slurm.ts';
import { settingsIn } from '../run_settings.ts';

let slurm: FakeSlurm;
let folder = '';
let run: RunSettings;
const messages: ProgressEvent[] = [];

beforeEach(() => {
  slurm = new FakeSlurm();
  folder = mkdtempSync(join(tmpdir(), 'ecg-slurm-run-'));
  run = settingsIn(folder, { experiment: experiments.smallest, trials: 2, arguments: ['--job-dir', folder] });
  messages.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const submit = (options: Partial<SubmitOptions> = {}) =>
  submitRun(run, { gpu: [], cpu: [], ...options }, slurm, (event) => messages.push(event));

/** The calls of sbatch since the last look, by the job's kind and number. */
function submitted(): Map<string, string[]> {
  const calls = slurm.takeCalls().filter(([program]) => program === 'sbatch');
  return new Map(
    calls.map((words) => [
      words
        .find((word) => word.startsWith('--job-name='))!
        .split('-')
        .slice(5)
        .join('-'),
      words,
    ]),
  );
}

/** Puts all that was submitted into the queue, but for these tasks. */
function queueAll(without: readonly string[] = [], state = 'PENDING|Dependency'): void {
  const files = new SlurmFiles(run.folder);
  const lines = files
    .submissions()
    .flatMap((one, i) =>
      one.tasks.flatMap((id, k) =>
        without.includes(id) ? [] : [`${101 + i}|${k}|${state}|0:00||${files.jobName(one)}`],
      ),
    );
  slurm.setQueue(lines.join('\n'));
}

function finish({ steps }: Task): void {
  const marks = new StepMarks(run.folder.steps);
  for (const step of steps) marks.finish({ ...step, outputs: [] }, 1);
}

describe('submitRun', () => {
  it('submits each array with what it waits for, its log, and the warning before the time limit', async () => {
    const { arrays } = await submit({
      gpu: ['--gres', 'gpu:1', '--time=24:00:00'],
      cpu: ['--partition=cpu'],
      maxParallel: undefined,
    });
    const calls = submitted();
    expect(calls.size).toBe(arrays.length);
    const check = calls.get('check-1')!;
    expect(check).toContain('--array=0-0');
    expect(check.some((word) => word.startsWith('--dependency'))).toBe(false);
    const trials = calls.get('finetuning-5')!;
    expect(trials).toEqual(
      expect.arrayContaining(['--gres', 'gpu:1', '--requeue', '--array=0-1', '--open-mode=append']),
    );
    expect(trials).toEqual(
      expect.arrayContaining(['--signal=B:USR1@300', '--kill-on-invalid-dep=yes', `--chdir=${folder}`]),
    );
    expect(trials).toContain('--output=logs/slurm/005-finetuning-%a.log');
    expect(trials.find((word) => word.startsWith('--dependency='))).toBe('--dependency=afterok:101:103_0:104');
    const last = [...calls.values()].at(-1)!;
    expect(last.find((word) => word.startsWith('--dependency='))).toMatch(/^--dependency=afterany:101:102:/);
    expect(last).not.toContain('--kill-on-invalid-dep=yes');
    expect(calls.get('suites-11')).toContain('--nice=10000');
    expect(existsSync(join(folder, 'logs', 'slurm'))).toBe(true);
  });

  it('writes a script that starts Node itself with the task of its place', async () => {
    await submit();
    const script = readFileSync(join(folder, 'slurm', '005-finetuning.sh'), 'utf8');
    expect(script).toMatch(/^exec \S*node \S+ecg-transplant\.mjs reproduce .*--engine slurm --run-task "\$task"$/m);
    expect(readFileSync(join(folder, 'slurm', '005-finetuning.tasks'), 'utf8')).toBe(
      'finetuning-physionet-beat-trial-1\nfinetuning-physionet-beat-trial-2\n',
    );
  });

  it('the second time, submits only what is neither done nor in the queue, and the report anew', async () => {
    await submit();
    submitted();
    const tasks = planTasks(run);
    const files = new SlurmFiles(run.folder);
    const record = { format: 1, job: '1_0', host: 'n', state: 'failed', progress: 'x', starts: 3, log: 'l' } as const;
    for (const { id } of tasks) files.writeRecord(id, record);
    finish(tasks.find(({ id }) => id === 'check')!);
    queueAll(['check', 'finetuning-physionet-beat-trial-2', 'checks-finetuning-physionet-beat']);
    const { arrays, queued } = await submit();
    expect(arrays.map((array) => array.tasks.map(({ id }) => id))).toEqual([
      ['finetuning-physionet-beat-trial-2'],
      ['checks-finetuning-physionet-beat'],
      ['finish'],
    ]);
    expect(queued).toBe(tasks.length - 4);
    // A task that was given up begins to count its starts anew.
    expect(files.record('finetuning-physionet-beat-trial-2')).toBeUndefined();
    expect(files.record('finetuning-physionet-beat-trial-1')).toEqual(record);
    const calls = slurm.takeCalls();
    expect(calls[0]).toEqual(['scancel', '112_0']);
    const [first, second] = calls.slice(1).map((words) => words.find((word) => word.startsWith('--dependency=')));
    expect(first).toBe('--dependency=afterok:103_0:104_0');
    // The port's first trial and the original's are in the queue; the port's second is new.
    expect(second).toBe('--dependency=afterok:102_2:105_0:107_0:107_1:113');
  });

  it('says how much is submitted if Slurm takes no more, and goes on with the rest', async () => {
    slurm.room = 3;
    await expect(submit()).rejects.toThrow(
      /3 of 12 arrays are submitted: sbatch refused; got AssocMaxSubmitJobLimit; Batch job submission failed: .*They run\. Once there is room, type the same command again for the others: npm run reproduce --/,
    );
    expect(readdirSync(join(folder, 'slurm')).filter((name) => name.endsWith('.json'))).toHaveLength(3);
    slurm.room = undefined;
    queueAll();
    expect((await submit()).arrays).toHaveLength(9);
  });

  it('submits nothing if Slurm does not accept the options', async () => {
    slurm.refusal = 'invalid partition specified: nope';
    await expect(submit({ gpu: ['--partition=nope'] })).rejects.toThrow(
      /--slurm-args="--partition=nope": Slurm does not accept a job with these options; got invalid partition specified: nope\. See/,
    );
    expect(existsSync(join(folder, 'slurm'))).toBe(false);
  });

  it('does not mix tasks of other options with those in the queue', async () => {
    await submit();
    queueAll();
    run = { ...run, seed: 7 };
    await expect(submit()).rejects.toThrow(
      /check|tasks of this run with other options are still in the queue; .*|cancel them first: npm run reproduce -- --cancel/,
    );
    run = { ...run, seed: 2021 };
    await expect(submit({ selection: { force: true } })).rejects.toThrow(/tasks of this run are still in the queue/);
  });

  it('warns of jobs of the original that do not fit into the time limit, and submits them', async () => {
    const { arrays } = await submit({ gpu: ['--time=0:10'] });
    const calls = submitted();
    expect(messages.filter(({ kind }) => kind === 'warning')).toMatchObject([
      {
        text: expect.stringMatching(
          /^original-pretraining-beat and 2 more: about 19 s on two cores, but --time is 10 s\./,
        ),
      },
    ]);
    expect(arrays.some(({ kind }) => kind === 'original-pretraining')).toBe(true);
    expect(calls.get('finetuning-5')).toContain('--signal=B:USR1@3');
  });

  it('respects the size of arrays and the number of trainings at a time', async () => {
    slurm.size = 2;
    run = { ...run, trials: 3 };
    await submit({ maxParallel: 2 });
    const arrays = [...submitted().values()].map((words) => words.find((word) => word.startsWith('--array='))!);
    expect(arrays).toContain('--array=0-1%2');
    expect(arrays.every((word) => /^--array=0-[01](%2)?$/.test(word))).toBe(true);
  });
});

describe('statusOf and cancelRun', () => {
  it('tell what is done, running, pending and why, failed and missing', async () => {
    expect((await statusOf(run, slurm)).tasks.every(({ state }) => state === 'missing')).toBe(true);
    await submit();
    const tasks = planTasks(run);
    finish(tasks.find(({ id }) => id === 'check')!);
    const files = new SlurmFiles(run.folder);
    const record = { format: 1, job: '105_0', host: 'node7', progress: 'x', starts: 1, log: 'l' } as const;
    files.writeRecord('data-patients', { ...record, state: 'failed', reason: 'the disk is full\nLog: l' });
    files.writeRecord('data-suites', { ...record, state: 'running' });
    files.writeRecord('pretraining-beat', { ...record, state: 'paused', reason: 'Slurm ended it (SIGTERM)' });
    const [one] = files.submissions().filter(({ kind }) => kind === 'finetuning');
    slurm.setQueue(
      `105|0|RUNNING|None|1:30:00|node7|${files.jobName(one)}\n105|1|PENDING|Priority|0:00||${files.jobName(one)}\n`,
    );
    const status = await statusOf(run, slurm);
    const text = formatStatus({ ...run, command: 'npm run reproduce -- --other' }, status);
    // Typed without the options of the submission, it still names the command that submits again.
    expect(text).toMatch(/^Submit what is failed or missing: npm run reproduce --$/m);
    expect(text).toMatch(/^running {2}finetuning-physionet-beat-trial-1: epoch 1 of 1, 1\.5 h on node7, job 105_0$/m);
    expect(text).toMatch(/^pending {2}1 finetuning: Priority: waits for its turn \(job 105\)$/m);
    expect(text).toMatch(/^failed {3}data-patients: the disk is full\n +log: .*002-data-0\.log$/m);
    expect(text).toMatch(/^failed {3}data-suites: its process ended without a word on node7/m);
    expect(text).toMatch(
      /^missing {2}1 pretraining: paused: Slurm ended it \(SIGTERM\); the next submission goes on$/m,
    );
    expect(text).toMatch(/^missing {2}2 original-finetuning: not started: cancelled, or a task that it needs failed$/m);
    expect(text).toContain('22 tasks: 1 done, 1 running, 1 pending, 2 failed, 17 missing');
  });

  it('cancels the jobs of this run alone', async () => {
    expect(await cancelRun(run, slurm)).toBe(0);
    await submit();
    const files = new SlurmFiles(run.folder);
    slurm.takeCalls();
    slurm.setQueue(`101|0|RUNNING|None|0:10|n|${files.prefix}check-1\n7|0|RUNNING|None|0:10|n|ecg-other-check-1\n`);
    expect(await cancelRun(run, slurm)).toBe(1);
    expect(slurm.takeCalls()).toEqual([['scancel', '101_0']]);
  });
});

describe('formatPlan', () => {
  it('shows the arrays, what they wait for and the longest chain, without Slurm', () => {
    const text = formatPlan(run, 8);
    expect(text).toMatch(/^\| +1 \| check +\| +1 \| --slurm-args-cpu \| +6 s \| +\|$/m);
    expect(text).toMatch(/^\d+ tasks in \d+ arrays\. Work: .* on two cores, .* of it trainings\.$/m);
    expect(text).toMatch(/^Longest chain: .* \(check → .* → finish\)\.$/m);
    expect(text).toMatch(/^With 8 trainings at a time: /m);
  });
});
