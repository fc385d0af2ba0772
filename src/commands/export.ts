import { statSync } from 'node:fs';
import { reporterFor } from '../events.ts';
import { exportFormats, exportJob } from '../export/export.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { oneOf } from '../lib/argparse/types.ts';
import { print } from '../output.ts';

const line = {
  program: 'ecg-transplant export',
  usage: 'JOB --format savedmodel|onnx --output PATH [options]',
  about: `Writes the best network of a finished finetuning job as a model that other programs can run without this package: a SavedModel for TensorFlow, or an
ONNX file for ONNX Runtime (Python, Node, browsers, C++). The model takes recordings in mV at its sampling rate and returns probabilities; it
normalises and pads by itself. Class names, leads, sampling rate and the preparation of the training data are inside the model. For research,
not for diagnosis.`,
  words: { name: 'JOB', help: 'folder of the finetuning job' },
  flags: {
    Options: {
      format: { value: 'FORMAT', type: oneOf(exportFormats), required: true, help: 'format of the model' },
      output: { value: 'PATH', required: true, help: 'folder (savedmodel) or file (onnx) to write; must not exist' },
      metadata: {
        value: 'FILE',
        help: 'write the description inside the model as JSON too, for programs that cannot read it there, such as browsers',
      },
    },
  },
  examples: `ecg-transplant export jobs/af --format onnx --output af.onnx --metadata af.json
ecg-transplant export jobs/af --format savedmodel --output af_model`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant export`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { format, output, metadata } = values;
  const { input, activation, classes } = exportJob({
    jobDir: words[0],
    format,
    output,
    metadata,
    report: reporterFor(),
  });
  const { samples, samplingRate, leads, units, name } = input;
  const size = format === 'onnx' ? ` (${(statSync(output).size / 1e6).toFixed(1)} MB)` : '';
  print(`${output}${size}
  input   ${name}: (batch, time, ${leads.length}), float32, ${units} at ${samplingRate} Hz; leads ${leads.join(', ')}; the network sees ${samples} samples
  output  probabilities: (batch, ${classes.length}), ${activation} of ${classes.join(', ')}
`);
  return 0;
}
