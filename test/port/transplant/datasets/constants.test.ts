import { describe, expect, it } from 'vitest';
import * as icentia11k from '../../../../src/port/transplant/datasets/icentia11k.ts';
import * as physionet from '../../../../src/port/transplant/datasets/physionet.ts';
import { runPython } from '../../../python.ts';

const program = `
import json
import numpy as np
from transplant.datasets import icentia11k, physionet

def plain(value):
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    return np.asarray(value).tolist()

names = {
    icentia11k: ["ds_segment_size", "ds_frame_size", "ds_patient_ids", "ds_sampling_rate", "ds_mean", "ds_std",
                 "ds_beat_names", "ds_rhythm_names", "ds_hr_names"],
    physionet: ["challenge17_mean", "challenge17_std", "challenge20_mean", "challenge20_std", "ptb_xl_mean", "ptb_xl_std"],
}
print(json.dumps([[plain(getattr(module, name)) for name in listed] for module, listed in names.items()]))`;

/** As Python prints it: arrays and records as lists and dicts. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  if (value !== null && typeof value === 'object' && 'data' in value) return plain(value.data);
  return JSON.parse(JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value));
}

describe('constants of the data sets', () => {
  it('transplant.datasets.icentia11k and .physionet hold the same', async () => {
    const { dsSegmentSize, dsFrameSize, dsPatientIds, dsSamplingRate, dsMean, dsStd } = icentia11k;
    const { dsBeatNames, dsRhythmNames, dsHrNames } = icentia11k;
    const { challenge17Mean, challenge17Std, challenge20Mean, challenge20Std, ptbXlMean, ptbXlStd } = physionet;
    const ours = [
      [dsSegmentSize, dsFrameSize, dsPatientIds, dsSamplingRate, dsMean, dsStd, dsBeatNames, dsRhythmNames, dsHrNames],
      [challenge17Mean, challenge17Std, challenge20Mean, challenge20Std, ptbXlMean, ptbXlStd],
    ].map((values) => values.map(plain));
    const theirs = JSON.parse(await runPython(['-c', program])) as unknown[][];
    // Names by code: a list here, a dict there.
    const named = (value: unknown): unknown =>
      Array.isArray(value) && typeof value[0] === 'string'
        ? Object.fromEntries(value.map((name, i) => [i, name]))
        : value;
    expect(ours.map((values) => values.map(named))).toEqual(theirs);
  });
});
