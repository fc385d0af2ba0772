import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgressEvent, Reporter } from '../../../events.ts';
import type { Precision } from '../../../graph/precision.ts';
import { JobPaused } from '../../../jobs/job.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { type DType, type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import { finetune } from '../../../port/finetuning/trainer.ts';
import type { Arch } from '../../../port/finetuning/utils.ts';
import { type PretrainOptions, pretrain } from '../../../port/pretraining/trainer.ts';
import { savePkl } from '../../../port/transplant/utils.ts';
import { counted } from '../../../text.ts';
import { readWeights } from '../../../weights/files.ts';
import { networkBatches } from '../../batches.ts';
import { exactly, type Pair, type Row, sameText } from '../../closeness.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { joinArrays } from '../shared/data_cases.ts';

/**
 * Compares a job that is stopped in the middle of an epoch and resumed with the same job without interruption. Both are the port's, because
 * the original cannot resume: `original` in the rows is the uninterrupted job.
 */
export const resume: Suite = {
  name: 'resume',
  summary: "the port's jobs stopped in mid-epoch and continued, against the same jobs uninterrupted (bits)",
  cases: [
    finetuning('resnet18', { leads: 1, multiLabel: false }),
    finetuning('resnet18', { leads: 12, multiLabel: true }),
    finetuning('resnet18', { leads: 1, multiLabel: false }, { precision: 'bfloat16' }),
    finetuning('resnet34', { leads: 1, multiLabel: true }),
    finetuning('resnet50', { leads: 1, multiLabel: false }),
    pretraining('rhythm', { arch: 'resnet18' }),
    pretraining('beat', { arch: 'resnet34', stages: 2 }),
    pretraining('hr', { arch: 'resnet50', stages: 1 }),
    pretraining('cpc', { arch: 'resnet18', stages: 1, contextSize: 3, ns: 2 }),
  ],
};

/** Runs or resumes a job in a folder. `context` watches and stops it. */
type Run = (jobDir: string, context: { report: Reporter; signal?: AbortSignal }) => Promise<unknown>;

/** 15 recordings in batches of 4, three epochs: stopped after a step in the middle, and at the last step of an epoch. */
function finetuning(
  arch: Arch,
  { leads, multiLabel }: { leads: 1 | 12; multiLabel: boolean },
  { precision }: { precision?: Precision } = {},
): SuiteCase {
  const labels = multiLabel ? 'multi-label' : 'single-label';
  const name = `${arch}, finetuning, ${counted(leads, 'lead')}, ${labels}`;
  return {
    name: precision ? `${name}, ${precision}` : name,
    on: { arch, task: 'finetuning' },
    run: async ({ data, seed, scratch }) => {
      const batches = networkBatches(data, { task: 'finetuning', leads, multiLabel }, 5, seed);
      const x = joinArrays(batches.map((batch) => inputsByName(batch.x).x)) as NdArray<'float32'>;
      const drawn = joinArrays(batches.map((batch) => batch.y));
      const y = multiLabel ? drawn : classesInTurn(drawn.shape);
      const train = join(scratch, 'train.pkl');
      const recordIds = Array.from({ length: x.shape[0] }, (_, i) => i);
      const classes = Array.from({ length: y.shape[1] }, (_, i) => `class ${i}`);
      await savePkl(train, dataSetToPickle({ x, y: whole(y), recordIds, classes }));
      const job = { train, arch, precision, valSize: 5, batchSize: 4, epochs: 3, seed, initSeed: seed } as const;
      const run: Run = (jobDir, context) => finetune({ ...job, jobDir, resume: true }, context);
      const stops = ['Epoch 1/3:2', 'Epoch 2/3:4'];
      const files = ['history.csv', 'train_predictions.csv', 'val_predictions.csv'];
      return compareJobs(scratch, run, { stops, files, weights: ['best_model.weights.h5'] });
    },
  };
}

/** Two epochs of three steps on frames of a folder. */
function pretraining(
  task: PretrainOptions['task'],
  network: { readonly arch: Arch; readonly stages?: number; readonly contextSize?: number; readonly ns?: number },
): SuiteCase {
  const { arch, stages } = network;
  return {
    name: `${arch}${stages ? ` with ${counted(stages, 'stage')}` : ''}, ${task}`,
    on: { arch, task, dataSet: 'icentia11k' },
    ...(task === 'hr' ? { quick: true } : {}),
    run: async ({ data, seed, scratch }: SuiteContext) => {
      const { dbDir, patientIds, unzipped } = await data.icentia('unzipped');
      const sizes = { frameSize: 256, batchSize: 4, samplesPerPatient: 2, stepsPerEpoch: 3, epochs: 2 };
      const chances = { patients: patientIds.join(','), seed, initSeed: seed };
      const job = { task, train: dbDir, unzipped, ...network, ...sizes, ...chances } as const;
      const run: Run = (jobDir, context) => pretrain({ ...job, jobDir, resume: true }, context);
      const weights = ['epoch_01_model.weights.h5', 'epoch_02_model.weights.h5'];
      return compareJobs(scratch, run, { stops: ['Epoch 1/2:2', 'Epoch 2/2:1'], files: ['history.csv'], weights });
    },
  };
}

async function compareJobs(
  scratch: string,
  run: Run,
  { stops, files, weights }: { stops: readonly string[]; files: readonly string[]; weights: readonly string[] },
): Promise<Row[]> {
  const [broken, unbroken] = ['continued', 'uninterrupted'].map((name) => join(scratch, name));
  await run(unbroken, { report: () => {} });
  for (const stop of stops) await stopAt(stop, (context) => run(broken, context));
  await run(broken, { report: () => {} });
  const text = (job: string, file: string): string => readFileSync(join(job, file), 'utf8');
  return [
    ...files.map((file) => sameText('resume', file, text(broken, file), text(unbroken, file))),
    ...weights.map((file) => weightRow(file, join(broken, file), join(unbroken, file))),
  ];
}

/** Runs a job until its progress reaches `task:done`. */
async function stopAt(stop: string, run: (context: Parameters<Run>[1]) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const [task, done] = stop.split(':');
  const report = (event: ProgressEvent): void => {
    if (event.kind === 'progress' && event.task === task && event.done === Number(done)) controller.abort();
  };
  try {
    await run({ report, signal: controller.signal });
  } catch (error) {
    if (error instanceof JobPaused) return;
    throw error;
  }
  throw new Error(`the job ran to its end instead of stopping at ${stop}`);
}

function weightRow(name: string, continued: string, uninterrupted: string): Row {
  const [ours, theirs] = [continued, uninterrupted].map((file) => {
    const { weights, optimizer = [] } = readWeights(file);
    return [...weights, ...optimizer.map((value, i) => ({ path: `optimizer/vars/${i}`, ...value }))];
  });
  const pairs = theirs.map((original, i): Pair => ({ name: original.path, port: ours[i], original }));
  return exactly('resume', `${name}, with the state of Adam`, pairs);
}

/** One class per record, each equally often, as a stratified split requires. */
function classesInTurn([records, classes]: readonly number[]): NdArray<'float32'> {
  const data = Float32Array.from({ length: records * classes }, (_, i) =>
    Math.floor(i / classes) % classes === i % classes ? 1 : 0,
  );
  return ndarray('float32', [records, classes], data);
}

/** Labels as prepared sets hold them. */
function whole({ shape, data }: NdArray<DType>): NdArray<'int32'> {
  return ndarray('int32', shape, Int32Array.from(data as Float32Array));
}
