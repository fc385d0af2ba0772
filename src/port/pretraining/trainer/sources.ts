import { InputError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import { batchesOf, permutations } from '../../../jobs/batches.ts';
import { tellFewSamples } from '../../../jobs/progress.ts';
import { ndarray } from '../../../lib/numpy/ndarray.ts';
import { checkOutputFile } from '../../../lib/outputs.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { trainTestSplit } from '../../../lib/sklearn/model_selection.ts';
import { splitSize } from '../../finetuning/utils.ts';
import { dsPatientIds } from '../../transplant/datasets/icentia11k.ts';
import { savePkl } from '../../transplant/utils.ts';
import {
  type BatchOptions,
  type BatchStream,
  beatDataset,
  cpcDataset,
  type GeneratorOptions,
  heartRateDataset,
  rhythmDataset,
} from '../datasets.ts';
import { requireSegments, requireUsableFrames } from './check.ts';
import { requirePatients } from './folder.ts';
import { parseNormalization } from './frame_normalization.ts';
import {
  type FrameSet,
  frameOptions,
  framesOf,
  loadFrames,
  samplesOf,
  selectPatients,
  type TrainingFrames,
  takeBatches,
} from './frames.ts';
import type { PretrainOptions } from './options.ts';
import { parsePatientIds } from './patients.ts';

/** Training batches and, if any, validation frames. */
export interface Sources {
  readonly train: TrainingFrames;
  readonly val?: FrameSet;
}

/** What sources need besides the options. */
export interface SourceContext {
  /** Seed of the order of training frames. */
  readonly initSeed: number;
  /** Where training continues. */
  readonly position: { readonly epoch: number; readonly step: number };
  readonly report: Reporter;
}

/** Training frames of a data file, in a new order each epoch, and validation frames: split off, or of a file. Twin of `_file_data`. */
export async function fileSource(options: PretrainOptions, { initSeed, report }: SourceContext): Promise<Sources> {
  const { valPatients, task, batchSize = 32 } = options;
  if (options.patients !== undefined) {
    throw new ValueError('--patients restricts the patients of a folder, but --train is a file');
  }
  let val = await loadValidation(options);
  const all = await loadUsable(options.train, options);
  let train = all;
  if (val !== undefined) {
    // Quirk Q43
    if (task === 'cpc') {
      throw new TypeError("samples of 'x' cannot be selected by patient: leave out --val-file for CPC files");
    }
    const held = new Set(val.patientIds);
    train = selectPatients(all, (id) => !held.has(id));
  } else if (valPatients && task === 'cpc') {
    const text = 'A CPC file cannot be split by patient: training without validation.';
    report({ kind: 'message', text });
  } else if (valPatients) {
    const patients = sortedSet(all.patientIds);
    requireDivisible(patients.length, valPatients, options.train);
    const [, valIds] = trainTestSplit(patients, { testSize: splitSize(valPatients) });
    const held = new Set(valIds);
    train = selectPatients(all, (id) => !held.has(id));
    val = selectPatients(all, (id) => held.has(id));
  }
  const frames = train.y.shape[0];
  if (frames === 0) {
    throw new InputError('no frames are left to train on', {
      file: options.train,
      got: `${all.y.shape[0]} frames, all of patients of ${options.valFile}`,
      next: 'Use a --val-file of other patients.',
    });
  }
  tellFewSamples(batchSize, frames, 'training frames', report);
  const orderOf = permutations(initSeed, frames);
  return {
    train: {
      batches: (epoch, skip) => batchesOf(samplesOf(train), batchSize, { order: orderOf(epoch), skip }),
      steps: Math.ceil(frames / batchSize),
      close: async () => {},
    },
    val,
  };
}

/** An endless stream of a folder's training frames, and validation frames: newly collected, or of a file. Twin of `_folder_data`. */
export async function folderSource(
  options: PretrainOptions,
  { initSeed, position, report }: SourceContext,
): Promise<Sources> {
  const { batchSize = 32, stepsPerEpoch = 100, samplesPerPatient = 1000, dataParallelism = 1 } = options;
  let patientIds: readonly number[] = options.patients ? parsePatientIds(options.patients) : dsPatientIds;
  let val = await loadValidation(options);
  if (val !== undefined) {
    const held = new Set(val.patientIds);
    patientIds = sortedSet(patientIds).filter((id) => !held.has(id));
  }
  requirePatients(options.train, patientIds, { unzipped: options.unzipped, labels: options.task !== 'cpc' });
  requireSegments(options, patientIds);
  if (val === undefined && options.valPatients) {
    requireDivisible(patientIds.length, options.valPatients, options.train);
    const [trainIds, valIds] = trainTestSplit(patientIds, { testSize: splitSize(options.valPatients) });
    patientIds = trainIds;
    requireGenerators(patientIds, dataParallelism);
    if (options.cacheVal) checkOutputFile(options.cacheVal, { flag: '--cache-val', replace: true });
    val = await collectValidation(options, valIds, report);
  }
  requireGenerators(patientIds, dataParallelism);
  const skip = position.epoch * stepsPerEpoch + position.step;
  if (skip > 0) report({ kind: 'message', text: `Skipping the ${skip * batchSize} frames that were used already` });
  const stream = taskDataset(options, patientIds, samplesPerPatient, {
    batchSize,
    skip,
    shuffle: { bufferSize: 16 * samplesPerPatient, seed: initSeed },
    parallelism: Math.max(dataParallelism, 1),
  });
  return {
    train: {
      batches: (_, done) => takeBatches(stream, stepsPerEpoch - done),
      steps: stepsPerEpoch,
      close: () => stream.close(),
    },
    val,
  };
}

// Quirk Q26 (changed): without patients the generators would search forever.
function requireGenerators(patientIds: readonly number[], dataParallelism: number): void {
  if (patientIds.length >= Math.max(dataParallelism, 1)) return;
  throw new ValueError(
    `${patientIds.length} training patients for ${dataParallelism} generators: give more --patients, fewer validation patients or a ` +
      'smaller --data-parallelism',
  );
}

/** Throws a ValueError if no patients would be left to validate or to train on. */
function requireDivisible(patients: number, valPatients: number, train: string): void {
  const held = valPatients < 1 ? Math.ceil(patients * valPatients) : Math.trunc(valPatients);
  if (held > 0 && held < patients) return;
  throw new ValueError(
    `--val-patients ${valPatients} leaves none of the ${patients} patients of ${train} to ${held > 0 ? 'train on' : 'validate on'}: expected a fraction ` +
      `between 0 and 1${patients > 1 ? ` or a whole number of 1 to ${patients - 1}` : ', and at least 2 patients'}`,
  );
}

async function loadValidation(options: PretrainOptions): Promise<FrameSet | undefined> {
  return options.valFile ? loadUsable(options.valFile, options) : undefined;
}

async function loadUsable(file: string, options: PretrainOptions): Promise<FrameSet> {
  const frames = await loadFrames(file, frameOptions(options));
  requireUsableFrames(frames, file, options);
  return frames;
}

/** The first frames of a stream over the validation patients. Twin of `_collect_validation`. */
async function collectValidation(
  options: PretrainOptions,
  patientIds: readonly number[],
  report: Reporter,
): Promise<FrameSet> {
  const samplesPerPatient = options.valSamplesPerPatient || options.samplesPerPatient || 1000;
  const batchSize = options.valSize || patientIds.length * samplesPerPatient;
  const text = `Collecting ${batchSize} validation frames of ${patientIds.length} patients`;
  report({ kind: 'message', text });
  const stream = taskDataset(options, patientIds, samplesPerPatient, { batchSize, readAhead: 1 });
  try {
    const { value: batch } = await stream.next();
    if (batch === undefined) throw new Error('the stream of validation frames ended');
    if (options.cacheVal) {
      const { x, y } = batch;
      // Quirk Q44: the patients, not the patient of each frame.
      const ids = ndarray('int64', [patientIds.length], BigInt64Array.from(patientIds, BigInt));
      await savePkl(options.cacheVal, { x, y, patient_ids: ids });
    }
    return framesOf(batch, patientIds);
  } finally {
    await stream.close();
  }
}

function taskDataset(
  options: PretrainOptions,
  patientIds: readonly number[],
  samplesPerPatient: number,
  batch: BatchOptions,
): BatchStream {
  const { task, train, unzipped = false, contextOverlap = 0, positiveOffset = 0 } = options;
  const { frameSize, contextSize, ns } = frameOptions(options);
  const normalize = options.normalize === undefined ? true : parseNormalization(options.normalize);
  const settings: GeneratorOptions & BatchOptions = { ...batch, unzipped, samplesPerPatient, normalize };
  switch (task) {
    case 'rhythm':
      return rhythmDataset(train, patientIds, frameSize, settings);
    case 'beat':
      return beatDataset(train, patientIds, frameSize, settings);
    case 'hr':
      return heartRateDataset(train, patientIds, frameSize, settings);
    case 'cpc':
      return cpcDataset(train, patientIds, frameSize, contextSize, ns, { ...settings, contextOverlap, positiveOffset });
  }
}

function sortedSet(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
