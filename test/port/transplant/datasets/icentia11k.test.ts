import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../../src/errors.ts';
import { type DType, fromBytes, ndarray, zeros } from '../../../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../../../src/lib/numpy/npy.ts';
import { RandomState } from '../../../../src/lib/numpy/random.ts';
import { FileNotFoundError, IndexError, ValueError } from '../../../../src/lib/python/errors.ts';
import { dump } from '../../../../src/lib/python/pickle.ts';
import { patientFile } from '../../../../src/port/transplant/datasets/icentia11k/files.ts';
import { chooseRandomSegment } from '../../../../src/port/transplant/datasets/icentia11k/sampling.ts';
import { signalInMemory } from '../../../../src/port/transplant/datasets/icentia11k/signal.ts';
import * as icentia11k from '../../../../src/port/transplant/datasets/icentia11k.ts';
import { bufferedGenerator } from '../../../../src/port/transplant/utils.ts';
import { writeIcentiaPatient } from '../../../../src/synthetic/write_icentia.ts';
import { runJobs } from '../../../fixtures/icentia11k/python.ts';
import { digest } from '../../../fixtures/icentia11k/stream.ts';
import { proves } from '../../../proofs/proves.ts';

const folder = mkdtempSync(join(tmpdir(), 'icentia11k-'));
const [zipped, unzipped, scratch] = ['zipped', 'unzipped', 'scratch'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const patients = 3;
const normalized: DType[] = ['float16', 'float32', 'float64', 'int16', 'int64', 'uint8'];

interface FrameCase {
  positions: number[];
  codes: number[];
  start: number;
  end: number;
  durations: number[];
  rhythms: number[];
  ends: number[];
  beats: number[];
  rhythm: number;
  beat: number;
  heart_rate: number;
  heart_rate_seconds: number;
  counts: number[][];
  covered: number[][];
}
interface Loaded {
  dtype: string;
  shape: number[];
  signal: string;
  size: number;
  btype: string[];
  rtype: string[];
}

/** Signal of Appendix B's synthetic patient, whose first sample of a frame tells patient, segment and start. */
function appendixB(id: number): icentia11k.Patient {
  const signal = zeros('float64', [3, 5000]);
  for (let k = 0; k < 15000; k++) signal.data[k] = 100000 * id + 10000 * Math.floor(k / 5000) + (k % 5000);
  const marks = (shift: number): icentia11k.Marks => [
    Int32Array.from({ length: 50 }, (_, k) => 50 + 7 * shift + 100 * k),
    Int32Array.from({ length: 50 }, (_, k) => Math.floor(k / 17) % 5),
  ];
  const rhythms = (shift: number): icentia11k.Marks => [
    Int32Array.of(1000 + shift, 2500, 4000),
    Int32Array.of(3, 4, 1),
  ];
  const labels = { btype: [0, 1, 2].map(marks), rtype: [0, 1, 2].map(rhythms), size: 3 };
  return [id, [signalInMemory(signal, `patient ${id}`), labels]];
}
const three = (): icentia11k.Patient[] => [0, 1, 2].map(appendixB);
const options = (more: object = {}) => ({ frameSize: 512, samplesPerPatient: 2, random: new RandomState(42), ...more });
const starts = (frames: Iterable<icentia11k.LabelledFrame>) => Array.from(frames, ([x, y]) => [x.data[0], y]);

let frameCases: FrameCase[];
let byDtype: Record<string, { input: string; dtype: string; output: string }>;
let loaded: { zipped: Loaded; unzipped: Loaded }[];
let unzippedEqual: Record<string, boolean>[];
let orders: number[][];
let signalStarts: number[];

beforeAll(async () => {
  for (let id = 0; id < patients; id++) {
    await writeIcentiaPatient(id, { seed: 5, segments: 3, samples: 9000 }, { zipped, unzipped });
  }
  // All segments with equally many marks: the original stores a plain array then.
  const equal = [0, 1].map((s) => ({
    btype: [0, 1].map((code) => ndarray('int32', [2], Int32Array.of(10 + s + 5 * code, 100))),
    rtype: [ndarray('int32', [1], Int32Array.of(100 + s)), ndarray('int32', [0], new Int32Array(0))],
  }));
  await dump(patientFile(zipped, 7, '_lbls.pkl.gz'), equal);
  await dump(patientFile(zipped, 7, '.pkl.gz'), ndarray('float64', [2, 150], new Float64Array(300).fill(0.5)));
  const ids = [0, 1, 2, 7];
  for (const id of ids) await icentia11k.unzipPatientData(zipped, id, unzipped);
  const patientJobs = [
    { generator: 'uniform_patient_generator', options: { unzipped: true } },
    { generator: 'random_patient_generator', options: { unzipped: true } },
    { generator: 'random_patient_generator', options: { unzipped: true, patient_weights: [0.1, 0.5, 0.15, 0.25] } },
  ];
  const results = await runJobs([
    { do: 'frame_labels', seed: 3, count: 600 },
    { do: 'normalized', dtypes: normalized },
    { do: 'appendix_b', seed: 42, generator: 'signal_generator', options: { frame_size: 512, samples_per_patient: 2 } },
    ...ids.flatMap((patient) => [
      { do: 'loaded', folder: zipped, patient, unzipped: false },
      { do: 'loaded', folder: unzipped, patient, unzipped: true },
    ]),
    ...ids.map((patient) => ({ do: 'unzipped_equal', zipped, mine: unzipped, patient, scratch })),
    ...patientJobs.map((job) => ({ do: 'patient_order', seed: 42, folder: unzipped, ids, count: 30, ...job })),
  ]);
  frameCases = results.shift() as FrameCase[];
  byDtype = results.shift() as typeof byDtype;
  signalStarts = results.shift() as number[];
  const inBothForms = results.splice(0, 2 * ids.length) as Loaded[];
  loaded = ids.map((_, k) => ({ zipped: inBothForms[2 * k], unzipped: inBothForms[2 * k + 1] }));
  unzippedEqual = results.splice(0, ids.length) as typeof unzippedEqual;
  orders = results as number[][];
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What the port makes of a patient's files, in the form of the runner's `loaded`. */
function load(dbDir: string, id: number, isUnzipped: boolean): Loaded {
  const [signal, labels] = icentia11k.loadPatientData(dbDir, id, { unzipped: isUnzipped });
  const [segments, samples] = signal.shape;
  const all = Array.from({ length: segments }, (_, s) => signal.read(s, 0, samples));
  const marks = (type: 'btype' | 'rtype') =>
    labels![type].map((pair) =>
      digest(...pair.map((part) => ndarray('int64', [part.length], BigInt64Array.from(part as Int32Array, BigInt)))),
    );
  const shape = [...signal.shape];
  return {
    dtype: signal.dtype,
    shape,
    signal: digest(...all),
    size: labels!.size,
    btype: marks('btype'),
    rtype: marks('rtype'),
  };
}

describe('labels of random frames, live against Python', () => {
  test('transplant.datasets.icentia11k.get_*, count_labels, calculate_durations', () => {
    proves('transplant.datasets.icentia11k.get_rhythm_durations', 'transplant.datasets.icentia11k.get_rhythm_label');
    proves(
      'transplant.datasets.icentia11k.get_complete_beats',
      'transplant.datasets.icentia11k.get_beat_label',
      'transplant.datasets.icentia11k.get_heart_rate_label',
    );
    proves('transplant.datasets.icentia11k.count_labels', 'transplant.datasets.icentia11k.calculate_durations');
    expect(frameCases).toHaveLength(600);
    for (const frame of frameCases) {
      const [positions, codes] = [Int32Array.from(frame.positions), Int32Array.from(frame.codes)];
      const [durations, rhythms] = icentia11k.getRhythmDurations(positions, codes, frame.start, frame.end);
      const [ends, beats] = icentia11k.getCompleteBeats(positions, codes, frame.start, frame.end);
      expect({
        ...frame,
        durations: [...durations],
        rhythms: [...rhythms],
        ends: [...ends],
        beats: [...beats],
        rhythm: icentia11k.getRhythmLabel(durations, rhythms),
        beat: icentia11k.getBeatLabel(beats),
        heart_rate: icentia11k.getHeartRateLabel(ends, 250),
        heart_rate_seconds: icentia11k.getHeartRateLabel(Float64Array.from(ends, (end) => end / 250)),
        counts: icentia11k.countLabels([[positions, codes]], 6),
        covered: icentia11k.calculateDurations([[positions, codes]], 6),
      }).toEqual(frame);
    }
  });

  test('the cases reach every label', () => {
    expect(new Set(frameCases.map(({ rhythm }) => rhythm))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(new Set(frameCases.map(({ beat }) => beat))).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(new Set(frameCases.map(({ heart_rate }) => heart_rate))).toEqual(new Set([0, 1, 2, 3]));
  });
});

// Appendix B of the specification.
describe('transplant.datasets.icentia11k generators, Appendix B', () => {
  test('rhythm_data_generator', () => {
    expect(starts(icentia11k.rhythmDataGenerator(three(), options()))).toEqual([
      [20860, 4],
      [23772, 1],
      [100466, 3],
      [124426, 0],
      [223444, 1],
      [221685, 4],
    ]);
  });

  test('beat_data_generator', () => {
    expect(starts(icentia11k.beatDataGenerator(three(), options()))).toEqual([
      [20860, 0],
      [23772, 2],
      [100466, 0],
      [124426, 2],
      [223444, 2],
      [221685, 1],
    ]);
  });

  test('heart_rate_data_generator', () => {
    const places = [20860, 23772, 100466, 124426, 223444, 221685];
    const wide = [23763, 1550, 121351, 103348, 222425, 221494];
    expect(starts(icentia11k.heartRateDataGenerator(three(), options()))).toEqual(places.map((start) => [start, 0]));
    expect(starts(icentia11k.heartRateDataGenerator(three(), options({ labelFrameSize: 1024 })))).toEqual(
      wide.map((start) => [start, 0]),
    );
    expect(starts(icentia11k.heartRateDataGenerator(three(), options({ labelFrameSize: 150 })))).toEqual(
      places.map((start) => [start, 3]),
    );
  });

  test('heart_rate_data_generator, Quirk Q22: an odd frame size gives one sample less', () => {
    const [[x]] = icentia11k.heartRateDataGenerator(
      three(),
      options({ frameSize: 511 }),
    ) as Iterable<icentia11k.LabelledFrame> as [icentia11k.LabelledFrame];
    expect(x.shape).toEqual([510, 1]);
  });

  test('signal_generator, as Python', () => {
    proves('transplant.datasets.icentia11k.signal_generator');
    const frames = Array.from(icentia11k.signalGenerator(three(), options()));
    expect(frames.map((x) => x.data[0])).toEqual([20860, 23772, 100466, 124426, 223444, 221685]);
    expect(signalStarts).toEqual([20860, 23772, 100466, 124426, 223444, 221685]);
    expect(frames[0]).toMatchObject({ dtype: 'float64', shape: [512, 1] });
  });

  const cpc = { contextSize: 3, ns: 2, frameSize: 256 };
  const cpcStarts = (more: object): unknown[] =>
    Array.from(
      icentia11k.cpcDataGenerator(bufferedGenerator(three()[Symbol.iterator](), 2), { ...options(), ...cpc, ...more }),
      ([x, y]) => {
        const first = (frames: { shape: readonly number[]; data: ArrayLike<unknown> }) =>
          Array.from({ length: frames.shape[0] }, (_, k) => frames.data[k * 256]);
        expect(x.context.shape).toEqual([3, 256, 1]);
        return [first(x.context), first(x.samples), y];
      },
    );

  test('cpc_data_generator', () => {
    expect(cpcStarts({})).toEqual([
      [[20860, 21116, 21372], [13092, 110466, 21628], 2],
      [[2135, 2391, 2647], [2903, 20130, 1685], 0],
      [[221515, 221771, 222027], [221184, 222283, 104555], 1],
      [[200747, 201003, 201259], [102558, 202047, 201515], 2],
    ]);
  });

  test('cpc_data_generator with overlap, offset and a preferred segment', () => {
    expect(cpcStarts({ contextOverlap: 64, positiveOffset: 1, nsSameSegmentProb: 0.9 })).toEqual([
      [[20860, 21052, 21244], [23092, 20466, 21692], 2],
      [[2135, 2327, 2519], [2967, 130, 1685], 0],
      [[221515, 221707, 221899], [221184, 222347, 104555], 1],
      [[200747, 200939, 201131], [112558, 202047, 201579], 2],
    ]);
  });

  test('Quirk Q24: a probability of 0 draws like none', () => {
    expect(cpcStarts({ nsSameSegmentProb: 0 })).toEqual(cpcStarts({ nsSameSegmentProb: null }));
  });

  test('Quirk Q17: a frame as long as the segment is a ValueError that names the source', () => {
    expect(() => Array.from(icentia11k.signalGenerator(three(), options({ frameSize: 5000 })))).toThrow(ValueError);
    expect(() => Array.from(icentia11k.signalGenerator(three(), options({ frameSize: 5000 })))).toThrow(
      /patient 0.*at least 5001/,
    );
    const whole = (positiveOffset: number) =>
      icentia11k.cpcDataGenerator(
        three().map((patient) => [patient]),
        { random: new RandomState(1), contextSize: 1, ns: 0, frameSize: 1000, positiveOffset },
      );
    expect([...whole(2)]).toHaveLength(3);
    expect(() => [...whole(3)]).toThrow(/patient 0.*at least 5001/);
  });

  test('a context of no frames is an empty float64 array, as NumPy makes', () => {
    const [{ context, samples }] = [...icentia11k.cpcDataGenerator([three()], { ...cpc, contextSize: 0 })][0];
    expect([context.dtype, context.shape, samples.shape]).toEqual(['float64', [0], [3, 256, 1]]);
  });

  test('labels that were not loaded are a TypeError', () => {
    const without = three().map(([id, [signal]]): icentia11k.Patient => [id, [signal, null]]);
    expect(() => Array.from(icentia11k.beatDataGenerator(without, options()))).toThrow(TypeError);
    expect(() => Array.from(icentia11k.beatDataGenerator(without, options()))).toThrow(/patient 0.*without labels/);
    expect(Array.from(icentia11k.signalGenerator(without, options()))).toHaveLength(6);
  });
});

describe('transplant.datasets.icentia11k._choose_random_segment', () => {
  test('a sure segment, and all others', () => {
    const random = new RandomState(1);
    expect(chooseRandomSegment(three(), 4, [1, 2, 1], random)).toEqual(Array(4).fill([1, 2]));
    const others = chooseRandomSegment(three(), 200, [1, 2, 0], random);
    expect(others).not.toContainEqual([1, 2]);
    expect(new Set(others.map(String)).size).toBe(8);
  });

  test('no patients are a TypeError, with a preferred segment an IndexError', () => {
    expect(() => chooseRandomSegment([], null, null)).toThrow(TypeError);
    expect(() => chooseRandomSegment([], null, [0, 0, 0.5])).toThrow(IndexError);
  });

  test('Quirk Q25: no such segment is an IndexError, no probability a ValueError', () => {
    expect(() => chooseRandomSegment(three(), null, [2, 3, 0.5])).toThrow(IndexError);
    expect(() => chooseRandomSegment(three(), null, [5, 0, 0.5])).toThrow(IndexError);
    expect(() => chooseRandomSegment(three(), null, [0, 0, 1.5])).toThrow(ValueError);
  });
});

describe('transplant.datasets.icentia11k patient generators', () => {
  const ids = [0, 1, 2, 7];
  const take = (generator: Iterator<icentia11k.Patient>, count: number) =>
    Array.from({ length: count }, () => (generator.next().value as icentia11k.Patient)[0]);

  test('uniform_patient_generator, random_patient_generator: order as in Python', () => {
    proves(
      'transplant.datasets.icentia11k.uniform_patient_generator',
      'transplant.datasets.icentia11k.random_patient_generator',
    );
    const of = (more: object = {}) => ({ random: new RandomState(42), unzipped: true, ...more });
    expect(take(icentia11k.uniformPatientGenerator(unzipped, ids, of()), 30)).toEqual(orders[0]);
    expect(take(icentia11k.randomPatientGenerator(unzipped, ids, of()), 30)).toEqual(orders[1]);
    const patientWeights = [0.1, 0.5, 0.15, 0.25];
    expect(take(icentia11k.randomPatientGenerator(unzipped, ids, of({ patientWeights })), 30)).toEqual(orders[2]);
  });

  test('uniform_patient_generator: one pass in order, without labels', () => {
    const once = [
      ...icentia11k.uniformPatientGenerator(unzipped, [2, 0], {
        repeat: false,
        shuffle: false,
        includeLabels: false,
        unzipped: true,
      }),
    ];
    expect(once.map(([id, [, labels]]) => [id, labels])).toEqual([
      [2, null],
      [0, null],
    ]);
  });

  test('Quirk Q26: no patients to repeat are a ValueError, to pass once nothing', () => {
    expect(() => icentia11k.uniformPatientGenerator(unzipped, []).next()).toThrow(ValueError);
    expect([...icentia11k.uniformPatientGenerator(unzipped, [], { repeat: false })]).toEqual([]);
  });

  test('Quirk Q21: a missing patient is a FileNotFoundError', () => {
    expect(() => icentia11k.uniformPatientGenerator(unzipped, [5], { unzipped: true }).next()).toThrow(
      FileNotFoundError,
    );
    expect(() => icentia11k.uniformPatientGenerator(zipped, [5]).next()).toThrow(FileNotFoundError);
  });

  test('open files stay bounded over many patients', () => {
    for (let id = 100; id < 300; id++) {
      copyFileSync(patientFile(unzipped, 0, '.npy'), patientFile(unzipped, id, '.npy'));
    }
    const many = Array.from({ length: 200 }, (_, k) => 100 + k);
    const before = readdirSync('/proc/self/fd').length;
    const options = { repeat: false, includeLabels: false, unzipped: true, random: new RandomState(1) };
    const kept = [...icentia11k.uniformPatientGenerator(unzipped, many, options)];
    const sums = kept.map(([, [signal]]) => signal.read(0, 0, 3).data.length);
    expect(sums).toEqual(Array(200).fill(3));
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThanOrEqual(64);
  });
});

describe('transplant.datasets.icentia11k files', () => {
  test('load_signal, load_labels, load_patient_data, flatten_raw_labels: zipped and unzipped, equal to Python', () => {
    proves(
      'transplant.datasets.icentia11k.load_signal',
      'transplant.datasets.icentia11k.load_labels',
      'transplant.datasets.icentia11k.load_patient_data',
      'transplant.datasets.icentia11k.flatten_raw_labels',
    );
    [0, 1, 2, 7].forEach((id, k) => {
      expect(load(zipped, id, false)).toEqual(loaded[k].zipped);
      expect(load(unzipped, id, true)).toEqual(loaded[k].unzipped);
      expect(loaded[k].unzipped).toEqual(loaded[k].zipped);
    });
  });

  test('unzip_patient_data: the files of the original, with ragged labels (Quirk Q18) and with equal ones', () => {
    proves('transplant.datasets.icentia11k.unzip_patient_data');
    for (const same of unzippedEqual) expect(same).toEqual({ signal: true, btype: true, rtype: true, size: true });
  });

  test('flatten_raw_labels: sorted by position, stable (Quirk Q19)', () => {
    const code = (...positions: number[]) => ndarray('int32', [positions.length], Int32Array.from(positions));
    const [[positions, codes]] = icentia11k.flattenRawLabels([
      { btype: [code(5, 9), code(1, 5), code()], rtype: [code(3)] },
    ]).btype as [icentia11k.Marks];
    expect(positions).toEqual(Int32Array.of(1, 5, 5, 9));
    expect(codes).toEqual(Int32Array.of(1, 0, 1, 0));
  });

  test('flatten_raw_labels: positions that are not sorted within a code', () => {
    const code = (...positions: number[]) => ndarray('float64', [positions.length], Float64Array.from(positions));
    const [[positions, codes]] = icentia11k.flattenRawLabels([
      { btype: [code(9, 0.5), code(0.5, 7), code()], rtype: [code(3)] },
    ]).btype as [icentia11k.Marks];
    expect(positions).toEqual(Float64Array.of(0.5, 0.5, 7, 9));
    expect(codes).toEqual(Int32Array.of(0, 1, 1, 0));
  });

  test('flatten_raw_labels: a type without codes is a ValueError, an empty list gives float positions', () => {
    const empty = ndarray('float64', [0], new Float64Array(0));
    expect(() => icentia11k.flattenRawLabels([{ btype: [], rtype: [empty] }])).toThrow(ValueError);
    const { rtype } = icentia11k.flattenRawLabels([
      { btype: [empty], rtype: [empty, ndarray('int32', [1], Int32Array.of(4))] },
    ]);
    expect(rtype[0][0]).toEqual(Float64Array.of(4));
  });

  test('damaged files are typed errors that name the file', async () => {
    const bad = join(folder, 'bad');
    await writeIcentiaPatient(1, { seed: 1, segments: 2, samples: 1500 }, { zipped: bad, unzipped: bad });
    const file = (ending: string) => patientFile(bad, 1, ending);
    const cases: [ending: string, write: () => void | Promise<void>, isUnzipped: boolean, message: RegExp][] = [
      ['.npy', () => writeNpy(file('.npy'), zeros('float32', [7])), true, /shape \(7\)/],
      ['.npy', () => writeFileSync(file('.npy'), 'none'), true, /\.npy/],
      ['_lbls.npz', () => writeFileSync(file('_lbls.npz'), 'none'), true, /\.npz/],
      ['.pkl.gz', () => dump(file('.pkl.gz'), ['text']), false, /array of numbers/],
      ['.pkl.gz', () => writeFileSync(file('.pkl.gz'), Buffer.from([0x1f, 0x8b, 8, 0])), false, /gzip/],
      ['_lbls.pkl.gz', () => dump(file('_lbls.pkl.gz'), [{ btype: [] }]), false, /segment 0, rtype/],
      ['_lbls.pkl.gz', () => dump(file('_lbls.pkl.gz'), 7), false, /list of segments/],
    ];
    for (const [ending, write, isUnzipped, message] of cases) {
      const keep = `${file(ending)}.kept`;
      copyFileSync(file(ending), keep);
      await write();
      const read = () => icentia11k.loadPatientData(bad, 1, { unzipped: isUnzipped });
      expect(read).toThrow(InputError);
      expect(read).toThrow(message);
      copyFileSync(keep, file(ending));
    }
    expect(load(bad, 1, true)).toEqual(load(bad, 1, false));
  });

  test('a patient id is a whole number', () => {
    expect(() => icentia11k.loadSignal(zipped, -1)).toThrow(ValueError);
    expect(() => icentia11k.loadSignal(zipped, 1.5)).toThrow(ValueError);
  });
});

describe('transplant.datasets.icentia11k.normalize', () => {
  test.each(normalized)('%s, to the last bit', (dtype) => {
    proves('transplant.datasets.icentia11k.normalize');
    const { input, output, dtype: outputType } = byDtype[dtype];
    const array = fromBytes(dtype, [1000], new Uint8Array(Buffer.from(input, 'hex')));
    const result = icentia11k.normalize(array);
    expect(result.dtype).toBe(outputType);
    expect(Buffer.from(result.data.buffer, result.data.byteOffset, result.data.byteLength).toString('hex')).toBe(
      output,
    );
    expect(array).toEqual(fromBytes(dtype, [1000], new Uint8Array(Buffer.from(input, 'hex'))));
  });

  test('in place: the same values in the same memory; integers are a TypeError', () => {
    const array = ndarray('float32', [3], Float32Array.of(1, 2, 3));
    const copy = icentia11k.normalize(array);
    expect(icentia11k.normalize(array, true).data).toBe(array.data);
    expect(array).toEqual(copy);
    expect(() => icentia11k.normalize(zeros('int16', [3]), true)).toThrow(TypeError);
  });

  test('with measured constants', () => {
    const array = ndarray('float64', [2], Float64Array.of(1, 3));
    expect(icentia11k.normalize(array, false, { mean: 1, std: 2 }).data).toEqual(Float64Array.of(0, 1));
  });
});
