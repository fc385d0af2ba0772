/** Weights that are named by an address: finetune, pretrain's parts of it, adjust-network. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { buildNetwork } from '../../src/networks/network.ts';
import { writeWeights } from '../../src/weights/files.ts';
import { sha256, startServer, type TestServer } from '../fetch/server.ts';
import { temporaryFolder, writeSmallSet } from '../port/training_data.ts';
import { callInProcess } from './in_process.ts';

// The backbone is cut to its first stage: this is about files.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const before = process.cwd();
let server: TestServer;
let address: string;
let bytes: Buffer;

async function backbone(file: string, seed: number): Promise<Buffer> {
  const network = buildNetwork({});
  const random = new RandomState(seed);
  const weights = network.weights.map(({ path, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const data = Float32Array.from({ length: size }, () => 0.1 + 0.1 * random.randomSample());
    return { path, ...ndarray('float32', shape, data) };
  });
  await writeWeights(at(file), network, weights);
  return readFileSync(at(file));
}

beforeAll(async () => {
  vi.stubEnv('XDG_CACHE_HOME', at('cache'));
  server = await startServer();
  vi.stubEnv('HF_ENDPOINT', server.address);
  bytes = await backbone('resnet18.weights.h5', 1);
  address = `${server.address}resnet18.weights.h5`;
  server.publish('resnet18.weights.h5', bytes);
  server.publish('anna/ecg/resolve/v1/resnet18.weights.h5', bytes);
  await writeSmallSet(at('train.pkl'), { records: 24 });
  await writeSmallSet(at('train2.pkl'), { records: 24, leads: 2 });
  process.chdir(folder);
});

afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await server.close();
});

const finetune = (job: string, weights: string, ...more: string[]) =>
  callInProcess([
    ...['finetune', '--job-dir', at(job), '--train', at(more.includes('two') ? 'train2.pkl' : 'train.pkl')],
    ...['--weights-file', weights, '--seed', '1', '--init-seed', '2', ...more.filter((word) => word !== 'two')],
  ]);
const configOf = (job: string) => JSON.parse(readFileSync(at(job, 'config.json'), 'utf8'));

describe('finetune --weights-file ADDRESS', () => {
  it('trains as with the file, and the job says where the weights come from and what they are', async () => {
    expect(await finetune('file', at('resnet18.weights.h5'))).toMatchObject({ code: 0 });
    const { code, output } = await finetune('web', address);
    expect([code, output]).toEqual([0, expect.stringContaining(`${address}: SHA-256 ${sha256(bytes)}`)]);
    for (const name of ['history.csv', 'train_predictions.csv']) {
      expect(readFileSync(at('web', name), 'utf8')).toBe(readFileSync(at('file', name), 'utf8'));
    }
    const { options, inputs } = configOf('web');
    expect(options.weightsFile).toBe(address);
    expect(inputs[address]).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes) });
  });

  it('takes a file of a repository, from the cache if another address gave the same bytes with a checksum', async () => {
    const requests = server.requests.length;
    const named = 'hf://anna/ecg/resnet18.weights.h5@v1';
    const { code, output } = await finetune('hub', `${named}#sha256=${sha256(bytes)}`);
    expect([code, output]).toEqual([0, expect.stringContaining('from the cache')]);
    expect(server.requests.length).toBe(requests);
    expect(configOf('hub').options.weightsFile).toBe(named);
  });

  it('goes on with the bytes with which the job began, and refuses others', async () => {
    await finetune('going', address);
    const resume = (...more: string[]) => callInProcess(['finetune', '--job-dir', at('going'), '--resume', ...more]);
    const other = await backbone('other.weights.h5', 2);
    server.publish('resnet18.weights.h5', other);
    try {
      // Another job may have fetched the new file meanwhile.
      await finetune('newer', `${address}#sha256=${sha256(other)}`);
      expect(await resume('--epochs', '2')).toMatchObject({ code: 0 });
      // A copy of the file is the same input.
      expect(await resume('--epochs', '3', '--weights-file', at('resnet18.weights.h5'))).toMatchObject({ code: 0 });
      expect(await resume('--epochs', '3')).toMatchObject({ code: 0 });
      const wrong = await resume('--epochs', '4', '--weights-file', `${address}#sha256=${sha256(other)}`);
      expect([wrong.code, wrong.output]).toEqual([1, expect.stringContaining('the job began with other weights')]);
      rmSync(at('cache', 'ecg-transplant', 'downloads'), { recursive: true });
      const gone = await resume('--epochs', '4');
      expect([gone.code, gone.output]).toEqual([1, expect.stringContaining('another one than expected')]);
    } finally {
      server.publish('resnet18.weights.h5', bytes);
    }
  });

  it('names the address in what it advises', async () => {
    const { code, output } = await finetune('two', address, 'two');
    expect([code, output]).toEqual([
      1,
      expect.stringContaining(`ecg-transplant adjust-network --weights-file ${address} --channels 2 --arch resnet18`),
    ]);
    const adjusted = await callInProcess(['adjust-network', '--weights-file', address, '--channels', '2']);
    expect([adjusted.code, adjusted.output]).toEqual([
      0,
      expect.stringContaining('Saved resnet18.adjusted.weights.h5'),
    ]);
    expect(await finetune('two', 'resnet18.adjusted.weights.h5', 'two')).toMatchObject({ code: 0 });
  });

  it.each([
    ['a file that is not there', () => `${server.address}nothing`, 1, /status 404/],
    [
      'something that is not a weight file',
      () => `${server.address}text`,
      1,
      /does not lead to a weight file; got a text file/,
    ],
    ['a revision that is not named', () => 'hf://anna/ecg/resnet18.weights.h5', 2, /does not name a revision/],
    ['http on another machine', () => 'http://example.org/a.weights.h5', 1, /not safe to download from/],
  ])('refuses %s before the job begins', async (_, weights, code, message) => {
    server.publish('text', 'not weights\n');
    const result = await finetune('refused', weights());
    expect([result.code, result.output]).toEqual([code, expect.stringMatching(message)]);
    expect(() => configOf('refused')).toThrow(/ENOENT/);
  });
});
