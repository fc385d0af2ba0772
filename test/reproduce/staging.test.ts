import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../src/events.ts';
import { Job, JobPaused } from '../../src/jobs/job.ts';
import { StagedInputs, stageFolder } from '../../src/reproduce/staging.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-stage-'));
  writeFileSync(join(folder, 'train.pkl'), 'records');
  mkdirSync(join(folder, 'elsewhere', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'elsewhere', 'deep', '00001_batched_lbls.npz'), 'labels');
  mkdirSync(join(folder, 'patients'));
  writeFileSync(join(folder, 'patients', '00000_batched.pkl'), 'signals');
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'patients', 'p01'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const watch = (signal = new AbortController().signal) => ({ report: silent, signal });
const disk = (): string => join(folder, 'node', 'disk');

describe('stageFolder', () => {
  it('replaces environment variables by their values on this machine', () => {
    expect(stageFolder('$TMPDIR', { TMPDIR: '/fast' })).toBe('/fast');
    expect(stageFolder(`/scratch/$USER/\${JOB}_x`, { USER: 'me', JOB: '7' })).toBe('/scratch/me/7_x');
    expect(stageFolder('/data/a b', {})).toBe('/data/a b');
  });

  it.each([{}, { TMPDIR: '' }])('refuses a variable that is not set: %o', (env) => {
    expect(() => stageFolder('$TMPDIR/x', env)).toThrow(
      '--stage: the environment variable TMPDIR is not set on this machine',
    );
  });
});

describe('StagedInputs', () => {
  it('gives a job copies of its files and folders, with what links lead to, and removes them', async () => {
    const staged = new StagedInputs(disk());
    const options = { jobDir: join(folder, 'job'), train: join(folder, 'patients'), val: join(folder, 'train.pkl') };
    const copied = await staged.of(options, watch());
    expect(copied.jobDir).toBe(options.jobDir);
    expect(copied.train.startsWith(disk())).toBe(true);
    expect(readFileSync(join(copied.train, '00000_batched.pkl'), 'utf8')).toBe('signals');
    expect(readFileSync(join(copied.train, 'p01', 'deep', '00001_batched_lbls.npz'), 'utf8')).toBe('labels');
    expect(readFileSync(copied.val, 'utf8')).toBe('records');
    expect(copied.originals).toEqual({ [copied.train]: options.train, [copied.val]: options.val });
    expect(await staged.of(options, watch())).toEqual(copied);
    staged.remove();
    expect(readdirSync(disk())).toEqual([]);
    expect(readFileSync(options.val, 'utf8')).toBe('records');
  });

  it('stops between two files when the task is paused', async () => {
    const staged = new StagedInputs(disk());
    const options = { jobDir: join(folder, 'job'), train: join(folder, 'patients') };
    await expect(staged.of(options, watch(AbortSignal.abort()))).rejects.toThrow(JobPaused);
    staged.remove();
    expect(readdirSync(disk())).toEqual([]);
  });

  it('says that nothing can be written, and leaves nothing', async () => {
    const staged = new StagedInputs(join(folder, 'train.pkl'));
    await expect(staged.path(join(folder, 'patients'), watch())).rejects.toThrow(
      '--stage: nothing can be written into the folder',
    );
    staged.remove();
    expect(readFileSync(join(folder, 'train.pkl'), 'utf8')).toBe('records');
  });

  it('a job describes itself by the originals, so that it goes on without or with other copies', async () => {
    const options = { jobDir: join(folder, 'job'), train: join(folder, 'train.pkl'), epochs: 1, seed: 1 };
    for (const resume of [false, true]) {
      const staged = new StagedInputs(disk());
      const job = Job.open('finetune', { ...(await staged.of(options, watch())), resume }, silent);
      job.begin(() => [], silent);
      await job.run(async () => {});
      staged.remove();
      const config = JSON.parse(readFileSync(join(options.jobDir, 'config.json'), 'utf8'));
      expect(config.options.train).toBe(options.train);
      expect(Object.keys(config.inputs)).toEqual([options.train]);
      expect(config.options).not.toHaveProperty('originals');
    }
    expect(existsSync(join(options.jobDir, 'job.lock'))).toBe(false);
  });
});
