/** docs/publishing.md: its commands in its order, from recordings that are generated to predictions by address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { callInProcess } from '../commands/in_process.ts';
import { shownCommands } from '../docs/documents.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { python } from '../shared_data.ts';

// The backbone is cut to its first stage, which the command line cannot: the files are small, the jobs short.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const before = process.cwd();
const shown = shownCommands()
  .filter(({ file, words }) => file === 'docs/publishing.md' && /^(npx|python3)$/.test(words[0]))
  .map(({ words }) => words);
let server: ChildProcess | undefined;

/** What the test changes: it has less time than a reader, and no server on the web. */
const shorter: Readonly<Record<string, readonly string[]>> = {
  'prepare-data': ['--pad', '512'],
  finetune: ['--epochs', '1'],
  evaluate: ['--resamples', '50'],
};

beforeAll(() => {
  vi.stubEnv('XDG_CACHE_HOME', at('cache'));
  process.chdir(folder);
  mkdirSync('my-ecgs');
  const random = new RandomState(1);
  const rows = Array.from({ length: 12 }, (_, i) => {
    const name = String(i + 1).padStart(4, '0');
    const signal = Float64Array.from(
      { length: 1080 },
      (_, t) => Math.sin((t * (1 + (i % 2))) / 9) + 0.1 * random.randomSample(),
    );
    if (i % 3 === 0) {
      writeFileSync(at('my-ecgs', `${name}.csv`), `I\n${[...signal].map((v) => v.toFixed(4)).join('\n')}\n`);
    } else {
      writeFileSync(at('my-ecgs', `${name}.hea`), `${name} 1 360 1080\n${name}.dat 16 200/mV 16 0 0 0 0 I\n`);
      writeFileSync(at('my-ecgs', `${name}.dat`), new Uint8Array(Int16Array.from(signal, (v) => v * 200).buffer));
    }
    return `${name},${i % 2 ? 'AF' : 'N'},patient-${i}`;
  });
  writeFileSync(at('my-ecgs', 'labels.csv'), `record,labels,patient\n${rows.join('\n')}\n`);
});

afterAll(() => {
  process.chdir(before);
  vi.unstubAllEnvs();
  server?.kill();
});

/** Starts the server that the document shows, on a free port; resolves to its address. */
function serve(words: readonly string[]): Promise<string> {
  const args = words.slice(1).map((word) => (word === '8000' ? '0' : word));
  server = spawn(python, ['-u', ...args], { cwd: folder });
  return new Promise((resolve, reject) => {
    server!.on('error', reject);
    server!.stdout!.on('data', (text: Buffer) => {
      const [, port] = /port (\d+)/.exec(text.toString()) ?? [];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
  });
}

it('every command works, and the model by its address predicts what the job predicts', async () => {
  const names = shown.map(([program, , name]) => (program === 'npx' ? name : 'server'));
  expect(names).toEqual([
    ...['prepare-data', 'finetune', 'evaluate', 'export', 'publish', 'predict', 'server', 'predict', 'finetune'],
  ]);
  // The web comes last in the test: first its stand-in must run.
  const [web, local] = [shown[5], shown[7]];
  const run = async (words: readonly string[], address = ''): Promise<string> => {
    const given = words
      .slice(2)
      .map((word) => word.replace(/^(https:\/\/example\.org\/mine-model|http:\/\/127\.0\.0\.1:8000)/, address));
    const { code, output } = await callInProcess([...given, ...(shorter[words[2]] ?? [])]);
    expect([words.join(' '), code, output]).toEqual([words.join(' '), 0, expect.any(String)]);
    return output;
  };
  for (const words of shown.slice(0, 5)) await run(words);
  for (const file of ['mine.html', 'mine.onnx', join('mine-model', 'README.md')])
    expect(existsSync(at(file))).toBe(true);
  expect(readFileSync(at('mine-model', 'README.md'), 'utf8')).toMatch(/^license: "cc-by-4\.0"$/m);
  for (const name of ['README.md', 'model.json', 'preprocessing.json', 'best_model.weights.h5', 'model.safetensors']) {
    const bytes = readFileSync(at('mine-model', name));
    expect(['patient-', '0001', 'my-ecgs', 'mine_train', folder].filter((text) => bytes.includes(text))).toEqual([]);
  }
  const address = await serve(shown[6]);
  const table = (output: string): string => output.slice(output.indexOf('record_name'));
  const ofJob = await callInProcess(['predict', '--job-dir', 'jobs/mine', ...web.slice(5)]);
  expect(ofJob.output).toMatch(/^record_name,prob_AF,prob_N\S*\n\S*0001/m);
  expect(table(await run(local, address))).toBe(table(ofJob.output));
  server!.kill();
  // The network is gone, the cache is there.
  expect(table(await run(web, address))).toBe(table(ofJob.output));
}, 120_000);

it('its weights start another training', async () => {
  const address = await serve(shown[6]);
  const { code } = await callInProcess([
    ...shown[8].slice(2).map((word) => word.replace('http://127.0.0.1:8000', address)),
    ...['--epochs', '1', '--batch-size', '8'],
  ]);
  expect(code).toBe(0);
  const { options } = JSON.parse(readFileSync(at('jobs', 'next', 'config.json'), 'utf8'));
  expect(options.weightsFile).toBe(`${address}/best_model.weights.h5`);
}, 120_000);
