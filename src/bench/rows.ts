import { join } from 'node:path';
import { pythonExecutable, root } from '../lib/installation.mjs';
import { cpuLimit } from '../lib/machine.ts';
import { isolatedModule } from '../lib/python/isolated.mjs';
import type { BenchInputs } from './inputs.ts';
import { type Measurement, peakMemory, startUp, steady, wholeCommand } from './measurement.ts';
import type { ModelSettings } from './port_models.ts';
import type { Language, Work } from './worker_process.ts';

/** A row of the bench. Smaller is better. */
export interface BenchRow {
  /** Name for `--rows`. */
  readonly name: string;
  readonly title: string;
  /** Unit of both figures. */
  readonly unit: string;
  /** The goal: largest ratio port / original; for a row without an original, largest result of the port. */
  readonly goal: number;
  readonly rounds: number;
  /** What the port is compared with, where that is not the Python original. */
  readonly against?: string;
  readonly note?: string;
  readonly port: (inputs: BenchInputs) => Measurement | Promise<Measurement>;
  readonly original?: (inputs: BenchInputs) => Measurement | Promise<Measurement>;
  /** Whether it needs the environment with PyTorch. */
  readonly pytorch?: boolean;
  /** For training steps: the report shows their share of the machine's matrix throughput. */
  readonly step?: { readonly model: ModelSettings; readonly original: 'float32' | 'bfloat16' };
}

/** A network with four classes; on tiny data for quick rows. */
export function classifierOf(
  quick: boolean,
  arch: ModelSettings['arch'],
  batch: number,
  samples: number,
): ModelSettings {
  return {
    arch,
    task: 'classify',
    precision: 'float32',
    batch: quick ? 2 : batch,
    samples: quick ? Math.min(samples, 512) : samples,
  };
}

