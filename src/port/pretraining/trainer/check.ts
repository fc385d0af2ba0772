import { InputError, UsageError } from '../../../errors.ts';
import { kernelChoices } from '../../../graph/kernels.ts';
import { precisionChoices } from '../../../graph/precision.ts';
import { checkOptimizerOptions } from '../../../jobs/optimizer_options.ts';
import { checkChoices, checkCounts } from '../../../jobs/progress.ts';
import { checkScheduleOptions } from '../../../jobs/schedule.ts';
import { NpyFile } from '../../../lib/numpy/npy_file.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { identifyModel } from '../../../networks/identify.ts';
import { buildNetwork, describeModel } from '../../../networks/network.ts';
import { type Description, descriptionFile, readDescription } from '../../../prepare/icentia11k/description.ts';
import { readWeights } from '../../../weights/files.ts';
import { loadWeights } from '../../../weights/loading.ts';
import { type Arch, archs } from '../../finetuning/utils.ts';
import { patientFile } from '../../transplant/datasets/icentia11k/files.ts';
import { loadLabels } from '../../transplant/datasets/icentia11k.ts';
import { classesOf, pretrainingTasks } from '../utils.ts';
import { isDataFile } from './folder.ts';
import { type FrameSet, frameOptions } from './frames.ts';
import { type PretrainOptions, pretrainingMetrics } from './options.ts';
import { parsePatientIds } from './patients.ts';

function checkPatients(text: string): void {
  try {
    parsePatientIds(text);
  } catch (error) {
    throw error instanceof ValueError ? new UsageError(error.message) : error;
  }
}

/** Throws a UsageError for an option without a valid value, a ValueError for options that contradict each other. */
export function checkOptions(options: PretrainOptions): void {
  const { task, arch, valMetric = 'loss', frameSize, contextSize, ns, batchSize, epochs, precision } = options;
  const { samplesPerPatient, valSamplesPerPatient, stepsPerEpoch, valSize, seed, initSeed, kernels } = options;
  checkChoices({
    valMetric: [valMetric, pretrainingMetrics],
    task: [task, pretrainingTasks],
    arch: [arch, archs],
    precision: [precision, precisionChoices],
    kernels: [kernels, kernelChoices],
  });
  checkCounts({ frameSize, contextSize, ns, batchSize, epochs, stepsPerEpoch, samplesPerPatient });
  checkCounts({ seed, initSeed });
  checkOptimizerOptions(options);
  checkScheduleOptions(options);
  if (options.patients !== undefined) checkPatients(options.patients);
  // Python takes 0 for "not given" here.
  checkCounts({ valSamplesPerPatient: valSamplesPerPatient || undefined, valSize: valSize || undefined });
  requireConsistentOptions(options, isDataFile(options));
}

/** Throws a ValueError for options that contradict each other; `isFile` tells whether `train` is a data file. */
function requireConsistentOptions(options: PretrainOptions, isFile: boolean): void {
  const { task, arch, stages, valMetric, valFile, valPatients, contextOverlap = 0, positiveOffset = 0 } = options;
  const { frameSize } = frameOptions(options);
  // Throws for an unknown architecture, and for stages that leave nothing.
  buildNetwork({ arch: arch as Arch | undefined, stages, head: { task } });
  const validates = valFile !== undefined || (valPatients && !(isFile && task === 'cpc'));
  if (valMetric === 'f1' && !validates) {
    throw new ValueError('--val-metric f1 needs validation data: add --val-file or --val-patients');
  }
  if (task === 'hr' && !isFile && frameSize % 2 === 1) {
    // Quirk Q22: such frames are one sample shorter than the network's input.
    throw new ValueError(`--frame-size ${frameSize}: the task hr takes even sizes, such as ${frameSize + 1}`);
  }
  if (task !== 'cpc') return;
  for (const [flag, value] of [
    ['--context-overlap', contextOverlap],
    ['--positive-offset', positiveOffset],
  ] as const) {
    if (value < 0) throw new ValueError(`${flag}: got ${value}, expected a whole number of at least 0`);
  }
  if (contextOverlap >= frameSize) {
    throw new ValueError(`--context-overlap: got ${contextOverlap}, expected less than --frame-size ${frameSize}`);
  }
}

/** Throws an InputError or a ValueError unless the file holds the weights of the task's whole model. */
export function requireSolverWeights({ weightsFile, task, arch = 'resnet18', stages }: PretrainOptions): void {
  if (!weightsFile) return;
  const file = readWeights(weightsFile);
  const wanted = { arch: arch as Arch, stages, head: { task } };
  try {
    loadWeights(file, buildNetwork(wanted).weights);
  } catch (error) {
    const found = identifyModel(file);
    if (found?.head === undefined || !('task' in found.head)) throw error;
    throw new InputError('the weights are of another network than the options describe', {
      file: weightsFile,
      got: describeModel(found),
      expected: describeModel(wanted),
      next: 'Check --task, --arch and --stages, or leave out --weights-file.',
    });
  }
}

