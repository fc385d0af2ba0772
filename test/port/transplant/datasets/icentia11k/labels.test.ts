import { describe, expect, test } from 'vitest';
import { IndexError, ValueError } from '../../../../../src/lib/python/errors.ts';
import {
  HR_BRADYCARDIA,
  HR_NOISE,
  HR_NORMAL,
  HR_TACHYCARDIA,
} from '../../../../../src/port/transplant/datasets/icentia11k/labels.ts';
import * as icentia11k from '../../../../../src/port/transplant/datasets/icentia11k.ts';

const positions = Int32Array.of(100, 200, 300);
const codes = Int32Array.of(3, 4, 3);
const empty = new Int32Array(0);

// Section 4.4 of the specification.
const frames: [start: number, end: number | null, durations: number[], labels: number[], beats: number[]][] = [
  [100, 300, [100, 100], [4, 3], [200, 300]],
  [99, 301, [1, 100, 101], [3, 4, 3], [200, 300]],
  [150, 160, [10], [4], []],
  [150, 200, [50], [4], []],
  [250, 400, [150], [3], []],
  [300, 400, [100], [], []],
  [0, null, [100, 100, 100], [3, 4, 3], [200, 300]],
];

describe('transplant.datasets.icentia11k.get_rhythm_durations', () => {
  test.each(frames)('frame %i to %s', (start, end, durations, labels) => {
    const [found, foundLabels] = icentia11k.getRhythmDurations(positions, codes, start, end);
    expect([...found]).toEqual(durations);
    expect([...foundLabels]).toEqual(labels);
    expect([...icentia11k.getRhythmDurations(positions, null, start, end)]).toEqual(durations);
  });

  test('an empty frame is a ValueError, also where the end is the last mark', () => {
    expect(() => icentia11k.getRhythmDurations(positions, codes, 10, 10)).toThrow(ValueError);
    expect(() => icentia11k.getRhythmDurations(positions, codes, 300)).toThrow(ValueError);
    expect(() => icentia11k.getRhythmDurations(positions, codes, Number.NaN, 10)).toThrow(ValueError);
  });

  test('no marks: the whole frame without a label; without an end an IndexError', () => {
    expect(icentia11k.getRhythmDurations(empty, empty, 5, 12)).toEqual([Float64Array.of(7), empty]);
    expect(() => icentia11k.getRhythmDurations(empty, empty, 5)).toThrow(IndexError);
  });
});

describe('transplant.datasets.icentia11k.get_complete_beats', () => {
  test.each(frames)('frame %i to %s', (start, end, _durations, _labels, beats) => {
    const [found, foundLabels] = icentia11k.getCompleteBeats(positions, codes, start, end);
    expect([...found]).toEqual(beats);
    expect(foundLabels).toHaveLength(beats.length);
    expect([...icentia11k.getCompleteBeats(positions, null, start, end)]).toEqual(beats);
  });

  test('an empty frame is a ValueError', () => {
    expect(() => icentia11k.getCompleteBeats(positions, codes, 20, 10)).toThrow(ValueError);
  });
});

describe('transplant.datasets.icentia11k.get_rhythm_label', () => {
  test.each([
    ['the longest', [5, 9], [4, 5], 5],
    ['fibrillation before a longer normal rhythm', [1, 900], [4, 3], 4],
    ['undefined before fibrillation on a tie', [7, 7], [4, 0], 0],
    ['fibrillation before flutter on a tie', [7, 3, 4], [4, 5, 5], 4],
    ['end before noise before normal on a tie', [7, 7, 7], [3, 2, 1], 1],
    ['no duration above zero', [0, 0], [4, 3], 0],
    ['codes above 5 are ignored', [9, 1], [6, 3], 3],
  ] as const)('%s', (_, durations, labels, label) => {
    expect(icentia11k.getRhythmLabel(durations, labels)).toBe(label);
  });

  test('Quirk Q16: a frame past the last mark has label 0', () => {
    expect(icentia11k.getRhythmLabel(...icentia11k.getRhythmDurations(positions, codes, 300, 400))).toBe(0);
  });

  test('labels of another number than durations are an IndexError', () => {
    expect(() => icentia11k.getRhythmLabel([1, 2], [3])).toThrow(IndexError);
  });
});

