import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { isComplete, readConfig } from '../../src/jobs/job.ts';
import { readJobModel } from '../../src/jobs/job_model.ts';
import { thresholdsOf } from '../../src/jobs/job_thresholds.ts';
import { readDescription } from '../../src/prepare/icentia11k/description.ts';
import { readPreprocessing } from '../../src/prepare/preprocessing.ts';
import { describeJsonFile, type JsonFile } from '../lib/json/variants.ts';
import { config, description, digest, model, preprocessing, thresholds } from '../port/sound_files.ts';

const folder = mkdtempSync(join(tmpdir(), 'json-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const files: readonly JsonFile[] = [
  {
    path: join(folder, 'model.json'),
    sound: model,
    read: () => {
      rmSync(join(folder, 'preprocessing.json'), { force: true });
      return readJobModel(folder).model;
    },
    refused: [
      ['format', { format: 2 }],
      ['samples', { samples: 0 }],
      ['samples', { samples: 2 ** 31 }],
      ['samples', { samples: 2 ** 30, leads: 12 }],
      ['leads', { leads: 1e9 }],
      ['leads', { leads: 1.5 }],
      ['classes', { classes: [] }],
      ['classes', { classes: Array(100_000).fill('x') }],
      ['arch', { arch: 'resnet1000' }],
      ['precision', { precision: 'float8' }],
      ['channel', { channel: 1e12 }],
    ],
  },
  {
    path: join(folder, 'preprocessing.json'),
    sound: preprocessing,
    read: () => {
      writeFileSync(join(folder, 'model.json'), JSON.stringify(model));
      return readJobModel(folder).preprocessing;
    },
    refused: [
      ['format', { format: 2 }],
      ['samplingRate', { samplingRate: -250 }],
      ['samplingRate', { samplingRate: 1e9 }],
      ['leads', { leads: [] }],
      ['leads', { leads: ['I'], normalization: null }],
      ['normalization', { normalization: { mean: [0], std: [1] } }],
      ['normalization.std', { normalization: { mean: 0, std: 0 } }],
      ['padding.samples', { padding: { samples: 2 ** 33, side: 'front', value: 0 } }],
      ['padding.samples', { padding: { samples: 1000, side: 'front', value: 0 } }],
      ['padding', { padding: { samples: 2 ** 30, side: 'front', value: 0 } }],
      ['files.train.file', { files: { train: { file: '../train.pkl', records: 48, sha256: digest } } }],
    ],
    optional: ['source.index[', 'files.train'],
  },
  {
    path: join(folder, 'preprocessing.json'),
    sound: { physionet: preprocessing },
    read: () => ({ physionet: readPreprocessing(join(folder, 'physionet_train.pkl')) }),
    refused: [['physionet.format', { physionet: { ...preprocessing, format: 2 } }]],
    optional: ['physionet', 'physionet.source.index[', 'physionet.files.train'],
    withMore: { physionet: { ...preprocessing, later: { x: 1 } } },
  },
  {
    path: join(folder, 'config.json'),
    sound: config,
    read: () => readConfig(folder, 'finetune'),
    refused: [
      ['format', { format: 2 }],
      ['seed', { seed: -1 }],
      ['seed', { seed: 2 ** 60 }],
      ['inputs["/data/train.pkl"]', { inputs: { '/data/train.pkl': -1 } }],
    ],
    optional: ['options.', 'inputs.', 'inputs[', 'environment.libraries[', 'environment.settings.'],
    free: ['options.'],
  },
  {
    path: join(folder, 'thresholds.json'),
    sound: thresholds,
    read: () => thresholdsOf(folder, model, 'job'),
    refused: [
      ['format', { format: 2 }],
      ['rule', { rule: 'f2' }],
      ['rule', { rule: 'sensitivity=2' }],
      ['records', { records: -1 }],
      ['classes', { classes: [] }],
      ['classes[0].threshold', { classes: [{ name: 'A', threshold: 1.5, chosen: true }] }],
      ['classes[0].threshold', { classes: [{ name: 'A', threshold: Number.NaN, chosen: true }] }],
    ],
  },
  {
    path: join(folder, 'complete.json'),
    sound: { epochs: 3, finished: '2026-01-01T00:00:00.000Z' },
    read: () => isComplete(folder, 1),
    refused: [
      ['epochs', { epochs: -1 }],
      ['epochs', { epochs: 1e300 }],
    ],
    optional: ['finished'],
  },
  {
    path: join(folder, 'icentia11k.json'),
    sound: description,
    read: () => readDescription(folder),
    refused: [
      ['unit', { unit: 'V' }],
      ['samplingRate', { samplingRate: 500 }],
      ['std', { std: -1 }],
      ['patients.x', { patients: { x: description.patients[7] } }],
      ['patients.7.samples', { patients: { 7: { ...description.patients[7], samples: 2 ** 40 } } }],
    ],
    optional: ['patients.7'],
  },
];

describe.each(files)('$path', describeJsonFile);

describe('thresholds.json', () => {
  it('of other classes is refused, with what helps', () => {
    writeFileSync(join(folder, 'thresholds.json'), JSON.stringify(thresholds));
    const read = () => thresholdsOf(folder, { classes: ['A', 'B'] });
    expect(read).toThrow(/got A, N; expected A, B\. Restore the file, or pass --threshold default/);
  });
});

describe('config.json', () => {
  it('of another kind of job is refused', () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    expect(() => readConfig(folder, 'pretrain')).toThrow(InputError);
  });
});
