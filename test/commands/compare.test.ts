import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../shared_data.ts';

const bin = join(root, 'bin', 'ecg-transplant.mjs');
const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-compare-command-'));
const env = { ...process.env, CI: 'true' };

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | string | undefined;
  readonly output: string;
}

function compare(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, 'compare', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? undefined) : 0, output: stdout + stderr }),
    );
  });
}

describe('compare, before anything runs', () => {
  it.each([
    [['--suite', 'gradient'], /gradient;.*expected sampling, preprocessing/],
    [['--keras', '4'], /got 4; expected 3 or legacy/],
    [['--trials', '0'], /--trials.*got 0/],
    [['--data', tmpdir()], /no collection of recordings/],
    [['--suite', 'metrics', '--arch', 'resnet18'], /no case matches this choice.*--list/],
    [['--original', tmpdir(), '--suite', 'metrics'], /could not run:.*transplant/],
  ])('%j says what is wrong and ends with 2', async (args, message) => {
    const { code, output } = await compare(...args, '--job-dir', join(folder, 'none'));
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });

  it('ends with 2, at once, if Python ends at once', async () => {
    const begun = performance.now();
    const args = [bin, 'compare', '--suite', 'metrics', '--case', 'hard inputs', '--job-dir', join(folder, 'none')];
    const { code, output } = await new Promise<Ended>((resolve) => {
      execFile(process.execPath, args, { env: { ...env, ECG_PYTHON: '/bin/false' } }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? undefined) : 0, output: stdout + stderr }),
      );
    });
    expect(output).toMatch(/could not run: \/bin\/false: Python ended \(exit code 1\)/);
    expect(code).toBe(2);
    // Pythonia would have waited for 100 s.
    expect(performance.now() - begun).toBeLessThan(60_000);
  }, 120_000);

  it('lists the cases of a choice', async () => {
    const { code, output } = await compare('--list', '--suite', 'metrics,files');
    expect(code).toBe(0);
    expect(output).toMatch(/\| metrics +\| hard inputs/);
    expect(output).not.toMatch(/\| sampling/);
  });
});

describe('compare with the Python original', () => {
  const jobDir = join(folder, 'job');
  let ended: Ended;

  beforeAll(async () => {
    ended = await compare('--suite', 'metrics', '--case', 'hard inputs', '--job-dir', jobDir);
  }, 300_000);

  it('ends with 0 and names what stood on the other side', () => {
    expect(ended.output).toMatch(/Against our reimplementation in original\/ .*: PASSED: \d+ rows; [\d,]+ values/);
    expect(ended.code).toBe(0);
  });

  it('leaves the report in four forms, and how long each case took', () => {
    const reports = ['junit.xml', 'report.html', 'report.json', 'report.md'];
    expect(readdirSync(jobDir).sort()).toEqual([...reports, 'seconds.json']);
    const { seconds } = JSON.parse(readFileSync(join(jobDir, 'seconds.json'), 'utf8'));
    expect(seconds).toEqual({ 'metrics: hard inputs': expect.any(Number) });
  });

  it('makes the report anew from its JSON, with the exit code of what it says', async () => {
    const file = join(jobDir, 'report.json');
    const again = join(folder, 'again');
    expect((await compare('--report', file, '--job-dir', again)).code).toBe(0);
    expect(readFileSync(join(again, 'report.html'))).toEqual(readFileSync(join(jobDir, 'report.html')));

    const failing = join(folder, 'failing.json');
    writeFileSync(failing, readFileSync(file, 'utf8').replace('"passed": true', '"passed": false'));
    expect((await compare('--report', failing, '--job-dir', join(folder, 'failing'))).code).not.toBe(0);
  }, 60_000);
});
