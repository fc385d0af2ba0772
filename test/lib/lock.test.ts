import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { lockFolder } from '../../src/lib/lock.ts';
import { deadProcess, expectOneOf, killAll, start, writeLock } from './contenders.ts';

const base = mkdtempSync(join(tmpdir(), 'lock-'));
afterAll(() => rmSync(base, { recursive: true }));

let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(base, String(count++));
  mkdirSync(folder);
});
const lockFile = () => join(folder, 'job.lock');

afterEach(killAll);

describe('lockFolder', () => {
  it('lets exactly one of the processes in that start at once, also over the lock of one that was killed', async () => {
    await expectOneOf(10, 12);
  }, 60_000);

  it('says who holds it, where and since when, and how to end that', async () => {
    const holder = await start();
    expect(await holder.ask(folder)).toBe('in');
    const { pid } = holder.process;
    expect(() => lockFolder(folder, { work: 'prepares this set' })).toThrow(
      new RegExp(`^${folder}: another process prepares this set; got process ${pid} on \\S+, since 20.*: kill ${pid}$`),
    );
    await holder.kill();
    lockFolder(folder)();
  });

  it('a process does not get a folder twice', () => {
    const unlock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(InputError);
    unlock();
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes over from a process whose number another one has now', () => {
    writeLock(lockFile(), { pid: process.pid, started: '1' });
    lockFolder(folder)();
  });

  it('a lock without start and machine, as earlier versions wrote it, counts while the process of that number runs', () => {
    writeLock(lockFile(), { pid: process.ppid, started: undefined, boot: undefined, space: undefined });
    expect(() => lockFolder(folder)).toThrow(`process ${process.ppid}`);
    writeLock(lockFile(), { pid: deadProcess(), started: undefined, boot: undefined, space: undefined });
    lockFolder(folder)();
  });

  it('the lock of another machine counts until there was no sign of life for five minutes', () => {
    const other = { pid: deadProcess(), host: 'node7', boot: 'another' };
    writeLock(lockFile(), other);
    expect(() => lockFolder(folder)).toThrow(
      new RegExp(`process ${other.pid} on node7, since .*free 5 minutes later; sooner with: rm ${lockFile()}$`),
    );
    writeLock(lockFile(), other, 240);
    expect(() => lockFolder(folder)).toThrow(InputError);
    writeLock(lockFile(), other, 360);
    lockFolder(folder)();
  });

  describe('the lock of another machine on which Slurm started the job', () => {
    const path = process.env.PATH;
    /** Lays commands of Slurm into the path, which know one running and one ended job of the cluster "alps". */
    beforeEach(() => {
      const squeue = `case "$*" in *--jobs=7_1) [ -n "$SQUEUE_STATES" ] || echo RUNNING;; *--jobs=7_2) ;; *--jobs=7_4) echo 'error: Unable to contact slurm controller' >&2; exit 1;;
        *) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1;; esac`;
      for (const [name, text] of [
        ['squeue', squeue],
        ['scontrol', "echo 'ClusterName             = alps'"],
      ]) {
        mkdirSync(join(folder, 'bin'), { recursive: true });
        writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      }
      process.env.PATH = `${join(folder, 'bin')}:${path}`;
    });
    afterEach(() => {
      process.env.PATH = path;
    });

    const lockOf = (id: string, age: number, cluster = 'alps') =>
      writeLock(lockFile(), { pid: 9, host: 'node7', boot: 'another', slurm: { id, cluster } }, age);

    it.each([
      ['ended', '7_2'],
      ['is forgotten', '7_3'],
    ])('is free after a minute without a sign of life if the job has %s', (_, id) => {
      lockOf(id, 50);
      expect(() => lockFolder(folder)).toThrow(`process 9 on node7 (Slurm job ${id})`);
      lockOf(id, 70);
      lockFolder(folder)();
    });

    it.each([
      ['the job runs', '7_1', 'alps'],
      ['Slurm cannot tell', '7_4', 'alps'],
      ['it is the job of another cluster', '7_2', 'jura'],
    ])('counts for five minutes if %s', (_, id, cluster) => {
      lockOf(id, 290, cluster);
      expect(() => lockFolder(folder)).toThrow(InputError);
      lockOf(id, 310, cluster);
      lockFolder(folder)();
    });

    it('counts for five minutes if the job runs, also where squeue is told to show other states only', () => {
      vi.stubEnv('SQUEUE_STATES', 'PENDING');
      lockOf('7_1', 290);
      expect(() => lockFolder(folder)).toThrow(InputError);
      vi.unstubAllEnvs();
    });

    it('counts for five minutes where there is no Slurm', () => {
      process.env.PATH = join(folder, 'missing');
      lockOf('7_2', 290);
      expect(() => lockFolder(folder)).toThrow(InputError);
    });

    it('is free after a minute for the same job, which Slurm has started again elsewhere', async () => {
      const again = await start(
        'env',
        'SLURM_JOB_ID=8',
        'SLURM_ARRAY_JOB_ID=7',
        'SLURM_ARRAY_TASK_ID=1',
        'SLURM_CLUSTER_NAME=alps',
      );
      lockOf('7_1', 50);
      expect(await again.ask(folder)).toMatch(/process 9 on node7 \(Slurm job 7_1\)/);
      lockOf('7_1', 70);
      expect(await again.ask(folder)).toBe('in');
      expect(JSON.parse(readFileSync(lockFile(), 'utf8')).slurm).toEqual({ id: '7_1', cluster: 'alps' });
    });
  });

  it('a lock that cannot be read counts while it is young', () => {
    for (const text of ['', '{"pid": 1', '[]', 'x'.repeat(100_000)]) {
      writeFileSync(lockFile(), text);
      expect(() => lockFolder(folder)).toThrow('a lock that cannot be read');
      utimesSync(lockFile(), 1, 1);
      lockFolder(folder)();
    }
  });

  it('gives signs of life, also while the process is busy', async () => {
    const unlock = lockFolder(folder, { every: 20 });
    utimesSync(lockFile(), 1, 1);
    for (const end = Date.now() + 10_000; statSync(lockFile()).mtimeMs < 10_000 && Date.now() < end; );
    expect(statSync(lockFile()).mtimeMs).toBeGreaterThan(10_000);
    unlock();
  });

  it('a process whose lock was taken over meanwhile ends itself and leaves the lock of the other', async () => {
    const holder = await start();
    let errors = '';
    holder.process.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    expect(await holder.ask(folder)).toBe('in');
    rmSync(lockFile());
    await sleep(200);
    expect(holder.process.exitCode).toBeNull();
    const unlock = lockFolder(folder);
    if (holder.process.exitCode === null) await once(holder.process, 'exit');
    expect(holder.process.exitCode).toBe(1);
    expect(errors).toMatch(/job\.lock: another process has taken this folder/);
    expect(existsSync(lockFile())).toBe(true);
    unlock();
  });

  it.each(['link', 'dangling link', 'pipe', 'folder'])(
    'a %s in place of the lock is refused, and nothing is written through it',
    (kind) => {
      const target = join(folder, 'target');
      if (kind !== 'dangling link') writeFileSync(target, 'precious');
      if (kind === 'pipe') execFileSync('mkfifo', [lockFile()]);
      else if (kind === 'folder') mkdirSync(lockFile());
      else symlinkSync(target, lockFile());
      expect(() => lockFolder(folder)).toThrow(InputError);
      expect(() => lockFolder(folder)).toThrow(lockFile());
      expect(existsSync(target) ? readFileSync(target, 'utf8') : 'precious').toBe('precious');
      expect(existsSync(target)).toBe(kind !== 'dangling link');
    },
  );

  it('a folder that cannot be written to is named', () => {
    expect(() => lockFolder(join(folder, 'missing'))).toThrow(/missing: the folder cannot be locked; got ENOENT/);
  });

  const canUnshare = spawnSync('unshare', ['--uts', '--pid', '--fork', 'true']).status === 0;

  it.runIf(canUnshare)(
    'a process under another host name on the same machine is seen to live, and to be gone',
    async () => {
      const holder = await start('unshare', '--uts', 'sh', '-c', 'hostname node8; exec "$@"', 'sh');
      expect(await holder.ask(folder)).toBe('in');
      expect(() => lockFolder(folder)).toThrow(`process ${holder.process.pid} on node8`);
      await holder.kill();
      lockFolder(folder)();
    },
  );

  it.runIf(canUnshare)('a process in another container counts by its signs of life', async () => {
    const holder = await start(
      'unshare',
      '--uts',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      'hostname node9; exec "$@"',
      'sh',
    );
    expect(await holder.ask(folder)).toBe('in');
    expect(() => lockFolder(folder)).toThrow(/process 1 on node9/);
    const other = await start();
    expect(await other.ask(folder)).toMatch(/process 1 on node9/);
    utimesSync(lockFile(), 1, 1);
    for (const end = Date.now() + 10_000; statSync(lockFile()).mtimeMs < 10_000 && Date.now() < end; ) await sleep(20);
    expect(() => lockFolder(folder)).toThrow(/process 1 on node9/);
    await holder.kill();
    await sleep(300);
    expect(() => lockFolder(folder)).toThrow(/process 1 on node9/);
    utimesSync(lockFile(), 1, 1);
    lockFolder(folder)();
  });
});
