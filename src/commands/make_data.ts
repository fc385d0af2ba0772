import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { listOf, number, oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print } from '../output.ts';
import { dataSets, makeData } from '../synthetic/make_data.ts';
import { drawPictures } from '../synthetic/pictures.ts';

const forms = ['zipped', 'unzipped', 'wfdb'] as const;

const line = {
  program: 'ecg-transplant make-data',
  usage: '(--target DIR | --pictures DIR) [options]',
  about: `Makes ECG recordings from a dynamical model (McSharry et al. 2003) in the file formats of the real data sets, so that every step can be
tried without them: sinus rhythm, atrial fibrillation and flutter, brady- and tachycardia, premature beats, noise.`,
  flags: {
    Output: {
      target: { value: 'DIR', help: 'folder in which each data set gets its own folder' },
      pictures: { value: 'DIR', help: 'draw one recording of each kind instead (SVG), as in docs/generated-data.md' },
      force: { help: 'replace data and pictures that exist' },
    },
    'What to make': {
      sets: {
        value: 'LIST',
        type: listOf(oneOf(dataSets)),
        help: `data sets: ${dataSets.join(', ')}`,
        defaultText: 'all',
      },
      seed: {
        value: 'N',
        type: wholeNumber(0, 2 ** 32 - 1),
        help: 'seed; the same seed gives the same recordings',
        defaultText: '1',
      },
    },
    'challenge17, challenge20, ptbxl': {
      records: { value: 'N', type: wholeNumber(1, 99_999), help: 'recordings in each set', defaultText: '200' },
      seconds: {
        value: 'S',
        type: number,
        help: 'length of each recording, 2 to 3600',
        defaultText: 'as in the data set',
      },
    },
    icentia: {
      patients: { value: 'N', type: wholeNumber(1, 99_999), help: 'patients', defaultText: '20' },
      segments: { value: 'N', type: wholeNumber(1, 99_999), help: 'segments of each patient', defaultText: '4' },
      samples: {
        value: 'N',
        type: wholeNumber(500, 2 ** 22),
        help: 'samples of each segment, at 250 Hz',
        defaultText: '65536',
      },
      forms: {
        value: 'LIST',
        type: listOf(oneOf(forms)),
        help: `file formats: ${forms.join(', ')}`,
        defaultText: 'all',
      },
    },
  },
  notes: 'Generated recordings are for trials and tests. Figures obtained with them say nothing about medicine.',
  examples: 'ecg-transplant make-data --target data/generated --sets challenge17 --records 40',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant make-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  if (values.pictures !== undefined) {
    for (const name of drawPictures(values.pictures, { replace: values.force }))
      print(`${join(values.pictures, name)}\n`);
    return 0;
  }
  const { target, pictures: _pictures, ...options } = values;
  if (target === undefined) throw new UsageError('the following arguments are required: --target');
  checkOutputFolder(target, { flag: '--target' });
  const folders = await makeData({ ...options, target, report: reporterFor() });
  for (const [set, folder] of Object.entries(folders)) print(`${set}: ${folder}\n`);
  return 0;
}
