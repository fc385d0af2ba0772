import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/events.ts';
import { experiments } from '../../../src/experiments.ts';
import { JobPaused } from '../../../src/jobs/job.ts';
import { FolderBusy } from '../../../src/lib/lock.ts';
import type { RunSettings } from '../../../src/reproduce/settings.ts';
import { SlurmFiles } from '../../../src/reproduce/slurm/files.ts';
import { workUnderSlurm } from '../../../src/reproduce/slurm/work.ts';
import { StepMarks } from '../../../src/reproduce/step.ts';
import { planTasks, type Task } from '../../../src/reproduce/tasks.ts';
import { FakeSlurm } from '../../slurm/fake_slurm.ts';
import { settingsIn } from '../run_settings.ts';

let slurm: FakeSlurm;
let run: RunSettings;
let files: SlurmFiles;
let tasks: Task[];
const messages: string[] = [];
const trial = 'finetuning-physionet-beat-trial-1';
const original = `original-${trial}`;

beforeEach(() => {
  messages.length = 0;
  slurm = new FakeSlurm();
  const folder = mkdtempSync(join(tmpdir(), 'ecg-slurm-work-'));
  run = settingsIn(folder, { experiment: experiments.smallest, sides: ['port', 'original'] });
  files = new SlurmFiles(run.folder);
  tasks = planTasks(run);
  files.make();
  for (const [i, id] of [trial, original].entries()) {
    const submission = {
      format: 1,
      number: i + 1,
      kind: 'finetuning',
      tasks: [id],
      keys: [],
      written: '',
      command: '',
    } as const;
    files.write(submission, () => '');
  }
});
afterEach(() => rmSync(run.folder.root, { recursive: true }));

const named = (id: string): Task => tasks.find((task) => task.id === id)!;

/** Works on a task as a job of Slurm does; `signal` arrives at its start. */
async function work(
  id: string,
  { signal, run: body }: { signal?: string; run?: () => Promise<number> },
): Promise<number> {
  const submission = files.submissions().find((one) => one.tasks.includes(id))!;
  const controller = new AbortController();
  if (signal !== undefined) controller.abort(signal);
  return workUnderSlurm(run, named(id), {
    client: slurm,
    report: (event: ProgressEvent) => 'text' in event && messages.push(event.text),
    signal: controller.signal,
    env: {
      SLURM_ARRAY_JOB_ID: '105',
      SLURM_ARRAY_TASK_ID: String(submission.tasks.indexOf(id)),
      SLURM_JOB_NAME: files.jobName(submission),
    },
    every: 10,
    run: body ?? (async () => Promise.reject(new JobPaused())),
  });
}

describe('workUnderSlurm', () => {
  it('returns the exit code of the work and notes that it is done', async () => {
    expect(await work(trial, { run: async () => 1 })).toBe(1);
    expect(files.record(trial)).toMatchObject({ state: 'done', job: '105_0', starts: 1 });
    expect(slurm.takeCalls()).toEqual([]);
  });

  it('goes back into the queue at the time limit: its own element of the array', async () => {
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(75);
    expect(slurm.takeCalls()).toEqual([['requeue', '105_0']]);
    expect(files.record(trial)).toMatchObject({ state: 'paused', reason: 'the time limit' });
  });

  it('does not go back after SIGTERM: Slurm cancels it, or starts it again itself', async () => {
    expect(await work(trial, { signal: 'SIGTERM' })).toBe(75);
    expect(slurm.takeCalls()).toEqual([]);
    expect(files.record(trial)).toMatchObject({ state: 'paused', reason: 'Slurm ended it (SIGTERM)' });
  });

  it('is given up after two restarts without progress', async () => {
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(75);
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(75);
    slurm.takeCalls();
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(2);
    expect(slurm.takeCalls()).toEqual([]);
    expect(files.record(trial)).toMatchObject({
      state: 'failed',
      reason: '2 restarts without progress (step 1 of 2, epoch 1, batch 0): give it more --time',
    });
    // Whatever starts it again, such as a node that fails every time: it does not begin.
    expect(await work(trial, { run: async () => expect.unreachable() })).toBe(2);
  });

  it('counts anew after progress', async () => {
    await work(trial, { signal: 'SIGUSR1' });
    await work(trial, { signal: 'SIGUSR1' });
    const [first] = named(trial).steps;
    new StepMarks(run.folder.steps).finish({ ...first, outputs: [] }, 1);
    for (const output of first.outputs) mkdirSync(output, { recursive: true });
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(75);
    expect(files.record(trial)).toMatchObject({ starts: 1 });
  });

  it('fails at the time limit if it has to be done in one go', async () => {
    expect(await work(original, { signal: 'SIGUSR1' })).toBe(2);
    expect(slurm.takeCalls()).toEqual([]);
    expect(messages.at(-1)).toMatch(/reached the time limit, and has to be done in one go: give it more --time/);
  });

  it('without scontrol, keeps its state for the next submission and says so', async () => {
    slurm.requeues = false;
    expect(await work(trial, { signal: 'SIGUSR1' })).toBe(75);
    expect(messages.at(-1)).toMatch(/there is no scontrol here.*submit the run again, and the task goes on/);
    expect(files.record(trial)).toMatchObject({ state: 'paused' });
  });

  it('waits for another process that still works on the task', async () => {
    let tries = 0;
    const code = await work(trial, {
      run: async () => {
        if (tries++ === 0) throw new FolderBusy('another process works in this run folder', { next: 'Wait for it' });
        return 0;
      },
    });
    expect([code, tries]).toEqual([0, 2]);
    expect(messages).toEqual(['another process works in this run folder. Waiting for it.']);
  });

  it('notes why it failed', async () => {
    const failure = work(trial, { run: () => Promise.reject(new Error('the disk is full')) });
    await expect(failure).rejects.toThrow('the disk is full');
    expect(files.record(trial)).toMatchObject({ state: 'failed', reason: 'the disk is full' });
  });

  it('is not for other scripts', async () => {
    const context = {
      client: slurm,
      report: () => {},
      signal: new AbortController().signal,
      env: {},
      run: async () => 0,
    };
    await expect(workUnderSlurm(run, named(trial), context)).rejects.toThrow(/leave out --engine slurm/);
  });
});