describe('transplant.datasets.icentia11k.get_beat_label', () => {
  test.each([
    ['most frequent of the first group', [1, 1, 1, 2, 4, 4], 4],
    ['lower code on a tie', [4, 3], 3],
    ['undefined before normal on a tie', [1, 0], 0],
    ['normal', [1, 1, 0], 1],
    ['codes above 4 are ignored', [5, 7, 1], 1],
    ['nothing', [], 0],
  ] as const)('%s', (_, labels, label) => {
    expect(icentia11k.getBeatLabel(Int32Array.from(labels))).toBe(label);
  });

  test('float codes are a TypeError, negative ones a ValueError', () => {
    expect(() => icentia11k.getBeatLabel(new Float64Array(0))).toThrow(TypeError);
    expect(() => icentia11k.getBeatLabel(Int32Array.of(1, -1))).toThrow(ValueError);
  });
});

describe('transplant.datasets.icentia11k.get_heart_rate_label', () => {
  const constant = (interval: number, intervals: number) =>
    Int32Array.from({ length: intervals + 1 }, (_, k) => k * interval);

  test('fewer than two marks are noise', () => {
    expect(icentia11k.getHeartRateLabel([], 250)).toBe(HR_NOISE);
    expect(icentia11k.getHeartRateLabel([7], 250)).toBe(HR_NOISE);
  });

  test('60 and 100 beats a minute are normal (Quirk Q15)', () => {
    expect(icentia11k.getHeartRateLabel(constant(251, 4), 250)).toBe(HR_BRADYCARDIA);
    expect(icentia11k.getHeartRateLabel(constant(250, 4), 250)).toBe(HR_NORMAL);
    expect(icentia11k.getHeartRateLabel(constant(149, 4), 250)).toBe(HR_TACHYCARDIA);
    expect(icentia11k.getHeartRateLabel([0, 0.5, 1], null)).toBe(HR_TACHYCARDIA);
  });

  test('at a mean of exactly 150 samples rounding decides', () => {
    const tachycardia = Array.from({ length: 40 }, (_, k) => k + 1).filter(
      (intervals) => icentia11k.getHeartRateLabel(constant(150, intervals), 250) === HR_TACHYCARDIA,
    );
    expect(tachycardia.filter((intervals) => intervals <= 26)).toEqual([10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 26]);
  });

  test('equal marks are infinitely fast', () => {
    expect(icentia11k.getHeartRateLabel([5, 5], 250)).toBe(HR_TACHYCARDIA);
  });
});

describe('transplant.datasets.icentia11k.count_labels', () => {
  test('one row a segment', () => {
    const marks: icentia11k.Marks[] = [
      [positions, codes],
      [positions.subarray(0, 1), Int32Array.of(0)],
    ];
    expect(icentia11k.countLabels(marks, 5)).toEqual([
      [0, 0, 0, 2, 1],
      [1, 0, 0, 0, 0],
    ]);
  });

  test('a code above the classes in one segment only is a ValueError', () => {
    const marks: icentia11k.Marks[] = [
      [positions, codes],
      [positions.subarray(0, 1), Int32Array.of(0)],
    ];
    expect(() => icentia11k.countLabels(marks, 3)).toThrow(ValueError);
    expect(icentia11k.countLabels([marks[0]], 3)).toEqual([[0, 0, 0, 2, 1]]);
  });
});

test('transplant.datasets.icentia11k.calculate_durations', () => {
  expect(icentia11k.calculateDurations([[positions, codes]], 5)).toEqual([[0, 0, 0, 200, 100]]);
});
