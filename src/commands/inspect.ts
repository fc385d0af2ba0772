import { UsageError } from '../errors.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { listOf, text } from '../lib/argparse/types.ts';
import { sizeOf } from '../lib/numpy/ndarray.ts';
import { identifyModel } from '../networks/identify.ts';
import { buildNetwork, describeModel, type ModelDescription } from '../networks/network.ts';
import { print } from '../output.ts';
import { readWeights, type WeightFormat } from '../weights/files.ts';
import { matchWeights } from '../weights/loading.ts';
import { type DataReport, inspectData } from './inspect_data.ts';
import { statistics, type TensorSummary, tensorTable } from './tensor_table.ts';

const line = {
  program: 'ecg-transplant inspect',
  about: 'Shows what a file holds.',
  words: {
    name: 'FILE',
    help:
      'weights (.weights.h5, .keras, or a TensorFlow checkpoint by its prefix, such as resnet18.weights): every tensor\n' +
      'with its shape and statistics, and the network they fit; a prepared set or another pickle; .npy or .npz;\n' +
      'a recording; a job folder',
  },
  flags: {
    Options: {
      leads: {
        value: 'I,II,…',
        type: listOf(text),
        help: 'of a recording, only these leads, for instance if others have another sampling rate',
        defaultText: 'all',
      },
      json: { help: 'print JSON instead of text; its keys stay as they are' },
    },
  },
  notes: `The file may come from anywhere. Beside it, only what describes it is read (preprocessing.json, a WFDB header).
Exits with 1 if a value is NaN or infinite.`,
  examples: `ecg-transplant inspect jobs/af/best_model.weights.h5
ecg-transplant inspect --leads I,II holter.edf`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** What `--json` prints. */
export interface WeightsSummary {
  readonly file: string;
  readonly format: WeightFormat;
  /** The network with exactly these weights, or null. */
  readonly model: (ModelDescription & { readonly description: string }) | null;
  readonly parameters: number;
  /** In the network's order (Keras's `model.weights`), else as in the file. */
  readonly tensors: readonly TensorSummary[];
  /** State of the optimiser, or null where the file has none (checkpoints: not read). */
  readonly optimizer: {
    readonly variables: number;
    readonly iterations: number | null;
    readonly nonFinite: number;
  } | null;
  /** Entries of a checkpoint that were left alone: optimiser slots, counters, unknown layers. */
  readonly unread: readonly string[];
}

/** Reads a weight file and sums it up. */
export function inspectWeights(name: string): WeightsSummary {
  const content = readWeights(name);
  const { file, format, optimizer, unread } = content;
  const model = identifyModel(content);
  const weights = model === undefined ? content.weights : matchWeights(content, buildNetwork(model).weights).assigned;
  const steps = optimizer?.[0];
  return {
    file,
    format,
    model: model === undefined ? null : { ...model, description: describeModel(model) },
    parameters: weights.reduce((total, { shape }) => total + sizeOf(shape), 0),
    tensors: weights.map(({ path, ...array }) => ({
      path,
      dtype: array.dtype,
      shape: array.shape,
      ...statistics(array),
    })),
    optimizer:
      optimizer === undefined
        ? null
        : {
            variables: optimizer.length,
            iterations: steps?.dtype === 'int64' && steps.data.length === 1 ? Number(steps.data[0]) : null,
            nonFinite: optimizer.reduce((total, array) => total + statistics(array).nonFinite, 0),
          },
    unread,
  };
}

/** The summary as text. */
export function formatSummary({ file, format, model, parameters, tensors, optimizer, unread }: WeightsSummary): string {
  const table = tensorTable(tensors);
  const optimizerLine = {
    keras:
      optimizer === null
        ? 'none'
        : `${optimizer.variables} variables, ${optimizer.iterations ?? 'unknown number of'} steps`,
    tensorflow: 'not read from checkpoints',
  }[format];
  const bad = [
    ...tensors.filter(({ nonFinite }) => nonFinite > 0).map(({ path, nonFinite }) => `${path}: ${nonFinite}`),
    ...(optimizer !== null && optimizer.nonFinite > 0 ? [`optimizer: ${optimizer.nonFinite}`] : []),
  ];
  return [
    `${file} (${format === 'keras' ? 'Keras 3 weights' : 'TensorFlow checkpoint'})`,
    `Fits:       ${model === null ? 'no network of this project' : model.description}`,
    `Parameters: ${parameters.toLocaleString('en-US')} in ${tensors.length} tensors`,
    `Optimiser:  ${optimizerLine}`,
    ...(unread.length === 0 ? [] : [`Not read:   ${unread.length} entries, e.g. ${unread[0]}`]),
    ...(bad.length === 0 ? [] : [`NaN or infinite values: ${bad.join(', ')}`]),
    '',
    ...table,
    '',
  ].join('\n');
}

/** `ecg-transplant inspect`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const [name] = words;
  const { json, text: shown, allFinite, isRecording } = (await inspectData(name, values.leads)) ?? weightsReport(name);
  if (values.leads !== undefined && !isRecording) {
    throw new UsageError('--leads is for recordings', { got: name });
  }
  print(values.json ? `${JSON.stringify(json, null, 2)}\n` : shown);
  return allFinite ? 0 : 1;
}

function weightsReport(name: string): DataReport {
  const summary = inspectWeights(name);
  const { tensors, optimizer } = summary;
  const allFinite = tensors.every(({ nonFinite }) => nonFinite === 0) && !((optimizer?.nonFinite ?? 0) > 0);
  return { json: summary, text: formatSummary(summary), allFinite };
}