/** All rows against the original in the order of the table. Quick rows do the same work on tiny data; their results say nothing about speed. */
export function benchRows(quick = false): BenchRow[] {
  const model = (arch: ModelSettings['arch'], batch: number, samples: number): ModelSettings =>
    classifierOf(quick, arch, batch, samples);
  const small = model('resnet18', 32, 2048);
  const large = model('resnet18', 64, 16_384);
  const cpc: ModelSettings = { ...small, task: 'cpc' };
  const count = (full: number, few: number): number => (quick ? few : full);
  const rounds = (full: number): number => (quick ? 1 : full);
  const steps = count(6, 1);

  const trainingRow = (
    name: string,
    title: string,
    settings: ModelSettings,
    { rounds: n = 5, steps: perRound = steps, goal = 1, original = 'float32', precision = 'float32' } = {},
  ): BenchRow => {
    const port = { ...settings, precision } as ModelSettings;
    return {
      name,
      title,
      unit: 's/step',
      goal,
      rounds: rounds(n),
      port: () => steady('port', { name: 'train', settings: { ...port, steps: perRound } }),
      original: () =>
        steady('original', { name: 'train', settings: { ...settings, precision: original, steps: perRound } }),
      step: { model: port, original: original === 'float32' ? 'float32' : 'bfloat16' },
    };
  };

  const kernelsRow = (name: string, title: string, settings: ModelSettings): BenchRow => ({
    name,
    title,
    unit: 's/step',
    goal: 1,
    rounds: rounds(5),
    against: 'the port with --kernels usual',
    port: () => steady('port', { name: 'train', settings: { ...settings, kernels: 'auto', steps } }),
    original: () => steady('port', { name: 'train', settings: { ...settings, steps } }),
  });

  const framesRow = (name: string, title: string, unzipped: boolean, goal: number): BenchRow => {
    const side = (language: Language) => async (inputs: BenchInputs) => {
      const { patients, ...folders } = await inputs.icentia();
      const folder = unzipped ? folders.unzipped : folders.zipped;
      // A patient for each thread and two more may have been read ahead.
      const ahead = unzipped ? 256 : 1000 * (cpuLimit() + 2);
      const settings = { folder, patients, unzipped, ahead: count(ahead, 0), frames: count(8192, 64), batch: 32 };
      return steady(language, { name: 'frames', settings }, 1e6);
    };
    const note =
      '12 generated patients of 50 MB; batches of 32, 1,000 frames a patient, neither side shuffles; what may have been read ahead is taken first';
    return {
      name,
      title,
      unit: 'µs/frame',
      goal,
      rounds: rounds(3),
      note,
      port: side('port'),
      original: side('original'),
    };
  };

  const prepareRow = (name: string, title: string, goal: number, resampler?: 'javascript'): BenchRow => ({
    name,
    title,
    unit: 's',
    goal,
    rounds: rounds(3),
    port: async (inputs) =>
      steady('port', {
        name: 'prepare_data',
        settings: { source: await inputs.challenge17(), target: inputs.folder(), resampler },
      }),
    original: async (inputs) =>
      steady('original', {
        name: 'prepare_data',
        settings: { source: await inputs.challenge17(), target: inputs.folder() },
      }),
  });

  const both = (measure: (language: Language, work: Work) => Measurement | Promise<Measurement>, work: Work) => ({
    port: () => measure('port', work),
    original: () => measure('original', work),
  });

  return [
    trainingRow('step', 'training step, resnet18, 32 × 2048', small),
    trainingRow('step-long', 'training step, resnet18, 64 × 16384', large, { rounds: 3, steps: 1 }),
    {
      name: 'memory',
      title: 'peak memory, resnet18, 64 × 16384',
      unit: 'GB',
      goal: 1,
      rounds: rounds(2),
      note: 'fresh processes, two steps each',
      ...both(peakMemory, { name: 'train', settings: { ...large, steps: 1 } }),
    },
    trainingRow('bfloat16', 'bfloat16 step against float32, 32 × 2048', small, { goal: 0.62, precision: 'bfloat16' }),
    trainingRow('bfloat16-mixed', 'bfloat16 step against mixed_bfloat16, 32 × 2048', small, {
      precision: 'bfloat16',
      original: 'mixed_bfloat16',
    }),
    kernelsRow('kernels', 'training step with --kernels auto, 32 × 2048', small),
    kernelsRow('kernels-bfloat16', 'bfloat16 step with --kernels auto, 32 × 2048', { ...small, precision: 'bfloat16' }),
    trainingRow('resnet34', 'training step, resnet34, 32 × 2048', { ...small, arch: 'resnet34' }, { rounds: 3 }),
    trainingRow('resnet50', 'training step, resnet50, 32 × 2048', { ...small, arch: 'resnet50' }, { rounds: 3 }),
    trainingRow('cpc', 'training step, CPC (context 8, ns 8), 32 × 2048', cpc, { rounds: 3, steps: 1 }),
    {
      name: 'predict',
      title: 'prediction, resnet18, 64 × 16384',
      unit: 's',
      goal: 1,
      rounds: rounds(3),
      ...both(steady, { name: 'predict', settings: { ...large } }),
    },
    {
      name: 'start',
      title: 'whole process, start to end of first step',
      unit: 's',
      goal: 0.35,
      rounds: rounds(5),
      note: 'resnet18, 32 × 2048',
      ...both(startUp, { name: 'train', settings: { ...small, steps: 1 } }),
    },
    {
      name: 'memory-flat',
      title: 'growth of resident memory over 2,000 steps',
      unit: 'MB',
      goal: 20,
      rounds: 1,
      note: 'resnet18, 4 × 512; the goal is for the port’s figure',
      port: () =>
        steady('port', {
          name: 'growth',
          settings: { ...small, batch: count(4, 2), samples: 512, steps: count(2000, 20) },
        }),
    },
    framesRow('frames', 'frame stream, beat task, unzipped', true, 0.1),
    framesRow('frames-zipped', 'frame stream, beat task, zipped', false, 0.25),
    prepareRow('prepare-data', 'prepare-data, 1,000 Challenge 2017 records', 0.5),
    prepareRow('prepare-data-js', 'the same, resampling in JavaScript', 1, 'javascript'),
    {
      name: 'metrics',
      title: 'scores with intervals, 1,706 × 4, 1,000 resamples',
      unit: 's',
      goal: 2,
      rounds: rounds(3),
      note: 'the original has no intervals; the goal is for the port’s figure',
      port: () =>
        steady('port', { name: 'metrics', settings: { records: 1706, classes: 4, resamples: count(1000, 10) } }),
    },
    ...(['to', 'from'] as const).map((direction): BenchRow => {
      const settings = (elements: number) => ({ elements, direction });
      return {
        name: `transfer-${direction}`,
        title: `array ${direction} Python, files against pythonia’s JSON`,
        unit: 's/million',
        goal: 0.05,
        rounds: rounds(3),
        against: 'a list through pythonia',
        note: 'seconds per million elements; files: 26 million float32, JSON: a list of 100,000',
        port: () => steady('port', { name: 'transfer', settings: settings(count(26_000_000, 1000)) }, 1e6),
        original: () => steady('port', { name: 'transfer_json', settings: settings(count(100_000, 1000)) }, 1e6),
      };
    }),
    {
      name: 'finetune-job',
      title: 'whole job: finetuning on Challenge 2017, 2 epochs',
      unit: 's',
      goal: 1,
      rounds: rounds(2),
      note: '64 records of 16,384 samples, batches of 32; from the start of the process to its end',
      port: async (inputs) => portJob(inputs, 'finetune', await finetuneArguments(inputs)),
      original: async (inputs) => originalJob(inputs, 'finetuning.trainer', await finetuneArguments(inputs)),
    },
    {
      name: 'pretrain-job',
      title: 'whole job: pretraining on zipped Icentia11k, beat task, 100 steps',
      unit: 's',
      goal: 1,
      rounds: rounds(2),
      note: 'generated patients of 50 MB, batches of 32 × 2048; from the start of the process to its end',
      port: async (inputs) => portJob(inputs, 'pretrain', await pretrainArguments(inputs, quick)),
      original: async (inputs) => originalJob(inputs, 'pretraining.trainer', await pretrainArguments(inputs, quick)),
    },
  ];
}

async function finetuneArguments(inputs: BenchInputs): Promise<string[]> {
  return ['--train', await inputs.prepared(), '--epochs', '2', '--batch-size', '32', '--seed', '1'];
}

async function pretrainArguments(inputs: BenchInputs, quick: boolean): Promise<string[]> {
  const { zipped, patients } = await inputs.icentia();
  return [
    ...['--task', 'beat', '--train', zipped, '--patients', `0-${patients - 1}`, '--epochs', '1', '--seed', '1'],
    ...['--steps-per-epoch', quick ? '2' : '100', '--batch-size', quick ? '2' : '32'],
    // Both sides fill a shuffle buffer of 16 times as many frames before the first step.
    ...['--samples-per-patient', quick ? '4' : '1000'],
  ];
}

function portJob(inputs: BenchInputs, command: string, args: readonly string[]): Measurement {
  const program = join(root, 'bin', 'ecg-transplant.mjs');
  return wholeCommand(process.execPath, () => [program, command, '--job-dir', inputs.folder(), ...args]);
}

function originalJob(inputs: BenchInputs, module: string, args: readonly string[]): Measurement {
  return wholeCommand(pythonExecutable(), () =>
    isolatedModule(join(root, 'original'), module, ['--job-dir', inputs.folder(), ...args]),
  );
}
