/** docs/export.md: its commands and its program in Python, in its order, on a job of two leads. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { Predictor } from '../../src/predict/predict.ts';
import { shownCommands } from '../docs/documents.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { python, root } from '../shared_data.ts';
import { writeJob } from './job.ts';

const folder = temporaryFolder();
const before = process.cwd();
const shown = shownCommands().filter(({ file }) => file === 'docs/export.md');
const classes = ['normal', 'AF', 'other'];
let expected: number[];

/** Runs a program in the folder; resolves to what it prints. */
async function printed(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' };
  return (await promisify(execFile)(program, args, { cwd: folder, env })).stdout;
}

beforeAll(async () => {
  await writeJob(join(folder, 'jobs', 'af'), { samples: 250, classes });
  const rows = Array.from({ length: 200 }, (_, t) => `${Math.sin(t / 7).toFixed(4)},${Math.cos(t / 11).toFixed(4)}`);
  writeFileSync(join(folder, 'recording.csv'), `L1,L2\n${rows.join('\n')}\n`);
  const predictor = Predictor.open(join(folder, 'jobs', 'af'));
  const recording = join(folder, 'recording.csv');
  expected = [...((await predictor.predictRecords([recording], { recordFs: 125 })).probabilities.data as Float32Array)];
  predictor.dispose();
  process.chdir(folder);
  const quiet = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  for (const { words } of shown.filter(({ words }) => words[0] === 'npx')) {
    expect([words.join(' '), await main(words.slice(2))]).toEqual([words.join(' '), 0]);
  }
  quiet.mockRestore();
}, 180_000);

afterAll(() => process.chdir(before));

test('the example for Node prints the probabilities of predict, and marks the largest', async () => {
  const { words } = shown.find(({ words }) => words[1]?.startsWith('examples/'))!;
  const output = await printed(process.execPath, [join(root, words[1]), ...words.slice(2)]);
  const lines = output
    .split('\n')
    .slice(0, 3)
    .map((line) => line.split('\t'));
  expect(lines.map(([name]) => name)).toEqual(classes);
  for (const [i, [, value, mark]] of lines.entries()) {
    expect(Math.abs(Number(value) - expected[i])).toBeLessThan(1e-5);
    expect(mark).toBe(expected[i] === Math.max(...expected) ? '<-' : undefined);
  }
  expect(output).toContain('From 200 samples, mV at 125 Hz.');
}, 180_000);

test('the program for Python prints them too', async () => {
  const [, code] = /```python\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', 'export.md'), 'utf8'))!;
  const output = await printed(python, ['-c', code]);
  const values: Record<string, number> = JSON.parse(output.trim().replaceAll("'", '"'));
  expect(Object.keys(values)).toEqual(classes);
  for (const [i, value] of Object.values(values).entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
}, 180_000);
