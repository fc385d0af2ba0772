import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readNpy } from '../../../src/lib/numpy/npy.ts';
import {
  convertIcentia11k,
  type Description,
  findPatients,
  readDescription,
} from '../../../src/port/pretraining/convert_icentia11k.ts';
import { rawLabelsOf } from '../../../src/port/pretraining/icentia11k_annotations.ts';
import {
  loadLabels,
  loadRawLabels,
  loadSignal,
  patientFile,
} from '../../../src/port/transplant/datasets/icentia11k.ts';
import { writeIcentiaPatient } from '../../../src/synthetic/write_icentia.ts';
import { runJobs } from '../../fixtures/icentia11k/python.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'convert-icentia-'));
const [wfdb, zipped, unzipped, target] = ['wfdb', 'zipped', 'unzipped', 'target'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
  string,
];
const real = {
  source: join(sharedData, 'icentia11k'),
  target: join(folder, 'real'),
  patientIds: [0],
  segments: [0, 8],
};
let description: Description;
let realDescription: Description;
let python: unknown[];

beforeAll(async () => {
  for (const id of [0, 3])
    await writeIcentiaPatient(id, { seed: 6, segments: 2, samples: 30_000 }, { wfdb, zipped, unzipped });
  description = await convertIcentia11k({ source: wfdb, target });
  if (haveSharedData) realDescription = await convertIcentia11k(real);
  const pickles = join(sharedData, 'icentia11k', 'pickle_labels');
  python = await runJobs([
    { do: 'measured', folder: target, ids: [0, 3], unzipped: false },
    ...(haveSharedData
      ? [
          { do: 'raw_labels_equal', folder: real.target, patient: 0, pickle_folder: pickles, segments: real.segments },
          { do: 'measured', folder: real.target, ids: [0], unzipped: false },
        ]
      : []),
  ]);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('generated patients in all three forms', () => {
  test('converted signals and labels equal those of the first distribution', () => {
    for (const id of [0, 3]) {
      expect(loadRawLabels(target, id)).toEqual(loadRawLabels(zipped, id));
      expect(loadSignal(target, id).read(1, 0, 30_000)).toEqual(loadSignal(zipped, id).read(1, 0, 30_000));
    }
  });

  test('unzipped: the same bytes of the signal, equal labels', async () => {
    const out = join(folder, 'out');
    await convertIcentia11k({ source: wfdb, target: out, unzipped: true, patientIds: [3] });
    expect(readFileSync(patientFile(out, 3, '.npy'))).toEqual(readFileSync(patientFile(unzipped, 3, '.npy')));
    const [ours, theirs] = [out, unzipped].map((dir) => loadLabels(dir, 3, { unzipped: true }));
    expect([ours!.btype, ours!.rtype, ours!.size]).toEqual([theirs!.btype, theirs!.rtype, theirs!.size]);
    expect(existsSync(patientFile(out, 0, '.npy'))).toBe(false);
  });

  test('float64 keeps the units of PhysioNet to the last bit', async () => {
    const out = join(folder, 'double');
    await convertIcentia11k({ source: wfdb, target: out, unzipped: true, dtype: 'float64', patientIds: [3] });
    const array = readNpy(patientFile(out, 3, '.npy'));
    expect(array.dtype).toBe('float64');
    const single = readNpy(patientFile(unzipped, 3, '.npy'));
    expect(Float32Array.from(array.data as Float64Array)).toEqual(single.data);
  });

  test('mean and deviation as running_mean_std gives them in Python, to the last bit', () => {
    expect([description.mean, description.std]).toEqual(python[0]);
    expect(readDescription(target)).toEqual(description);
  });

  test('a second run changes nothing, with force it writes again', async () => {
    const file = patientFile(target, 0, '.pkl.gz');
    const before = statSync(file).mtimeMs;
    expect(await convertIcentia11k({ source: wfdb, target })).toEqual(description);
    expect(statSync(file).mtimeMs).toBe(before);
    rmSync(patientFile(target, 3, '_lbls.pkl.gz'));
    await convertIcentia11k({ source: wfdb, target });
    expect(existsSync(patientFile(target, 3, '_lbls.pkl.gz'))).toBe(true);
    expect(await convertIcentia11k({ source: wfdb, target, force: true })).toEqual(description);
    expect(statSync(file).mtimeMs).toBeGreaterThan(before);
  });

  test('another form in the same folder is refused', async () => {
    await expect(convertIcentia11k({ source: wfdb, target, unzipped: true })).rejects.toThrow(/another form/);
  });
});

describe('incomplete and damaged sources', () => {
  const broken = (name: string, change: (patient: string) => void) => async () => {
    const source = join(folder, name);
    cpSync(wfdb, source, { recursive: true });
    change(join(source, 'p00', 'p00003'));
    return convertIcentia11k({ source, target: join(folder, `${name}-out`), patientIds: [3] });
  };
  const cases: [name: string, change: (patient: string) => void, message: RegExp][] = [
    [
      'a gap',
      (patient) => rmSync(join(patient, 'p00003_s00.hea')),
      /segment 0 is missing.*p00003_s00\.hea.*--segments/,
    ],
    [
      'another length',
      (patient) => edit(join(patient, 'p00003_s01.hea'), '30000', '29000'),
      /different lengths.*29000 samples.*30000/,
    ],
    [
      'another rate',
      (patient) => edit(join(patient, 'p00003_s01.hea'), ' 250 ', ' 300 '),
      /not a segment of Icentia11k.*300 Hz/,
    ],
    [
      'another unit',
      (patient) => edit(join(patient, 'p00003_s00.hea'), '/mV', '/uV'),
      /not a segment of Icentia11k.*uV/,
    ],
    ['a short signal', (patient) => writeFileSync(join(patient, 'p00003_s00.dat'), ''), /p00003_s00\.dat/],
    ['no annotations', (patient) => rmSync(join(patient, 'p00003_s00.atr')), /p00003_s00\.atr/],
  ];

  test.each(cases)('%s', async (name, change, message) => {
    await expect(broken(name, change)()).rejects.toThrow(message);
    expect(existsSync(patientFile(join(folder, `${name}-out`), 3, '.pkl.gz'))).toBe(false);
  });

  test('segments missing at the end', async () => {
    const source = join(folder, 'end');
    cpSync(wfdb, source, { recursive: true });
    rmSync(join(source, 'p00', 'p00003', 'p00003_s01.hea'));
    await convertIcentia11k({ source, target: join(folder, 'end-out'), patientIds: [3] });
    expect(loadSignal(join(folder, 'end-out'), 3).shape).toEqual([1, 30_000]);
    expect(loadRawLabels(join(folder, 'end-out'), 3)).toEqual(loadRawLabels(zipped, 3).slice(0, 1));
  });

  test('a missing sample', async () => {
    const change = (patient: string) => {
      const file = join(patient, 'p00003_s01.dat');
      const bytes = readFileSync(file);
      bytes.writeInt16LE(-32768, 2 * 1234);
      writeFileSync(file, bytes);
    };
    await expect(broken('missing', change)()).rejects.toThrow(/p00003_s01\.dat, sample 1234/);
  });

  test('a folder without patients', () => {
    expect(() => findPatients(folder)).toThrow(InputError);
    expect(() => findPatients(join(folder, 'nowhere'))).toThrow(InputError);
    expect(findPatients(wfdb)).toEqual([0, 3]);
  });

  test('a damaged description', () => {
    const place = join(folder, 'description');
    cpSync(target, place, { recursive: true });
    writeFileSync(join(place, 'icentia11k.json'), '{"unit":"mV","mean":null}');
    expect(() => readDescription(place)).toThrow(InputError);
    writeFileSync(join(place, 'icentia11k.json'), '{');
    expect(() => readDescription(place)).toThrow(/not a JSON file/);
    expect(readDescription(join(folder, 'nowhere'))).toBeUndefined();
  });

  const edit = (file: string, from: string, to: string) =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
});

describe('rhythms from annotations', () => {
  const label = (...marks: [sample: number, symbol: string, note?: string][]) => {
    const { btype, rtype } = rawLabelsOf(
      {
        sample: marks.map(([at]) => at),
        symbol: marks.map(([, symbol]) => symbol),
        auxNote: marks.map(([, , note]) => note ?? ''),
      },
      { file: 'p00000_s00.atr', samples: 1000 },
    );
    const flat = (codes: typeof btype) =>
      codes
        .flatMap(({ data }, code) => Array.from(data as Int32Array, (at): [number, number] => [at, code]))
        .sort(([a], [b]) => a - b);
    return { beats: flat(btype), rhythms: flat(rtype) };
  };

  test('beats of every kind; outside of a span noise', () => {
    const { beats, rhythms } = label(
      [1, 'Q'],
      [5, 'N'],
      [5, '+', '(N\0'],
      [9, 'S'],
      [12, 'V'],
      [12, '+', ')'],
      [20, 'Q'],
    );
    expect(beats.map(([, code]) => code)).toEqual([0, 1, 2, 4, 0]);
    expect(rhythms).toEqual([
      [1, 2],
      [5, 3],
      [9, 3],
      [12, 3],
      [20, 2],
    ]);
  });

  test('a rhythm that follows another at once, a span of one beat, a span without end', () => {
    expect(
      label([1, 'N'], [1, '+', '(AFIB'], [2, 'N'], [3, '+', ')'], [3, '+', '(AFL'], [3, 'N'], [4, 'N']).rhythms.map(
        ([, code]) => code,
      ),
    ).toEqual([4, 4, 5, 5]);
    expect(label([1, 'N'], [1, '+', '(N'], [1, '+', ')'], [2, 'N']).rhythms.map(([, code]) => code)).toEqual([3, 2]);
    expect(label([1, 'N'], [1, '+', ')'], [1, '+', '(N'], [2, 'N']).rhythms.map(([, code]) => code)).toEqual([3, 2]);
    expect(
      label([1, '+', '(N'], [2, 'N'], [3, '+', ')'], [3, 'N'], [3, '+', '(AFIB'], [3, '+', ')'], [4, 'N']).rhythms.map(
        ([, code]) => code,
      ),
    ).toEqual([3, 4, 2]);
  });

  test.each([
    ['outside of the segment', [[1000, 'N']]],
    [
      'out of order',
      [
        [5, 'N'],
        [4, 'N'],
      ],
    ],
    ['an unknown beat', [[5, 'F']]],
    ['an unknown rhythm', [[5, '+', '(VT']]],
    ['no note', [[5, '+']]],
  ] as [string, [number, string, string?][]][])('%s is an InputError that names file and place', (_, marks) => {
    expect(() => label(...marks)).toThrow(InputError);
    expect(() => label(...marks)).toThrow(/p00000_s00\.atr, annotation \d at sample \d+/);
  });
});

describe.skipIf(!haveSharedData)('segments 0 and 8 of patient 0 as PhysioNet has them', () => {
  test('labels equal the original pickles in keys, types, dtypes and values', () => {
    expect(python[1]).toEqual({ segments: true, types: true, keys: true, values: true });
  });

  test('mean and deviation', () => {
    expect([realDescription.mean, realDescription.std]).toEqual(python[2]);
    expect(realDescription.std).toBeCloseTo(0.169, 3);
  });
});