/**
 * Checks that the segments of all patients are long enough for the frames and labelled and, for CPC, of one element type. Zipped files are not opened: only their
 * lengths are checked, and only if the folder's description has them.
 *
 * @throws InputError for the first patient that fails.
 */
export function requireSegments(
  options: Pick<PretrainOptions, 'train' | 'task' | 'unzipped' | 'contextOverlap' | 'positiveOffset'> &
    Parameters<typeof frameOptions>[0],
  patientIds: readonly number[],
): void {
  const { train, task, unzipped = false, contextOverlap = 0, positiveOffset = 0 } = options;
  const { frameSize, contextSize } = frameOptions(options);
  const needed =
    task === 'cpc' ? contextSize * (frameSize - contextOverlap) + frameSize * (positiveOffset + 1) : frameSize;
  const description = unzipped ? undefined : readDescription(train);
  let first: { file: string; dtype: string } | undefined;
  for (const id of patientIds) {
    const form = unzipped ? formOf(train, id, task !== 'cpc') : describedForm(train, id, description);
    if (form === undefined) continue;
    const { file, samples, dtype } = form;
    // Quirk Q17: a segment of exactly so many samples is too short.
    if (samples <= needed) {
      throw new InputError(
        `segments are too short for ${task === 'cpc' ? 'context and positive sample' : 'the frames'}`,
        {
          file,
          where: `patient ${id}`,
          got: `${samples} samples`,
          expected: `more than ${needed}`,
          next:
            task === 'cpc'
              ? 'Choose a smaller --frame-size, --context-size or --positive-offset, or leave the patient out with --patients.'
              : `Choose a --frame-size below ${samples}, or leave the patient out with --patients.`,
        },
      );
    }
    first ??= { file, dtype };
    if (task !== 'cpc' || dtype === first.dtype) continue;
    throw new InputError('the signals have different element types, but the task cpc mixes patients in one sample', {
      file,
      got: dtype,
      expected: `${first.dtype}, as in ${first.file}`,
      next: 'Convert all patients to the same type: convert-icentia --dtype float32.',
    });
  }
}

interface Form {
  readonly file: string;
  readonly samples: number;
  readonly dtype: string;
}

function formOf(folder: string, id: number, labelled: boolean): Form {
  const file = patientFile(folder, id, '.npy');
  const array = NpyFile.open(file);
  const { dtype, shape } = array;
  array.close();
  const [segments = 0, samples = 0, ...rest] = shape;
  if (segments === 0 || rest.length > 0) {
    throw new InputError('a signal must be an array (segments, samples)', { file, got: `shape (${shape.join(', ')})` });
  }
  if (labelled) requireLabelsFor(folder, id, segments);
  return { file, samples, dtype };
}

function requireLabelsFor(folder: string, id: number, segments: number): void {
  const labels = loadLabels(folder, id, { unzipped: true });
  if (labels.size === segments) return;
  throw new InputError('labels and signal have different numbers of segments', {
    file: patientFile(folder, id, '_lbls.npz'),
    got: `labels of ${labels.size} segments`,
    expected: String(segments),
    next: `Leave patient ${id} out with --patients, or convert it again.`,
  });
}

function describedForm(folder: string, id: number, description: Description | undefined): Form | undefined {
  const samples = description?.patients[String(id)]?.samples;
  if (description === undefined || samples === undefined) return undefined;
  return { file: `${folder}/${descriptionFile}`, samples, dtype: description.dtype };
}

/** Throws an InputError unless all frames of a data file are finite and all labels are classes of the task. */
export function requireUsableFrames({ inputs, y }: FrameSet, file: string, options: PretrainOptions): void {
  const { task } = options;
  const classes = task === 'cpc' ? frameOptions(options).ns + 1 : classesOf[task];
  if (y.data.length === 0) throw new InputError('the file has no frames', { file });
  const wrong = y.data.findIndex((code) => code < 0 || code >= classes);
  if (wrong !== -1) {
    throw new InputError(`a label is not a class of the task ${task}`, {
      file,
      where: `frame ${wrong}`,
      got: String(y.data[wrong]),
      expected: `0 to ${classes - 1}`,
      next: 'Use the --task (and --ns) that the file was made with.',
    });
  }
  for (const [name, rows] of Object.entries(inputs)) {
    const width = rows.shape.slice(1).reduce((size, extent) => size * extent, 1);
    for (let frame = 0; frame < y.data.length; frame++) {
      const data = rows.take([frame]).data as Float32Array;
      if (data.length === width && data.every((value) => value - value === 0)) continue;
      throw new InputError('a frame has missing (NaN) or infinite samples', { file, where: `${name}, frame ${frame}` });
    }
  }
}
