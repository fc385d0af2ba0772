import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { typeOf } from '../lib/argparse/types.ts';
import { print } from '../output.ts';
import { publishJob } from '../publish/publish.ts';

const licence = typeOf('the identifier of a licence as Hugging Face knows it, such as cc-by-4.0', (text) =>
  /^[a-z0-9][a-z0-9.-]{0,60}$/.test(text) ? text : undefined,
);

const line = {
  program: 'ecg-transplant publish',
  usage: 'JOB --to DIR [options]',
  about: `Writes the network of a finished finetuning job into a folder that others can use: upload it to a web server or to a model repository of Hugging
Face. It holds the best weights (Keras and safetensors), how recordings are prepared, a model card with the scores of the job, and
checksums; no recordings, no predictions, no names of records or patients. Others predict with its address: ecg-transplant predict --job-dir
https://… For research, not for diagnosis.`,
  words: { name: 'JOB', help: 'folder of the finetuning job' },
  flags: {
    Options: {
      to: { value: 'DIR', required: true, help: 'folder to write; must not exist' },
      title: { value: 'TEXT', help: 'name of the model in its card', defaultText: 'that of the job folder' },
      licence: {
        value: 'ID',
        type: licence,
        help: 'licence of the weights, such as cc-by-4.0',
        defaultText: 'cc-by-nc-sa-4.0 if they began from weights that may be trained on Icentia11k, else not stated',
      },
    },
  },
  notes:
    'Read README.md before you upload the folder: whether you may share a network that was trained on recordings of patients is for you to decide.',
  examples: `ecg-transplant publish jobs/af --to af-model
ecg-transplant publish jobs/mine --to my-model --title "AF in my recordings" --licence cc-by-4.0`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant publish`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { to: target, title } = values;
  const {
    files,
    sha256,
    licence: stated,
  } = await publishJob({
    jobDir: words[0],
    target,
    title,
    licence: values.licence,
    report: reporterFor(),
  });
  print(`${target}: ${files.join(', ')}
  licence   ${stated ?? 'not stated: add --licence, such as cc-by-4.0'}
  checksum  #sha256=${sha256} behind its address makes sure that predict gets this folder
`);
  return 0;
}
