import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Original } from '../../src/bridge/original.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { makeUpstream } from '../fixtures/upstream/revert.ts';
import { runPython } from '../python.ts';
import { python, root } from '../shared_data.ts';

export type Keras = '3' | 'legacy';

/** Whatever runs a module of a checkout as a script. */
export type Run = (module: string, argv: readonly string[]) => Promise<unknown>;

/** A checkout that stands for upstream, beside it a folder with data to work on. */
export interface Bench {
  readonly checkout: string;
  readonly folder: string;
}

/** A copy of `original/` with some quirks reverted, and the exercises; data as in `from`, or new. */
export async function makeBench(quirks: readonly string[] | 'all', from?: Bench): Promise<Bench> {
  const bench = { checkout: temporary('upstream-'), folder: temporary('exercises-') };
  makeUpstream(bench.checkout, quirks);
  cpSync(join(root, 'test', 'fixtures', 'upstream', 'exercises.py'), join(bench.checkout, 'exercises.py'));
  if (from) cpSync(from.folder, bench.folder, { recursive: true });
  else await fill(bench);
  return bench;
}

async function fill({ checkout, folder }: Bench): Promise<void> {
  await runPython(['-m', 'exercises', 'files', folder], { env: { PYTHONPATH: checkout } });
  const challenge20 = join(folder, 'challenge20');
  mkdirSync(challenge20);
  for (const number of [1, 2, 3]) {
    const samples = Int16Array.from({ length: 20 }, () => 1000 * number);
    wrsamp(challenge20, {
      recordName: `A000${number}`,
      fs: 500,
      signals: [{ name: 'I', samples, gain: 1000 }],
      comments: [`Dx: 1${number}`],
      format: '16+24',
    });
  }
}

function temporary(prefix: string): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** Runs modules of a checkout through the bridge, with its shims. */
export async function openBridge({ checkout }: Bench, keras: Keras): Promise<{ original: Original; run: Run }> {
  const original = await Original.open({ python, original: checkout, keras });
  // The exercises are scripts beside the packages.
  return { original, run: (module, argv) => original.run(module as 'finetuning.trainer', argv) };
}

/** Runs modules of a checkout as a user does, without any shim. */
export function plainly({ checkout }: Bench): Run {
  return (module, argv) =>
    runPython(['-m', module, ...argv], { env: { PYTHONPATH: checkout, TF_USE_LEGACY_KERAS: '0' } });
}

type Exercise = (run: Run, bench: Bench, keras: Keras) => Promise<void>;

/** One of `exercises.py`, which raises where something is wrong. */
function scripted(name: string): { readonly [name: string]: Exercise } {
  return {
    [name]: async (run, { folder }) => {
      await run('exercises', [name, folder]);
    },
  };
}

/** Exercises by name, in an order in which each finds what it needs. */
export const exercises: { readonly [name: string]: Exercise } = {
  ...scripted('running_mean_std'),
  ...scripted('checkpoint'),
  ...scripted('unzip'),
  ...scripted('flatten'),
  ...scripted('no_patients'),
  ...scripted('challenge20'),
  ...scripted('pool'),
  ...scripted('stream'),
  ...scripted('encoder'),
  ...scripted('cpc'),

  /** One step on two patients of the folder. */
  async pretrain(run, { folder }, keras) {
    const job = join(folder, 'pretrained');
    const counts = {
      'frame-size': 128,
      'batch-size': 4,
      'steps-per-epoch': 1,
      'samples-per-patient': 4,
      stages: 1,
      seed: 5,
    };
    const flags = { 'job-dir': job, task: 'beat', train: join(folder, 'icentia'), patients: '0-1,3', ...counts };
    await run('pretraining.trainer', argvOf(flags));
    requireFile(keras === '3' ? join(job, 'epoch_01_model.weights.h5') : join(job, 'epoch_01', 'model.weights.index'));
    requireFile(join(job, 'history.csv'));
  },

  /** Needs `pretrain`. */
  ...scripted('backbone'),

  /** Needs `backbone`. */
  async adjust(run, { folder }, keras) {
    const file = join(folder, keras === '3' ? 'backbone.weights.h5' : 'backbone.weights');
    await run('finetuning.adjust_network', argvOf({ 'weights-file': file, channels: 2 }));
    requireFile(adjusted(folder, keras) + (keras === '3' ? '' : '.index'));
  },

  /** Several labels, one row of which occurs once; needs `adjust`. */
  async finetune(run, { folder }, keras) {
    const job = join(folder, 'finetuned');
    const counts = { 'val-size': 8, 'batch-size': 8, seed: 5 };
    const files = { 'job-dir': job, train: join(folder, 'train.pkl'), 'weights-file': adjusted(folder, keras) };
    await run('finetuning.trainer', argvOf({ ...files, ...counts, 'val-metric': 'f1' }));
    requireFile(join(job, keras === '3' ? 'best_model.weights.h5' : 'best_model.weights.index'));
    const rows = readFileSync(join(job, 'val_predictions.csv'), 'utf8').trimEnd().split('\n');
    if (rows.length !== 9) throw new Error(`val_predictions.csv has ${rows.length} lines`);
  },
};

function adjusted(folder: string, keras: Keras): string {
  return join(folder, keras === '3' ? 'backbone.adjusted.weights.h5' : 'backbone.weights.adjusted');
}

function argvOf(flags: { readonly [name: string]: string | number }): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

function requireFile(path: string): void {
  if (!existsSync(path)) throw new Error(`${path} was not written`);
}
