import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Reporter, silent } from '../events.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { unknown } from '../graph/executor.ts';
import type { Precision } from '../graph/precision.ts';
import { encodeOnnx, type OnnxValue } from '../lib/onnx/model.ts';
import { checkNewOutput } from '../lib/outputs.ts';
import { temporaryPath, writeFileAtomic } from '../lib/python/atomic_file.ts';
import { inputName, inputSpec, outputName, probabilities } from './forward.ts';
import { readFinishedJob, type TrainedClassifier } from './job.ts';
import { describeExport, type ExportMetadata, metadataKey } from './metadata.ts';
import { OnnxExecutor, opset } from './onnx_executor.ts';

/** Formats of exported models. */
export const exportFormats = ['savedmodel', 'onnx'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  /** Folder of a finished finetuning job. */
  readonly jobDir: string;
  readonly format: ExportFormat;
  /** File (`onnx`) or folder (`savedmodel`) to write; must not exist. */
  readonly output: string;
  /** File for the description of the model as JSON, beside the one inside the model; must not exist. */
  readonly metadata?: string;
  readonly report?: Reporter;
}

const description =
  'Probabilities of ECG classes from recordings at the sampling rate and in the unit that the metadata name. For research, not for diagnosis.';

/**
 * Writes the network of a job, with its best weights, as a model for other programs: from recordings `(batch, time, leads)`, float32, at the sampling
 * rate and in the unit of the training data (mV), to probabilities `(batch, classes)`, float32. Normalisation and padding are part of the model. Returns its
 * description, which lies inside the model as well. Needs no TensorFlow.
 *
 * @throws InputError for an output that exists or cannot be written; see `readFinishedJob` for those about the job.
 */
export function exportJob({ jobDir, format, output, metadata, report = silent }: ExportOptions): ExportMetadata {
  checkNewOutput('--output', output);
  if (metadata !== undefined) checkNewOutput('--metadata', metadata);
  const job = readFinishedJob(jobDir);
  const precision = precisionOf(job, format);
  if (precision !== job.model.precision) {
    const text = `the network was trained in ${job.model.precision}; the ONNX model computes in float32, so its probabilities differ a little from those of predict`;
    report({ kind: 'warning', text });
  }
  const described = writeModel(job, format, output);
  if (metadata !== undefined) writeFileAtomic(metadata, `${JSON.stringify(described, null, 2)}\n`);
  return described;
}

/** Writes a classifier that is in memory; see `exportJob`. */
export function writeModel(job: TrainedClassifier, format: ExportFormat, output: string): ExportMetadata {
  const described = describeExport(job, precisionOf(job, format));
  const text = JSON.stringify(described, null, 2);
  if (format === 'onnx') writeFileAtomic(output, onnxOf(job, described, text));
  else writeFolder(output, savedModelOf(job), text);
  return described;
}

/** ONNX Runtime convolves in float32 only. */
function precisionOf({ model }: TrainedClassifier, format: ExportFormat): Precision {
  return format === 'onnx' ? 'float32' : model.precision;
}

/** Bytes of the ONNX file. */
function onnxOf(job: TrainedClassifier, described: ExportMetadata, metadata: string): Uint8Array {
  const executor = new OnnxExecutor();
  const spec = inputSpec(job);
  executor.output(outputName, probabilities(executor, job, 'float32', executor.input(inputName, spec)));
  const extents = (names: readonly string[], shape: readonly number[]): OnnxValue['shape'] =>
    shape.map((extent, axis) => (extent === unknown ? names[axis] : extent));
  const { arch, classes } = job.model;
  return encodeOnnx({
    producer: described.program,
    name: arch,
    description,
    opset,
    nodes: executor.nodes,
    initializers: executor.initializers,
    inputs: [{ name: inputName, dtype: 'float32', shape: extents(['batch', 'time'], spec.shape) }],
    outputs: [{ name: outputName, dtype: 'float32', shape: ['batch', classes.length] }],
    metadata: { [metadataKey]: metadata, classes: JSON.stringify(classes) },
  });
}

/** Bytes of `saved_model.pb`. */
function savedModelOf(job: TrainedClassifier): Uint8Array {
  const builder = new GraphBuilder();
  builder.signature('serving_default', { [inputName]: inputSpec(job) }, (inputs) => ({
    [outputName]: probabilities(builder, job, job.model.precision, inputs[inputName]),
  }));
  return builder.encode();
}

/** Writes a SavedModel under a temporary name, then renames it. */
function writeFolder(path: string, graph: Uint8Array, metadata: string): void {
  const temporary = temporaryPath(path);
  try {
    mkdirSync(join(temporary, 'variables'), { recursive: true });
    // TensorFlow leaves this folder to other programs.
    mkdirSync(join(temporary, 'assets.extra'));
    writeFileAtomic(join(temporary, 'saved_model.pb'), graph);
    writeFileAtomic(join(temporary, 'assets.extra', `${metadataKey}.json`), `${metadata}\n`);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
