import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import type { ProgressEvent } from '../../../src/events.ts';
import { readNpy } from '../../../src/lib/numpy/npy.ts';
import { rdann } from '../../../src/lib/wfdb/annotation.ts';
import { wrann } from '../../../src/lib/wfdb/write.ts';
import { loadRawLabels, patientFile } from '../../../src/port/transplant/datasets/icentia11k/files.ts';
import { loadLabels, loadSignal } from '../../../src/port/transplant/datasets/icentia11k.ts';
import { type ConvertOptions, convertIcentia11k, findPatients } from '../../../src/prepare/icentia11k/convert.ts';
import { type Description, readDescription } from '../../../src/prepare/icentia11k/description.ts';
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

/** The description after a conversion in which nothing failed. */
async function convert(options: ConvertOptions): Promise<Description> {
  const { description, failed, stopped } = await convertIcentia11k(options);
  expect([failed, stopped]).toEqual([[], false]);
  return description!;
}

beforeAll(async () => {
  for (const id of [0, 3])
    await writeIcentiaPatient(id, { seed: 6, segments: 2, samples: 30_000 }, { wfdb, zipped, unzipped });
  description = await convert({ source: wfdb, target });
  if (haveSharedData) realDescription = await convert(real);
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
    await convert({ source: wfdb, target: out, unzipped: true, patientIds: [3] });
    expect(readFileSync(patientFile(out, 3, '.npy'))).toEqual(readFileSync(patientFile(unzipped, 3, '.npy')));
    const [ours, theirs] = [out, unzipped].map((dir) => loadLabels(dir, 3, { unzipped: true }));
    expect([ours.btype, ours.rtype, ours.size]).toEqual([theirs.btype, theirs.rtype, theirs.size]);
    expect(existsSync(patientFile(out, 0, '.npy'))).toBe(false);
  });

  test('float64 keeps the units of PhysioNet to the last bit', async () => {
    const out = join(folder, 'double');
    await convert({ source: wfdb, target: out, unzipped: true, dtype: 'float64', patientIds: [3] });
    const array = readNpy(patientFile(out, 3, '.npy'));
    expect(array.dtype).toBe('float64');
    const single = readNpy(patientFile(unzipped, 3, '.npy'));
    expect(Float32Array.from(array.data as Float64Array)).toEqual(single.data);
  });

  test('mean and deviation as running_mean_std gives them in Python, to the last bit', () => {
    expect([description.mean, description.std]).toEqual(python[0]);
    expect(readDescription(target)).toEqual(description);
  });

  test('a second run changes nothing; with force it writes again', async () => {
    const file = patientFile(target, 0, '.pkl.gz');
    const before = statSync(file).mtimeMs;
    expect(await convert({ source: wfdb, target })).toEqual(description);
    expect(statSync(file).mtimeMs).toBe(before);
    rmSync(patientFile(target, 3, '_lbls.pkl.gz'));
    await convert({ source: wfdb, target });
    expect(existsSync(patientFile(target, 3, '_lbls.pkl.gz'))).toBe(true);
    expect(await convert({ source: wfdb, target, force: true })).toEqual(description);
    expect(statSync(file).mtimeMs).toBeGreaterThan(before);
  });

  test('refuses another format in the same folder', async () => {
    await expect(convertIcentia11k({ source: wfdb, target, unzipped: true })).rejects.toThrow(/another form/);
  });
});

