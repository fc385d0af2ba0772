import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { type Conversion, convertIcentia11k } from '../prepare/icentia11k/convert.ts';
import { descriptionFile } from '../prepare/icentia11k/description.ts';
import { formatIds, parseIds } from '../prepare/icentia11k/patient_ids.ts';
import { oneLine } from '../text.ts';

export const help = `ecg-transplant convert-icentia --source DIR --target DIR [options]

Converts PhysioNet's WFDB edition of Icentia11k (folders p00, p01, …) to the files that pretraining reads: ppppp_batched.pkl.gz and
ppppp_batched_lbls.pkl.gz, as the data set was first distributed. Repeat the command to continue: patients that are converted are left as
they are. A patient that cannot be converted is reported and passed over; the exit code is 1 then, and 75 after Ctrl-C or SIGTERM.

  --source DIR      folder of icentia11k-continuous-ecg
  --target DIR      folder for the files; created
  --unzipped        write the unzipped form instead (.npy and .npz, ten times faster to train from, no smaller)
  --patients LIST   only these, for example 0-19,25 [all that are there]
  --segments LIST   only these segments of each patient [all that are there]
  --dtype TYPE      float32 or float64 [float32]
  --skip-unknown    leave out annotations that the edition does not have, and list them at the end; without it, a patient with one is not
                    converted (data/README.md lists the edition's annotations)
  --force           convert patients again whose files are there

The signal is in mV. In which unit the first distribution was is not known: its authors normalise with mean 0.0018 and standard deviation
1.3711, while PhysioNet's patient 0 has 0.11 to 0.21 mV. So the mean and the standard deviation of what was converted are measured and
written to ${descriptionFile}, to normalise with. A network that was pretrained with other constants sees recordings of another height.
`;

export const pauses = true;

/** `ecg-transplant convert-icentia`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      source: { type: 'string' },
      target: { type: 'string' },
      unzipped: { type: 'boolean' },
      patients: { type: 'string' },
      segments: { type: 'string' },
      dtype: { type: 'string', default: 'float32' },
      'skip-unknown': { type: 'boolean' },
      force: { type: 'boolean' },
    },
  });
  const { source, target, dtype } = values;
  if (source === undefined || target === undefined) {
    throw new UsageError('a folder is missing', { expected: '--source DIR and --target DIR' });
  }
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new UsageError('--dtype is not known', { got: dtype, expected: 'float32 or float64' });
  }
  checkOutputFolder(target, { flag: '--target' });
  const pause = new PauseSignals(undefined);
  try {
    const conversion = await convertIcentia11k({
      source,
      target,
      dtype,
      unzipped: values.unzipped,
      force: values.force,
      skipUnknown: values['skip-unknown'],
      patientIds: values.patients === undefined ? undefined : parseIds(values.patients, '--patients'),
      segments: values.segments === undefined ? undefined : parseIds(values.segments, '--segments'),
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
    printError(`Not converted: ${failed.length} patients. The same command tries them again.\n`);
    for (const { id, error } of failed) printError(`  patient ${id}: ${oneLine(error.message)}\n`);
  }
  if (stopped) printError('Stopped; the patients that are converted stay. Go on: the same command\n');
}

/** What was left out, how often and of which patients, in this run and in earlier ones. */
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
