/** The page of docs/export.md, installed and served as shown there, in Chromium. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { exportJob } from '../../src/export/export.ts';
import { Predictor } from '../../src/predict/predict.ts';
import { shownCommands } from '../docs/documents.ts';
import { openBrowser } from '../page/browser.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { root } from '../shared_data.ts';
import { writeJob } from './job.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const shown = shownCommands().filter(({ file }) => file === 'docs/export.md');
const [install] = shown.filter(({ words }) => words.includes('examples/browser') && words[0] === 'npm');
const [serve] = shown.filter(({ words }) => words.includes('http.server'));

/** Starts the server on a free port; resolves to its address. */
async function served(): Promise<string> {
  const [program, ...args] = serve.words as [string, ...string[]];
  const server = spawn(program, ['-u', ...args.slice(0, -1), '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void server.kill());
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  return `http://127.0.0.1:${/port (\d+)/.exec(line)![1]}`;
}

test('the page shows the probabilities of predict, and asks no other server for anything', async (context) => {
  cpSync(join(root, 'examples', 'browser'), at('examples', 'browser'), {
    recursive: true,
    filter: (path) => !path.endsWith('node_modules'),
  });
  const npm = promisify(execFile)('npm', [...install.words.slice(1), '--prefer-offline'], { cwd: folder });
  const failure = await npm.then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failure !== undefined) return context.skip(`onnxruntime-web cannot be installed: ${failure}`);
  const browser = await openBrowser();
  if (typeof browser === 'string') return context.skip(browser);
  onTestFinished(() => browser.close());

  const classes = ['normal', 'AF', 'other'];
  const jobDir = await writeJob(at('job'), { samples: 250, classes });
  exportJob({ jobDir, format: 'onnx', output: at('af.onnx'), metadata: at('af.json') });
  const rows = Array.from({ length: 200 }, (_, t) => `${Math.sin(t / 7).toFixed(4)},${Math.cos(t / 11).toFixed(4)}`);
  writeFileSync(at('recording.csv'), `L1,L2\n${rows.join('\n')}\n`);
  writeFileSync(at('gap.csv'), `L1,L2\n${rows.join('\n')}\n,1\nx,1\n`);
  const predictor = Predictor.open(jobDir);
  const { probabilities } = await predictor.predictRecords([at('recording.csv')], { recordFs: 125 });
  predictor.dispose();
  const expected = [...(probabilities.data as Float32Array)];

  const address = await served();
  const page = await browser.newPage();
  const [requests, complaints]: [string[], string[]] = [[], []];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  const result = async (): Promise<string> => {
    await page.click('#predict');
    await expect.poll(() => page.textContent('#result'), { timeout: 60_000 }).not.toContain('Predicting');
    return (await page.textContent('#result'))!;
  };
  expect(await result()).toBe('Error: choose the three files first');
  await page.setInputFiles('#model', at('af.onnx'));
  await page.setInputFiles('#metadata', at('af.json'));
  await page.setInputFiles('#recording', at('recording.csv'));
  const lines = (await result()).split('\n').map((line) => line.split('\t'));
  expect(lines.map(([name]) => name)).toEqual(classes);
  for (const [i, [, value, mark]] of lines.entries()) {
    expect(Math.abs(Number(value) - expected[i])).toBeLessThan(1e-5);
    expect(mark).toBe(expected[i] === Math.max(...expected) ? '<-' : undefined);
  }
  await page.setInputFiles('#recording', at('gap.csv'));
  expect(await result()).toBe('Error: gap.csv has missing samples');
  expect(complaints).toEqual([]);
  // `blob:` addresses are the page's own.
  expect(requests.filter((url) => !url.startsWith(address) && !url.startsWith(`blob:${address}`))).toEqual([]);
}, 300_000);