describe('incomplete and damaged sources', () => {
  const broken = (name: string, change: (patient: string) => void) => async () => {
    const source = join(folder, name);
    cpSync(wfdb, source, { recursive: true });
    change(join(source, 'p00', 'p00003'));
    const { failed } = await convertIcentia11k({ source, target: join(folder, `${name}-out`), patientIds: [3] });
    for (const { error } of failed) throw error;
  };
  const cases: [name: string, change: (patient: string) => void, message: RegExp][] = [
    [
      'no segments',
      (patient) => {
        for (const segment of ['00', '01']) rmSync(join(patient, `p00003_s${segment}.hea`));
      },
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
    await convert({ source, target: join(folder, 'end-out'), patientIds: [3] });
    expect(loadSignal(join(folder, 'end-out'), 3).shape).toEqual([1, 30_000]);
    expect(loadRawLabels(join(folder, 'end-out'), 3)).toEqual(loadRawLabels(zipped, 3).slice(0, 1));
  });

  test('a missing first segment: the others become the rows from 0 on, with a warning; once it is there, all are converted again', async () => {
    const source = join(folder, 'gap');
    const out = join(folder, 'gap-out');
    cpSync(wfdb, source, { recursive: true });
    const file = join(source, 'p00', 'p00003', 'p00003_s00.hea');
    rmSync(file);
    const warnings: string[] = [];
    const report = (event: ProgressEvent) => void (event.kind === 'warning' && warnings.push(event.text));
    const { patients } = await convert({ source, target: out, patientIds: [3], report });
    expect(warnings).toEqual(['patient 3 has no segment 0: converted without, segment 1 becomes row 0']);
    expect(patients[3]).toMatchObject({ segments: 1, segmentIds: [1] });
    expect(loadRawLabels(out, 3)).toEqual(loadRawLabels(zipped, 3).slice(1));
    cpSync(join(wfdb, 'p00', 'p00003', 'p00003_s00.hea'), file);
    expect((await convert({ source, target: out, patientIds: [3] })).patients[3]).toEqual(description.patients[3]);
    expect(loadRawLabels(out, 3)).toEqual(loadRawLabels(zipped, 3));
  });

  test('reports and skips a patient that cannot be converted; the next run converts only that one', async () => {
    const source = join(folder, 'bad');
    const out = join(folder, 'bad-out');
    cpSync(wfdb, source, { recursive: true });
    const file = join(source, 'p00', 'p00000', 'p00000_s01.atr');
    writeFileSync(file, 'no annotations');
    const warnings: string[] = [];
    const report = (event: ProgressEvent) => void (event.kind === 'warning' && warnings.push(event.text));
    const { description: partial, failed } = await convertIcentia11k({ source, target: out, report });
    expect(failed).toMatchObject([{ id: 0, error: { message: expect.stringContaining('p00000_s01.atr') } }]);
    expect(warnings).toEqual([expect.stringMatching(/^patient 0 is not converted: .*p00000_s01\.atr/)]);
    expect(Object.keys(partial!.patients)).toEqual(['3']);
    expect(existsSync(patientFile(out, 0, '.pkl.gz'))).toBe(false);
    const done = patientFile(out, 3, '.pkl.gz');
    const before = statSync(done).mtimeMs;
    cpSync(join(wfdb, 'p00', 'p00000', 'p00000_s01.atr'), file);
    expect(await convert({ source, target: out })).toEqual(description);
    expect(statSync(done).mtimeMs).toBe(before);
  });

  test('warns of an amplitude that no ECG has, with file and value', async () => {
    const source = join(folder, 'loud');
    cpSync(wfdb, source, { recursive: true });
    for (const segment of ['s00', 's01']) {
      const file = join(source, 'p00', 'p00003', `p00003_${segment}.hea`);
      writeFileSync(file, readFileSync(file, 'utf8').replace(/ 16 [\d.]+/, ' 16 0.01'));
    }
    const warnings: string[] = [];
    const report = (event: ProgressEvent): void => void (event.kind === 'warning' && warnings.push(event.text));
    await convert({ source, target: join(folder, 'loud-out'), report });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/p00003_s00\.dat: lead ECG has a median absolute value of \d+ mV; is its unit right\?/);
  });

  test('no patient can be converted: no description, and the next run can begin', async () => {
    const out = join(folder, 'none-out');
    const source = join(folder, 'none');
    cpSync(join(wfdb, 'p00', 'p00003'), join(source, 'p00', 'p00003'), { recursive: true });
    rmSync(join(source, 'p00', 'p00003', 'p00003_s00.atr'));
    const { description: none, failed } = await convertIcentia11k({ source, target: out });
    expect([none, failed.length]).toEqual([undefined, 1]);
    expect(readdirSync(out)).toEqual([]);
    await convert({ source: wfdb, target: out });
  });

  test('annotations that the edition does not have: an error, or left out and counted', async () => {
    const source = join(folder, 'unknown');
    const out = join(folder, 'unknown-out');
    cpSync(wfdb, source, { recursive: true });
    const place = join(source, 'p00', 'p00003');
    const { sample, symbol, auxNote } = rdann(join(place, 'p00003_s01'), 'atr');
    const add = {
      sample: [sample[0], ...sample, 29_999],
      symbol: ['F', ...symbol, '+'],
      auxNote: ['', ...auxNote, '(VT'],
    };
    wrann(place, 'p00003_s01', 'atr', add);
    const { failed } = await convertIcentia11k({ source, target: out, patientIds: [3] });
    expect(failed[0].error.message).toMatch(
      /p00003_s01\.atr, annotation 0 at sample \d+: .*got the beat "F"; expected .*--skip-unknown/,
    );
    const { patients } = await convert({ source, target: out, skipUnknown: true });
    expect(patients[0].unknown).toBeUndefined();
    expect(patients[3].unknown).toEqual({ 'the beat "F"': 1, 'the rhythm "(VT"': 1 });
    expect(loadRawLabels(out, 3)).toEqual(loadRawLabels(zipped, 3));
    const again = await convert({ source, target: out });
    expect(again.patients[3].unknown).toEqual(patients[3].unknown);
  });

  test.each([true, false])(
    'stopped between two segments: patients before stay, none is half there (unzipped: %s)',
    async (form) => {
      const out = join(folder, `stopped-${form}`);
      const stop = new AbortController();
      const options = { source: wfdb, target: out, unzipped: form, patientIds: [3, 0] };
      // Half way through the second patient.
      const report = ({ kind }: ProgressEvent) => void (kind === 'progress' && setImmediate(() => stop.abort()));
      const {
        description: partial,
        failed,
        stopped,
      } = await convertIcentia11k({ ...options, report, signal: stop.signal });
      expect([Object.keys(partial!.patients), failed, stopped]).toEqual([['3'], [], true]);
      expect(readdirSync(out).filter((name) => name.startsWith('.') || name.startsWith('00000_batched.'))).toEqual([]);
      expect(readDescription(out)).toEqual(partial);
      expect(await convert(options)).toMatchObject({ patients: description.patients });
    },
  );

  test('a target that cannot be written ends the conversion', async () => {
    const out = join(folder, 'blocked');
    mkdirSync(join(out, '00000_batched.pkl.gz'), { recursive: true });
    await expect(convertIcentia11k({ source: wfdb, target: out })).rejects.toThrow(/00000_batched\.pkl\.gz/);
  });

  test('two runs for different patients share a target', async () => {
    const out = join(folder, 'shared');
    await Promise.all([0, 3].map((id) => convert({ source: wfdb, target: out, patientIds: [id] })));
    expect(readDescription(out)).toEqual(description);
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
    const whole = JSON.parse(readFileSync(join(target, 'icentia11k.json'), 'utf8')) as Record<string, unknown>;
    for (const change of [
      { unit: 'V' },
      { mean: null },
      { std: -1 },
      { unzipped: 'yes' },
      { patients: null },
      { patients: { '../x': whole } },
      { patients: { 3: { segments: 'many' } } },
    ]) {
      writeFileSync(join(place, 'icentia11k.json'), JSON.stringify({ ...whole, ...change }));
      expect(() => readDescription(place)).toThrow(/the description of converted patients cannot be used/);
    }
    writeFileSync(join(place, 'icentia11k.json'), '{');
    expect(() => readDescription(place)).toThrow(/icentia11k.json: the file is not JSON/);
    expect(readDescription(join(folder, 'nowhere'))).toBeUndefined();
  });

  const edit = (file: string, from: string, to: string) =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
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
