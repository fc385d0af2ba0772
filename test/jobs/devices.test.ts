import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import * as graphDevices from '../../src/graph/devices.ts';
import { deviceNames, settledDevices, tellDevices } from '../../src/jobs/devices.ts';
import { JobPaused } from '../../src/jobs/job.ts';
import { NpzFile } from '../../src/lib/numpy/npz.ts';
import { finetune } from '../../src/port/finetuning/trainer.ts';
import { pretrain } from '../../src/port/pretraining/trainer.ts';
import { writeIcentiaPatient } from '../../src/synthetic/write_icentia.ts';
import { readWeights } from '../../src/weights/files.ts';
import { pausing, temporaryFolder, writeSmallSet } from '../port/training_data.ts';

// The backbone is cut to its first stage, which finetune's command line cannot.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});
vi.mock('../../src/graph/devices.ts', async (original) => {
  const real = await original<typeof import('../../src/graph/devices.ts')>();
  return { ...real, gpuCount: vi.fn(real.gpuCount) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const withGpus = (count: number): void => {
  vi.mocked(graphDevices.gpuCount).mockReturnValue(count);
};

beforeEach(() => withGpus(0));

describe('--devices', () => {
  test('one device is the default, and is not stored', () => {
    for (const devices of [undefined, 1, '1']) {
      expect(settledDevices({ devices }).devices).toBeUndefined();
      expect(deviceNames({ devices })).toBeUndefined();
    }
  });

  test('a number names the first GPUs', () => {
    withGpus(4);
    expect(settledDevices({ devices: 3 }).devices).toBe('3');
    expect(deviceNames({ devices: '3' })).toEqual(['/device:GPU:0', '/device:GPU:1', '/device:GPU:2']);
  });

  test('all means the GPUs there are; without a second one, one device', () => {
    for (const [count, settled] of [
      [0, undefined],
      [1, undefined],
      [8, '8'],
    ] as const) {
      withGpus(count);
      expect(settledDevices({ devices: 'all' }).devices).toBe(settled);
    }
  });

  test('cpu:N takes the CPU N times, also where there are GPUs', () => {
    withGpus(4);
    expect(settledDevices({ devices: 'cpu:3' }).devices).toBe('cpu:3');
    expect(deviceNames({ devices: 'cpu:3' })).toEqual(['/device:CPU:0', '/device:CPU:0', '/device:CPU:0']);
  });

  test.for(['0', '-1', '2.5', 'two', 'cpu', 'cpu:1', 'gpu:2', '65', 'cpu:65', '', 'all:2'])(
    '%j is refused',
    (devices) => {
      expect(() => settledDevices({ devices })).toThrow(
        `--devices: invalid value; got ${devices}; expected a number of GPUs from 1 to 64, all, or cpu:N with N from 2 to 64`,
      );
    },
  );

  test.for([
    [0, 'got no GPU; expected 3'],
    [1, 'got 1 GPU; expected 3'],
    [2, 'got 2 GPUs; expected 3'],
  ] as const)('with %i GPUs, 3 are refused with what there is and what helps', ([count, message]) => {
    withGpus(count);
    vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
    expect(() => deviceNames({ devices: '3' })).toThrow(message);
    expect(() => deviceNames({ devices: '3' })).toThrow('add --devices cpu:3');
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '0,1');
    expect(() => deviceNames({ devices: '3' })).toThrow('with CUDA_VISIBLE_DEVICES=0,1; expected 3');
    vi.unstubAllEnvs();
  });

  test('a batch that leaves devices idle is worth a warning', () => {
    const told = (options: Parameters<typeof tellDevices>[0]): string[] => {
      const events: ProgressEvent[] = [];
      tellDevices(options, (event) => events.push(event));
      return events.map((event) => ('text' in event ? `${event.kind}: ${event.text}` : event.kind));
    };
    expect(told({ batchSize: 9 })).toEqual([]);
    expect(told({ devices: '4' })).toEqual([
      'message: Devices: 4 GPUs, each with up to 8 of the 32 samples of a batch',
    ]);
    expect(told({ devices: 'cpu:2', batchSize: 7 })).toEqual([
      'message: Devices: the CPU in place of 2 GPUs, each with up to 4 of the 7 samples of a batch',
    ]);
    expect(told({ devices: '4', batchSize: 9 })).toEqual([
      'message: Devices: 4 GPUs, each with up to 3 of the 9 samples of a batch',
      'warning: --batch-size 9 in parts of 3 leaves 1 of 4 devices without samples: take a multiple of 4',
    ]);
  });
});

describe('a job on several devices', () => {
  beforeAll(async () => {
    await writeSmallSet(at('train.pkl'), { records: 23 });
    await writeIcentiaPatient(0, { seed: 1, segments: 2, samples: 6000 }, { unzipped: at('icentia') });
  });

  test('missing GPUs are refused before anything is created', async () => {
    const options = { jobDir: at('never'), train: at('train.pkl'), devices: 2 };
    await expect(finetune(options)).rejects.toThrow('--devices 2: TensorFlow does not find as many GPUs; got no GPU');
    await expect(pretrain({ ...options, train: at('icentia'), task: 'beat' })).rejects.toThrow('--devices 2');
    expect(existsSync(at('never'))).toBe(false);
  });

  test('paused and resumed it gives the same bits; another number of devices is refused', async () => {
    const options = {
      train: at('train.pkl'),
      valSize: 5,
      batchSize: 7,
      epochs: 2,
      seed: 3,
      initSeed: 4,
      devices: 'cpu:2',
    };
    const whole = await finetune({ ...options, jobDir: at('whole') });
    const parts = { ...options, jobDir: at('parts') };
    await expect(finetune(parts, pausing('Epoch 1/2:2'))).rejects.toThrow(JobPaused);
    for (const [devices, got] of [
      ['cpu:3', 'cpu:3'],
      [undefined, '1'],
    ] as const) {
      await expect(finetune({ ...parts, devices, resume: true })).rejects.toThrow(
        `--devices: a job can only be resumed with the options it started with; got ${got}; expected cpu:2`,
      );
    }
    const resumed = await finetune({ ...parts, resume: true });
    expect(resumed).toEqual(whole);
    const [ours, theirs] = ['parts', 'whole'].map((job) => readWeights(at(job, 'best_model.weights.h5')));
    expect(ours.weights).toEqual(theirs.weights);
    for (const file of ['history.csv', 'train_predictions.csv', 'val_predictions.csv']) {
      expect(readFileSync(at('parts', file), 'utf8'), file).toBe(readFileSync(at('whole', file), 'utf8'));
    }
    // A job on one device cannot go on with two either.
    const alone = { ...options, jobDir: at('alone'), devices: undefined };
    await expect(finetune(alone, pausing('Epoch 1/2:1'))).rejects.toThrow(JobPaused);
    await expect(finetune({ ...alone, devices: 'cpu:2', resume: true })).rejects.toThrow('got cpu:2; expected 1');
  });

  test('the checkpoint holds the statistics of each device, the weight file their mean', async () => {
    const job = { jobDir: at('pretrain'), task: 'beat', train: at('icentia'), unzipped: true, patients: '0' } as const;
    const frames = { stages: 1, frameSize: 256, batchSize: 6, samplesPerPatient: 4, stepsPerEpoch: 2 };
    await pretrain({ ...job, ...frames, initSeed: 2, seed: 3, devices: 'cpu:2' });
    const checkpoint = NpzFile.open(at('pretrain', 'checkpoint.npz'));
    try {
      const copies = checkpoint.names.filter((name) => name.startsWith('replica_1/'));
      expect(copies.length).toBeGreaterThan(4);
      const { weights } = readWeights(at('pretrain', 'epoch_01_model.weights.h5'));
      const saved = new Map(weights.map(({ path, data }) => [path, data as Float32Array]));
      expect([...saved.keys()].some((path) => path.includes('replica'))).toBe(false);
      for (const copy of copies) {
        const path = copy.replace('replica_1/', '');
        const [first, second] = [path, copy].map((name) => checkpoint.read(name) as { data: Float32Array });
        expect(first.data, path).not.toEqual(second.data);
        const mean = first.data.map((value, i) => Math.fround(value + second.data[i]) / 2);
        expect(saved.get(path), path).toEqual(mean);
      }
    } finally {
      checkpoint.close();
    }
  });
});
