import { parseArgs } from 'node:util';
import { print } from '../output.ts';
import { adjustNetwork } from '../port/finetuning/adjust_network.ts';
import { required, weightOptions } from './weight_options.ts';
import { wholeNumber } from './whole_number.ts';

export const help = `ecg-transplant adjust-network --weights-file FILE --channels N [options]

Fits the weights of a one-lead backbone to several leads: each lead gets an equal share of the first kernel.

  --weights-file FILE  a .weights.h5 or .keras file, or a TensorFlow checkpoint by its prefix (resnet18.weights)
  --channels N         number of leads
  --arch ARCH          resnet18 (default), resnet34 or resnet50
  --stages N           stages of the backbone; default all
  --format FORMAT      keras or tensorflow; default as the input
  --force              replace a file that is there

Writes beside the input: resnet18.adjusted.weights.h5 (keras) or resnet18.weights.adjusted (tensorflow).
`;

/** `ecg-transplant adjust-network`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'weights-file': { type: 'string' },
      channels: { type: 'string' },
      arch: { type: 'string' },
      stages: { type: 'string' },
      format: { type: 'string' },
      force: { type: 'boolean' },
    },
  });
  const { arch, stages, format } = weightOptions(values);
  const weightsFile = required('--weights-file', values['weights-file']);
  const output = await adjustNetwork({
    weightsFile,
    channels: wholeNumber('--channels', required('--channels', values.channels), 1, 100_000),
    arch,
    stages,
    format,
    replace: values.force ?? false,
  });
  print(`Saved ${output}\n`);
  return 0;
}
