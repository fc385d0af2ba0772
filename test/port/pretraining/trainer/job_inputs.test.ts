import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../../../src/events.ts';
import { ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../../src/lib/numpy/random.ts';
import { createSolver } from '../../../../src/port/pretraining/trainer/solver.ts';
import { type PretrainOptions, pretrain } from '../../../../src/port/pretraining/trainer.ts';
import { savePkl } from '../../../../src/port/transplant/utils.ts';
import { writeIcentiaPatient } from '../../../../src/synthetic/write_icentia.ts';
import { saveSession } from '../../../../src/weights/model_weights.ts';
import { temporaryFolder } from '../../training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const frameSize = 128;

const job = {
  task: 'beat',
  train: at('patients'),
  unzipped: true,
  patients: '0-3',
  stages: 1,
  frameSize,
  batchSize: 8,
  samplesPerPatient: 4,
  stepsPerEpoch: 2,
  initSeed: 2,
  seed: 3,
} as const satisfies Partial<PretrainOptions>;

/** A data file of frames whose patients are 0, 1, 2, …; `change` edits its arrays. */
async function writeFrames(
  name: string,
  change: (x: Float32Array, y: Int32Array) => void = () => {},
  frames = 12,
): Promise<string> {
  const x = Float32Array.from(new RandomState(1).randomSample(frames * frameSize));
  const y = Int32Array.from({ length: frames }, (_, i) => i % 4);
  change(x, y);
  await savePkl(at(name), {
    x: ndarray('float32', [frames, frameSize, 1], x),
    y: ndarray('int32', [frames], y),
    patient_ids: ndarray(
      'int64',
      [frames],
      BigInt64Array.from(y, (_, i) => BigInt(i % 6)),
    ),
  });
  return at(name);
}

const ofFile = { unzipped: false, patients: undefined };

beforeAll(async () => {
  for (const name of ['patients', 'zipped', 'other-labels']) mkdirSync(at(name), { recursive: true });
  for (let id = 0; id < 4; id++) {
    const samples = id === 3 ? 300 : 2000;
    await writeIcentiaPatient(
      id,
      { seed: 1, segments: 2, samples },
      { unzipped: at('patients'), zipped: at('zipped') },
    );
  }
  cpSync(at('patients'), at('other-labels'), { recursive: true });
  await writeIcentiaPatient(9, { seed: 1, segments: 1, samples: 2000 }, { unzipped: at('other-labels') });
  cpSync(at('other-labels', '00009_batched_lbls.npz'), at('other-labels', '00002_batched_lbls.npz'));
});

describe('inputs of a pretraining job are checked before its first step', () => {
  const options: Record<string, [Partial<PretrainOptions>, string]> = {
    'frames longer than the segments of a patient': [
      { frameSize: 300 },
      `${at('patients', '00003_batched.npy')}, patient 3: segments are too short for the frames; got 300 samples; expected more than 300. Choose a --frame-size below 300, or leave the patient out with --patients.`,
    ],
    'a context longer than the segments': [
      { task: 'cpc', contextSize: 2, positiveOffset: 1 },
      'patient 3: segments are too short for context and positive sample; got 300 samples; expected more than 512',
    ],
    'labels of another number of segments': [
      { train: at('other-labels') },
      `${at('other-labels', '00002_batched_lbls.npz')}: labels and signal have different numbers of segments; got labels of 1 segments; expected 2`,
    ],
    'an odd frame of heart rates': [
      { task: 'hr', frameSize: 127 },
      '--frame-size 127: the task hr takes even sizes, such as 128',
    ],
    'contexts that overlap wholly': [
      { task: 'cpc', contextOverlap: 128 },
      '--context-overlap: got 128, expected less than --frame-size 128',
    ],
    'a negative offset': [
      { task: 'cpc', positiveOffset: -1 },
      '--positive-offset: got -1, expected a whole number of at least 0',
    ],
    'f1 without validation': [{ valMetric: 'f1' }, '--val-metric f1 needs validation data'],
    'f1 on a CPC file, which is not split': [
      { ...ofFile, task: 'cpc', valMetric: 'f1', valPatients: 2, train: at('frames.pkl') },
      '--val-metric f1 needs validation data',
    ],
    'no stage': [{ stages: 0 }, 'stage'],
    'all patients for validation': [
      { valPatients: 4 },
      `--val-patients 4 leaves none of the 4 patients of ${at('patients')} to train on: expected a fraction between 0 and 1 or a whole number of 1 to 3`,
    ],
    'fewer training patients than generators': [
      { valPatients: 2, dataParallelism: 3 },
      '2 training patients for 3 generators',
    ],
    'a folder for --cache-val that is not there': [
      { valPatients: 1, cacheVal: at('none', 'val.pkl') },
      'the folder does not exist',
    ],
    'a file without frames': [{ ...ofFile, train: at('empty.pkl') }, `${at('empty.pkl')}: the file has no frames`],
    'labels of another task': [
      { ...ofFile, train: at('rhythm.pkl') },
      `${at('rhythm.pkl')}, frame 7: a label is not a class of the task beat; got 5; expected 0 to 4. Use the --task`,
    ],
    'negative labels to validate with': [
      { ...ofFile, train: at('frames.pkl'), valFile: at('negative.pkl') },
      `${at('negative.pkl')}, frame 3: a label is not a class of the task beat; got -1`,
    ],
    NaN: [
      { ...ofFile, train: at('nan.pkl') },
      `${at('nan.pkl')}, x, frame 2: a frame has missing (NaN) or infinite samples`,
    ],
    'a validation file of all patients': [
      { ...ofFile, train: at('frames.pkl'), valFile: at('frames.pkl') },
      `${at('frames.pkl')}: no frames are left to train on; got 12 frames, all of patients of ${at('frames.pkl')}`,
    ],
    'all patients of a file for validation': [
      { ...ofFile, train: at('frames.pkl'), valPatients: 6 },
      '--val-patients 6 leaves none of the 6 patients of',
    ],
    'weights of another task': [
      { task: 'rhythm', weightsFile: at('beat.weights.h5') },
      `${at('beat.weights.h5')}: the weights are of another network than the options describe; got resnet18 pretraining model for beat, 1 stage, 1 lead; expected resnet18 pretraining model for rhythm, 1 stage, 1 lead`,
    ],
    'weights of another architecture': [
      { arch: 'resnet34', weightsFile: at('beat.weights.h5') },
      'expected resnet34 pretraining model for beat, 1 stage, 1 lead',
    ],
  };

  beforeAll(async () => {
    await writeFrames('frames.pkl');
    await writeFrames('empty.pkl', undefined, 0);
    await writeFrames('rhythm.pkl', (_, y) => y.set([5], 7));
    await writeFrames('negative.pkl', (_, y) => y.set([-1], 3));
    await writeFrames('nan.pkl', (x) => x.set([Number.NaN], 2 * frameSize + 5));
    const session = createSolver({ ...job, jobDir: at('beat') }, 1);
    await saveSession(session, at('beat.weights.h5'));
    session.dispose();
  });

  test.for(Object.entries(options))('%s', async ([name, [given, message]]) => {
    const said: ProgressEvent[] = [];
    const jobDir = at(`refused-${name.replace(/\W/g, '-')}`);
    await expect(pretrain({ ...job, ...given, jobDir }, { report: (event) => said.push(event) })).rejects.toThrow(
      message,
    );
    expect(
      said.filter((event) => event.kind === 'start' || ('text' in event && /Collecting/.test(event.text))),
    ).toEqual([]);
  });

  test('lengths of zipped patients are those of the description', async () => {
    const patient = { segments: 2, samples: 2000, sum: 0, sumOfSquares: 1 };
    const description = {
      source: 'PhysioNet icentia11k-continuous-ecg (WFDB)',
      unit: 'mV',
      samplingRate: 250,
      dtype: 'float32',
      unzipped: false,
      mean: 0,
      std: 1,
      patients: { 0: patient, 3: { ...patient, samples: 300 } },
    };
    writeFileSync(at('zipped', 'icentia11k.json'), JSON.stringify(description));
    const zipped = { ...job, train: at('zipped'), unzipped: false, frameSize: 512, jobDir: at('described') };
    await expect(pretrain({ ...zipped, patients: '0,3' })).rejects.toThrow(
      'icentia11k.json, patient 3: segments are too short for the frames; got 300 samples; expected more than 512',
    );
  });

  test('starts from weights that fit, and reports that one batch takes all frames', async () => {
    const said: string[] = [];
    const report = (event: ProgressEvent): void => void said.push('text' in event ? event.text : '');
    const given = { ...job, ...ofFile, train: at('frames.pkl'), batchSize: 32, weightsFile: at('beat.weights.h5') };
    expect((await pretrain({ ...given, jobDir: at('fits') }, { report })).history).toHaveLength(1);
    expect(said).toContain('--batch-size 32: each epoch is one step of all 12 training frames');
  });
});
