import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readJobModel } from '../../src/port/finetuning/job_model.ts';
import { readPreprocessing } from '../../src/port/finetuning/preprocessing.ts';
import { readDescription } from '../../src/port/pretraining/icentia11k_description.ts';
import { isComplete, readConfig } from '../../src/port/training/job.ts';
import { brokenFields, brokenTexts, expectRefusal, oddFields, writeText } from '../lib/json/variants.ts';
import { config, description, digest, model, preprocessing } from './sound_files.ts';

const folder = mkdtempSync(join(tmpdir(), 'json-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A JSON file, what a sound one holds, and what reads it. */
interface JsonFile {
  readonly name: string;
  readonly sound: object;
  readonly read: () => unknown;
  /** Values that are of the right type and have to be refused, by place. */
  readonly refused: readonly (readonly [where: string, change: object])[];
  /** Fields that may be missing. */
  readonly optional?: readonly string[];
  /** Fields whose content is of any type. */
  readonly free?: readonly string[];
}

const files: readonly JsonFile[] = [
  {
    name: 'model.json',
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
    name: 'preprocessing.json',
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
  },
  {
    name: 'preprocessing.json',
    sound: { physionet: preprocessing },
    read: () => ({ physionet: readPreprocessing(join(folder, 'physionet_train.pkl')) }),
    refused: [['physionet.format', { physionet: { ...preprocessing, format: 2 } }]],
    optional: ['physionet'],
  },
  {
    name: 'config.json',
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
    name: 'complete.json',
    sound: { epochs: 3, finished: '2026-01-01T00:00:00.000Z' },
    read: () => isComplete(folder, 1),
    refused: [
      ['epochs', { epochs: -1 }],
      ['epochs', { epochs: 1e300 }],
    ],
    optional: ['finished'],
  },
  {
    name: 'icentia11k.json',
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

describe.each(files.map((file) => [basename(file.name), file] as const))('%s', (name, file) => {
  const { sound, read, refused, optional = [], free = [] } = file;
  const path = join(folder, name);
  const isIn = (where: string, places: readonly string[]): boolean => places.some((place) => where.startsWith(place));
  const mayMiss = (where: string): boolean =>
    optional.some((place) => (/[.[]$/.test(place) ? where.startsWith(place) : where === place)) ||
    /index\[|files\.train$/.test(where);

  it('is read as it is, with fields that are not known', () => {
    writeFileSync(path, JSON.stringify(sound));
    const before = read();
    const isSet = 'physionet' in sound;
    writeFileSync(
      path,
      JSON.stringify(isSet ? { physionet: { ...preprocessing, later: { x: 1 } } } : { ...sound, later: { x: 1 } }),
    );
    expect(JSON.stringify(read()).replace(',"later":{"x":1}', '')).toBe(JSON.stringify(before));
  });

  it('is refused by file and field where a field is missing or of another type', () => {
    const variants = brokenFields(sound).filter(
      ({ where, title }) => !isIn(where!, free) && !(title.endsWith('missing') && mayMiss(where!)),
    );
    expect(variants.length).toBeGreaterThan(3);
    for (const { title, where, value } of variants) {
      // One mean or std for each lead, or one for all.
      if (/normalization\.(mean|std) an array/.test(title)) continue;
      writeFileSync(path, JSON.stringify(value));
      expectRefusal(read, name, where);
    }
  });

  it('is read, or refused by file and field, with odd values', () => {
    for (const { where, value } of oddFields(sound)) {
      writeFileSync(path, JSON.stringify(value));
      try {
        read();
      } catch (error) {
        expectRefusal(
          () => {
            throw error;
          },
          name,
          where,
        );
      }
    }
  });

  it.each(refused.map(([where, change]) => [where, JSON.stringify(change).slice(0, 60), change] as const))(
    'is refused for %s: %s',
    (where, _text, change) => {
      writeFileSync(path, JSON.stringify({ ...sound, ...change }));
      const error = expectRefusal(read, name, where);
      expect(error.problem.next).toBeDefined();
      if (/format$/.test(where)) expect(error.message).toMatch(/of another version.*got 2; expected 1/);
    },
  );

  it('is refused where it is cut off anywhere', () => {
    const text = JSON.stringify(sound);
    for (let end = 1; end < text.length; end += 7) {
      writeFileSync(path, text.slice(0, end));
      expectRefusal(read, name);
    }
  });

  it.each(brokenTexts)('is refused if it holds %s', (title, text) => {
    writeText(path, text);
    if (title.includes('UTF-8')) writeFileSync(path, Buffer.of(0x7b, 0xff, 0x7d));
    expectRefusal(read, name);
  });

  it('is refused with a field __proto__', () => {
    writeFileSync(path, `{"__proto__": {"format": 1}, ${JSON.stringify(sound).slice(1)}`);
    expectRefusal(read, name, '__proto__');
    expect(({} as { format?: unknown }).format).toBeUndefined();
  });
});

describe('config.json', () => {
  it('of another kind of job is refused', () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    expect(() => readConfig(folder, 'pretrain')).toThrow(InputError);
  });
});
