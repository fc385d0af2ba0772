import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError } from '../errors.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { identifyModel } from '../networks/identify.ts';
import { buildNetwork, describeModel } from '../networks/network.ts';
import { print } from '../output.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import type { PretrainingTask } from '../port/pretraining/utils.ts';
import { getPretrainedWeights } from '../port/pretraining/utils.ts';
import {
  findWeights,
  formatOfName,
  readWeights,
  type WeightFormat,
  weightFiles,
  writeWeights,
} from '../weights/files.ts';
import { matchWeights } from '../weights/loading.ts';
import { required, weightOptions } from './weight_options.ts';

export const help = `ecg-transplant weights --checkpoint-file FILE --task TASK [options]
ecg-transplant weights --checkpoint-file FILE --format FORMAT --output FILE

With --task: takes the backbone out of a pretraining checkpoint and saves it for finetuning
(get_pretrained_weights and save_weights of the original). Without: writes a whole model in another format.

  --checkpoint-file FILE  a .weights.h5 or .keras file, or a TensorFlow checkpoint by its prefix, e.g.
                          jobs/beat_classification/epoch_01/model.weights (for model.weights.index)
  --task TASK             rhythm, beat, hr or cpc: the task the checkpoint was trained on
  --arch ARCH             resnet18 (default), resnet34 or resnet50
  --stages N              stages of the backbone, if pretraining used --stages
  --format FORMAT         keras (.weights.h5, default) or tensorflow (a checkpoint, as tf.keras 2 uses it)
  --output FILE           default: <arch>.weights.h5 or <arch>.weights beside the checkpoint;
                          a name that ends in .weights.h5 means keras, any other tensorflow
  --force                 replace a file that is there

The state of the optimiser is not carried over: neither original reads it when weights are loaded.
`;

/** What `ecg-transplant weights` does. */
export interface WeightsOptions {
  readonly checkpointFile: string;
  /** Take the backbone out of this task's model; absent: convert the whole model. */
  readonly task?: PretrainingTask;
  /** Default `resnet18`; read from the file where the whole model is converted. */
  readonly arch?: Arch;
  readonly stages?: number;
  readonly format?: WeightFormat;
  readonly output?: string;
  /** Replace a file that is there. */
  readonly force?: boolean;
}

/** Writes the weights; resolves to the file (or checkpoint prefix) and one line about its content. */
export async function extractWeights(options: WeightsOptions): Promise<{ output: string; content: string }> {
  const { checkpointFile, task, arch = 'resnet18', stages, force } = options;
  const format = options.format ?? (options.output === undefined ? 'keras' : formatOfName(options.output));
  if (task === undefined) {
    const output = required('--output (or --task)', options.output);
    checkOutput(checkpointFile, output, format, force);
    const file = readWeights(checkpointFile);
    const model = identifyModel(file);
    if (model === undefined) {
      throw new InputError('weights of no network of this project', {
        file: file.file,
        next: `See what it holds: ecg-transplant inspect ${checkpointFile}`,
      });
    }
    const network = buildNetwork(model);
    await writeWeights(output, network, matchWeights(file, network.weights).assigned, { format });
    return { output, content: describeModel(model) };
  }
  const output = options.output ?? join(dirname(checkpointFile), `${arch}.weights${format === 'keras' ? '.h5' : ''}`);
  checkOutput(checkpointFile, output, format, force);
  const { model, weights } = getPretrainedWeights(checkpointFile, task, arch, stages);
  await writeWeights(output, model, weights, { format });
  return { output, content: describeModel({ arch, stages }) };
}

/** Checks that the output can be written, replaces nothing unasked and least of all its own source. */
function checkOutput(source: string, output: string, format: WeightFormat, force: boolean | undefined): void {
  const found = findWeights(source);
  const from = weightFiles(found.file, found.format).map(identityOf);
  const to = weightFiles(output, format);
  const same = to.map(identityOf).some((identity) => identity !== undefined && from.includes(identity));
  if (same) {
    throw new InputError('the output would replace the checkpoint it is made from', {
      file: output,
      next: 'Give another --output.',
    });
  }
  for (const file of to) checkOutputFile(file, { replace: force });
}

function identityOf(path: string): string | undefined {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status && `${status.dev}:${status.ino}`;
}

/** `ecg-transplant weights`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'checkpoint-file': { type: 'string' },
      task: { type: 'string' },
      arch: { type: 'string' },
      stages: { type: 'string' },
      format: { type: 'string' },
      output: { type: 'string' },
      force: { type: 'boolean' },
    },
  });
  const checkpointFile = required('--checkpoint-file', values['checkpoint-file']);
  const { output, content } = await extractWeights({
    checkpointFile,
    ...weightOptions(values),
    output: values.output,
    force: values.force,
  });
  print(`Saved ${output}: ${content}\n`);
  return 0;
}
