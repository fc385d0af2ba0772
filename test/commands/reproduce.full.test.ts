import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../src/compare/report/index.ts';
import { verdictOf } from '../../src/compare/report/verdict.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { runCommand } from './job_process.ts';
import { resultsOf } from './run_results.ts';

/** Another profile makes the campaign shorter: ECG_TEST_PROFILE=smallest. */
const profile = process.env.ECG_TEST_PROFILE ?? 'quick';
const kills = 10;
const minutes = 60_000;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-reproduce-full-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const command = (name: string): string[] => ['reproduce', '--profile', profile, '--job-dir', join(folder, name)];

describe('a reproduction that is killed', () => {
  beforeAll(async () => {
    const whole = await runCommand(command('whole'));
    expect(whole.code, whole.output).toBe(0);
  }, 30 * minutes);

  it(`at ${kills} random moments has the verdict and the bits of one that is not`, {
    timeout: 60 * minutes,
  }, async () => {
    const random = new RandomState(2021);
    const steps = Number((await runCommand([...command('killed'), '--list'])).output.split('\n').length - 2);
    const moments = Array.from({ length: kills }, () => random.randint(steps) + 1).sort((a, b) => a - b);
    let struck = 0;
    for (const moment of moments) {
      const after = Math.floor(random.randomSample() * 4000);
      const { signal } = await runCommand(command('killed'), { signal: 'SIGKILL', line: `[${moment}/`, after });
      if (signal === 'SIGKILL') struck++;
    }
    const last = await runCommand(command('killed'));
    expect(last.code, last.output).toBe(0);
    // A moment in a step that an earlier run got past does not come again.
    expect(struck).toBeGreaterThanOrEqual(kills / 2);

    const [whole, killed] = ['whole', 'killed'].map((run) => resultsOf(join(folder, run)));
    expect(whole.size).toBeGreaterThan(10);
    expect([...killed.keys()]).toEqual([...whole.keys()]);
    const differing = [...whole.keys()].filter((name) => killed.get(name) !== whole.get(name));
    expect(differing).toEqual([]);

    const [a, b] = ['whole', 'killed'].map((run) => readReport(join(folder, run, 'report.json')).findings);
    expect(verdictOf(b)).toEqual(verdictOf(a));
    expect(b.rows).toEqual(a.rows);
  });
});
