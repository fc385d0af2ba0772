import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { oneOf } from '../lib/argparse/types.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { type Conversion, convertIcentia11k } from '../prepare/icentia11k/convert.ts';
import { descriptionFile } from '../prepare/icentia11k/description.ts';
import { formatIds } from '../prepare/icentia11k/patient_ids.ts';
import { oneLine } from '../text.ts';
import { ids } from './flags.ts';

const line = {
  program: 'ecg-transplant convert-icentia',
  about: `Converts PhysioNet's WFDB edition of Icentia11k (folders p00, p01, …) to the files that pretraining reads: ppppp_batched.pkl.gz and
ppppp_batched_lbls.pkl.gz, the form in which the data set was first distributed. Run it again to continue: converted patients are kept.
A patient that cannot be converted is reported and skipped, and the exit code is then 1. After Ctrl-C or SIGTERM it is 75.`,
  flags: {
    Options: {
      source: { value: 'DIR', required: true, help: 'folder icentia11k-continuous-ecg' },
      target: { value: 'DIR', required: true, help: 'folder for the converted files, created if missing' },
      unzipped: { help: 'write unzipped files (.npy and .npz): ten times faster to train from, and no smaller' },
      patients: {
        value: 'LIST',
        type: ids,
        help: 'only these patients, such as 0-19,25',
        defaultText: 'all that exist',
      },
      segments: {
        value: 'LIST',
        type: ids,
        help: 'only these segments of each patient',
        defaultText: 'all that exist',
      },
      dtype: {
        value: 'TYPE',
        type: oneOf(['float32', 'float64']),
        default: 'float32',
        help: 'element type: float32 or float64',
      },
      skipUnknown: {
        help: 'leave out annotations that are not in the edition (see data/README.md) and list them at the end, instead of skipping the patient',
      },
      force: { help: 'convert patients again whose files exist' },
    },
  },
  notes: `The signal is in mV. The unit of the first distribution is not known: its authors normalise with mean 0.0018 and standard deviation
1.3711, while PhysioNet's patient 0 has standard deviations of 0.11 to 0.21 mV. Therefore the mean and standard deviation of the converted
signals are written to ${descriptionFile}, to normalise with. A network pretrained with other constants sees recordings at another scale.`,
  examples: 'ecg-transplant convert-icentia --source data/icentia11k --target data/icentia11k-converted --unzipped',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

export const pauses = true;

/** `ecg-transplant convert-icentia`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const { patients, ...options } = values;
  const { target } = options;
  checkOutputFolder(target, { flag: '--target' });
  const pause = new PauseSignals(undefined);
  try {
    const conversion = await convertIcentia11k({
      ...options,
      patientIds: patients,
      report: reporterFor(),
      signal: pause.signal,
    });
    show(target, conversion);
    if (conversion.stopped) return pausedCode;
    return conversion.failed.length > 0 ? 1 : 0;
  } finally {
    pause.dispose();
  }
}

function show(target: string, { description, failed, stopped }: Conversion): void {
  if (description) {
    const { patients, mean, std } = description;
    print(`${target}: ${Object.keys(patients).length} patients, mean ${mean} mV, standard deviation ${std} mV\n`);
    for (const [annotation, { count, ids }] of unknownOf(description)) {
      print(`left out: ${count} × ${oneLine(annotation)}, in patients ${formatIds(ids)}\n`);
    }
  }
  if (failed.length > 0) {
    printError(`Not converted: ${failed.length} patients. To try them again, repeat the command.\n`);
    for (const { id, error } of failed) printError(`  patient ${id}: ${oneLine(error.message)}\n`);
  }
  if (stopped) printError('Stopped. Patients that are already converted are kept; to continue, repeat the command\n');
}

/** Unknown annotations that were left out, with counts and patients, in this run and earlier ones. */
function unknownOf({
  patients,
}: NonNullable<Conversion['description']>): Map<string, { count: number; ids: number[] }> {
  const found = new Map<string, { count: number; ids: number[] }>();
  for (const [id, { unknown = {} }] of Object.entries(patients)) {
    for (const [annotation, count] of Object.entries(unknown)) {
      const before = found.get(annotation) ?? { count: 0, ids: [] };
      found.set(annotation, { count: before.count + count, ids: [...before.ids, Number(id)] });
    }
  }
  return found;
}
