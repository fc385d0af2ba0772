import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../../src/compare/report/index.ts';
import { verdictOf } from '../../../src/compare/report/verdict.ts';
import { runCommand } from '../../commands/job_process.ts';
import { resultsOf } from '../../commands/run_results.ts';

const minutes = 60_000;

/** As in `runCommand`: the number of threads decides the last bits. */
const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', CI: '1' };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg make full '));
});
afterAll(() => rmSync(folder, { recursive: true }));

const command = (name: string): string[] => ['reproduce', '--profile', 'smallest', '--job-dir', join(folder, name)];

function make(): { status: number | null; stdout: string; stderr: string } {
  const file = join(folder, 'made', 'Makefile');
  return spawnSync('make', ['-j2', '-f', file], { cwd: '/', env, encoding: 'utf8', maxBuffer: 2 ** 28 });
}

describe('make -j2 with the Makefile of --emit make', () => {
  beforeAll(async () => {
    const whole = await runCommand(command('whole'));
    expect(whole.code, whole.output).toBe(0);
    const emitted = await runCommand([...command('made'), '--emit', 'make']);
    expect(emitted.code, emitted.output).toBe(0);
  }, 30 * minutes);

  it('pauses at Ctrl-C, goes on, and ends with the bits and the verdict of the ordinary run', {
    timeout: 60 * minutes,
  }, async () => {
    const made = join(folder, 'made');
    const child = spawn('make', ['-j2', '-f', join(made, 'Makefile')], {
      cwd: '/',
      env,
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const begun = join(made, 'port', 'pretraining', 'beat', 'config.json');
    while (!existsSync(begun) && child.exitCode === null) await setTimeout(200);
    expect(existsSync(begun)).toBe(true);
    process.kill(-child.pid!, 'SIGINT');
    expect(await ended).not.toBe(0);

    const rest = make();
    expect(rest.status, rest.stderr).toBe(0);
    expect(rest.stdout).toContain('check: nothing to do, it is done already');
    expect(rest.stdout).toContain('PASSED');

    const [ordinary, tasks] = ['whole', 'made'].map((run) => resultsOf(join(folder, run)));
    expect(ordinary.size).toBeGreaterThan(10);
    expect([...tasks.keys()]).toEqual([...ordinary.keys()]);
    expect([...ordinary.keys()].filter((name) => tasks.get(name) !== ordinary.get(name))).toEqual([]);
    const [a, b] = ['whole', 'made'].map((run) => readReport(join(folder, run, 'report.json')).findings);
    expect(verdictOf(b)).toEqual(verdictOf(a));
    expect(b.rows).toEqual(a.rows);

    const again = await runCommand([...command('made'), '--emit', 'make']);
    expect(again.output).toContain('Everything is done, so there are no tasks.');
  });
});
