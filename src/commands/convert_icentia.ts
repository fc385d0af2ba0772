import { parseArgs } from 'node:util';
import { InputError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { print } from '../output.ts';
import { convertIcentia11k, descriptionFile } from '../port/pretraining/convert_icentia11k.ts';
import { parseIds } from '../port/pretraining/patient_ids.ts';

export const help = `ecg-transplant convert-icentia --source DIR --target DIR [options]

Converts PhysioNet's WFDB edition of Icentia11k (folders p00, p01, …) to the files that pretraining reads: ppppp_batched.pkl.gz and
ppppp_batched_lbls.pkl.gz, as the data set was first distributed. Patients that are converted already are left as they are, so an
interrupted run can be repeated.

  --source DIR      folder of icentia11k-continuous-ecg
  --target DIR      folder for the files; created
  --unzipped        write the unzipped form instead (.npy and .npz, ten times faster to train from, no smaller)
  --patients LIST   only these, for example 0-19,25; default all that are there
  --segments LIST   only these segments of each patient; default all, which must be numbered without a gap
  --dtype TYPE      float32 (default) or float64
  --force           convert patients again whose files are there

The signal is in mV. In which unit the first distribution was is not known: its authors normalise with mean 0.0018 and standard deviation
1.3711, while PhysioNet's patient 0 has 0.11 to 0.21 mV. So the mean and the standard deviation of what was converted are measured and
written to ${descriptionFile}, to normalise with. A network that was pretrained with other constants sees recordings of another height.
`;

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
      force: { type: 'boolean' },
    },
  });
  const { source, target, dtype } = values;
  if (source === undefined || target === undefined) {
    throw new InputError('a folder is missing', { expected: '--source DIR and --target DIR' });
  }
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new InputError('--dtype is not known', { got: dtype, expected: 'float32 or float64' });
  }
  const reporter = reporterFor();
  const { patients, mean, std } = await convertIcentia11k({
    source,
    target,
    dtype,
    unzipped: values.unzipped,
    force: values.force,
    patientIds: values.patients === undefined ? undefined : parseIds(values.patients, '--patients'),
    segments: values.segments === undefined ? undefined : parseIds(values.segments, '--segments'),
    reporter,
  });
  print(`${target}: ${Object.keys(patients).length} patients, mean ${mean} mV, standard deviation ${std} mV\n`);
  return 0;
}
