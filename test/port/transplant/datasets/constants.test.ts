import { expect, it } from 'vitest';
import { constantOf, proves } from '../../../proofs/proves.ts';
import { runPython } from '../../../python.ts';

const names = {
  icentia11k: [
    ...['ds_segment_size', 'ds_frame_size', 'ds_patient_ids', 'ds_sampling_rate', 'ds_mean', 'ds_std'],
    ...['ds_beat_names', 'ds_rhythm_names', 'ds_hr_names'],
  ],
  physionet: [
    ...['challenge17_mean', 'challenge17_std', 'challenge20_mean', 'challenge20_std', 'ptb_xl_mean', 'ptb_xl_std'],
  ],
};

const program = `
import importlib, json, sys
import numpy as np

def plain(value):
    # Names by code: a list in the port.
    return list(value.values()) if isinstance(value, dict) else np.asarray(value).tolist()

modules = {name: importlib.import_module(f"transplant.datasets.{name}") for name in ("icentia11k", "physionet")}
print(json.dumps({
    f"transplant.datasets.{module}.{name}": plain(getattr(modules[module], name))
    for module, names in json.load(sys.stdin).items() for name in names
}))`;

it('transplant.datasets.icentia11k and .physionet: constants are equal', async () => {
  proves('transplant.datasets.icentia11k.ds_segment_size', 'transplant.datasets.icentia11k.ds_frame_size');
  proves('transplant.datasets.icentia11k.ds_patient_ids', 'transplant.datasets.icentia11k.ds_sampling_rate');
  proves('transplant.datasets.icentia11k.ds_mean', 'transplant.datasets.icentia11k.ds_std');
  proves('transplant.datasets.icentia11k.ds_beat_names', 'transplant.datasets.icentia11k.ds_rhythm_names');
  proves('transplant.datasets.icentia11k.ds_hr_names');
  proves('transplant.datasets.physionet.challenge17_mean', 'transplant.datasets.physionet.challenge17_std');
  proves('transplant.datasets.physionet.challenge20_mean', 'transplant.datasets.physionet.challenge20_std');
  proves('transplant.datasets.physionet.ptb_xl_mean', 'transplant.datasets.physionet.ptb_xl_std');
  const theirs = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(names) }));
  const ours = Object.entries(names).flatMap(([module, listed]) =>
    listed.map(async (name) => {
      const whole = `transplant.datasets.${module}.${name}`;
      return [whole, await constantOf(whole)];
    }),
  );
  expect(Object.fromEntries(await Promise.all(ours))).toEqual(theirs);
});
