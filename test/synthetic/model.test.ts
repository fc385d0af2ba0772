import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { type Beat, makeBeats, type Rhythm, rhythms } from '../../src/synthetic/beats.ts';
import { heartVector, twelveLeads } from '../../src/synthetic/heart.ts';
import { drawRecording } from '../../src/synthetic/picture.ts';
import { drawPictures } from '../../src/synthetic/pictures.ts';
import { type Episode, makeRecording, type Recording } from '../../src/synthetic/recording.ts';
import { root } from '../shared_data.ts';

const quiet = { wander: 0, muscle: 0, mains: 0, artefacts: 0 };
const plain = { gain: 1, axis: 0, p: 1, t: 1 };
const record = (episode: Partial<Episode> & { rhythm: Rhythm }, more: object = {}): Recording =>
  makeRecording(
    { episodes: [{ seconds: 60, ...episode }], leads: twelveLeads, fs: 500, heart: plain, noise: quiet, ...more },
    new RandomState(8),
  );
const intervalsOf = (beats: readonly Beat[]) => beats.slice(1).map(({ time }, k) => time - beats[k].time);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variation = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2))) / mean(values);

/** Mean of a lead at a time relative to every R peak that has room on both sides. */
function averageAt(
  recording: Recording,
  lead: (typeof twelveLeads)[number],
  seconds: number,
  origin?: Beat['origin'],
): number {
  const signal = recording.signals[recording.leads.indexOf(lead)];
  const values = recording.beats
    .filter(({ beat }) => origin === undefined || beat.origin === origin)
    .map(({ sample }) => signal[sample + Math.round(seconds * recording.fs)])
    .filter((value) => value !== undefined);
  return mean(values);
}

describe('makeBeats', () => {
  test.each([
    ['normal', 55, 105, 0, 0.1],
    ['bradycardia', 35, 60, 0, 0.1],
    ['tachycardia', 100, 160, 0, 0.05],
    ['fibrillation', 60, 145, 0.15, 0.5],
    ['flutter', 50, 160, 0, 0.4],
  ] as const)('%s: rate and regularity', (rhythm, low, high, least, most) => {
    for (let seed = 0; seed < 20; seed++) {
      const intervals = intervalsOf(makeBeats({ rhythm }, 120, new RandomState(seed)));
      const rate = 60 / mean(intervals);
      expect(rate).toBeGreaterThan(low);
      expect(rate).toBeLessThan(high);
      expect(variation(intervals)).toBeGreaterThan(least);
      expect(variation(intervals)).toBeLessThan(most);
    }
  });

  test('intervals are independent in fibrillation, but not in sinus rhythm', () => {
    const correlation = (rhythm: Rhythm) => {
      const intervals = intervalsOf(makeBeats({ rhythm }, 3000, new RandomState(1)));
      const m = mean(intervals);
      const products = intervals.slice(1).map((value, k) => (value - m) * (intervals[k] - m));
      return mean(products) / mean(intervals.map((value) => (value - m) ** 2));
    };
    expect(Math.abs(correlation('fibrillation'))).toBeLessThan(0.06);
    expect(Math.abs(correlation('normal'))).toBeGreaterThan(0.1);
  });

  test('flutter conducts whole numbers of atrial cycles', () => {
    for (const interval of intervalsOf(makeBeats({ rhythm: 'flutter' }, 300, new RandomState(2)))) {
      expect(Math.abs(interval / 0.2 - Math.round(interval / 0.2))).toBeLessThan(0.12);
      expect(interval).toBeGreaterThan(0.35);
    }
  });

  test('a premature atrial beat resets the sinus node, a ventricular one is followed by a compensatory pause', () => {
    const settings = { rhythm: 'normal', rate: 60 } as const;
    const around = (beats: readonly Beat[], origin: Beat['origin']) => {
      const found = beats.flatMap(({ origin: own }, k) => (own === origin && k > 0 && k < beats.length - 1 ? [k] : []));
      const lone = found.filter((k) => [beats[k - 1], beats[k + 1]].every((beat) => beat.origin === 'sinus'));
      expect(lone.length).toBeGreaterThan(20);
      return lone.map((k) => [beats[k].time - beats[k - 1].time, beats[k + 1].time - beats[k].time] as const);
    };
    const atrial = around(makeBeats({ ...settings, prematureAtrial: 0.1 }, 900, new RandomState(3)), 'atrial');
    for (const [before, after] of atrial) {
      expect(before).toBeLessThan(0.85);
      expect(after).toBeGreaterThan(0.85);
      expect(before + after).toBeLessThan(1.95);
    }
    const ventricular = around(
      makeBeats({ ...settings, prematureVentricular: 0.1 }, 900, new RandomState(3)),
      'ventricular',
    );
    for (const [before, after] of ventricular) {
      expect(before).toBeLessThan(0.8);
      expect(before + after).toBeGreaterThan(1.75);
      expect(before + after).toBeLessThan(2.25);
    }
  });

  test('refuses impossible settings', () => {
    expect(() => makeBeats({ rhythm: 'normal', rate: 0 }, 10, new RandomState(1))).toThrow(ValueError);
    expect(() => makeBeats({ rhythm: 'normal' }, Number.NaN, new RandomState(1))).toThrow(ValueError);
    expect(() => record({ rhythm: 'normal', seconds: 10 }, { samples: 0 })).toThrow(InputError);
  });
});

describe('makeRecording', () => {
  test('R peaks are at the positions of the beats', () => {
    const { signals, beats, leads, fs } = record({ rhythm: 'normal' });
    const signal = signals[leads.indexOf('II')];
    expect(beats.length).toBeGreaterThan(50);
    for (const { sample } of beats.slice(1, -1)) {
      const around = signal.subarray(sample - 0.1 * fs, sample + 0.1 * fs);
      const peak = sample - 0.1 * fs + around.indexOf(Math.max(...around));
      expect(Math.abs(peak - sample) / fs).toBeLessThan(0.012);
      expect(signal[sample]).toBeGreaterThan(0.7);
    }
  });

  test("Einthoven's and Goldberger's laws", () => {
    const { signals } = record({ rhythm: 'normal', seconds: 5 });
    const [one, two, three, avr, avl, avf] = signals as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    one.forEach((value, n) => {
      expect(value + three[n]).toBeCloseTo(two[n], 12);
      expect(avr[n] + avl[n] + avf[n]).toBeCloseTo(0, 12);
    });
    expect(Math.max(...two)).toBeGreaterThan(0.5);
  });

  test('R grows and S shrinks from V1 to V5', () => {
    const recording = record({ rhythm: 'normal', seconds: 10 });
    const height = (lead: (typeof twelveLeads)[number]) => averageAt(recording, lead, 0);
    expect(height('V1')).toBeLessThan(-0.3);
    expect(height('V5')).toBeGreaterThan(0.8);
    const [v1, v2, v3, v4] = [height('V1'), height('V2'), height('V3'), height('V4')];
    expect(v1 < v2 && v2 < v3 && v3 < v4).toBe(true);
  });

  test('sinus rhythm has P waves in II, fibrillation and ventricular beats have none', () => {
    const pWave = (recording: Recording, origin?: Beat['origin']) =>
      averageAt(recording, 'II', -0.165, origin) - averageAt(recording, 'II', -0.09, origin);
    expect(pWave(record({ rhythm: 'normal', rate: 60 }, { leads: ['II'] }), 'sinus')).toBeGreaterThan(0.06);
    expect(Math.abs(pWave(record({ rhythm: 'fibrillation', rate: 60, seconds: 300 }, { leads: ['II'] })))).toBeLessThan(
      0.03,
    );
    const ventricular = record({ rhythm: 'normal', rate: 60, prematureVentricular: 0.1 });
    expect(ventricular.beats.some(({ beat }) => beat.origin === 'ventricular')).toBe(true);
    expect(averageAt(ventricular, 'II', -0.165, 'ventricular')).toBeLessThan(0.05);
  });

  test('ventricular beats are wide, with an inverted T wave', () => {
    const recording = record({ rhythm: 'normal', rate: 60, prematureVentricular: 0.1 });
    const at = (seconds: number) => averageAt(recording, 'II', seconds, 'ventricular');
    expect(at(0.06)).toBeGreaterThan(0.5);
    expect(averageAt(recording, 'II', 0.06, 'sinus')).toBeLessThan(0.1);
    expect(at(0.26)).toBeLessThan(-0.2);
    expect(averageAt(recording, 'II', 0.27, 'sinus')).toBeGreaterThan(0.1);
  });

  test('the atria fibrillate at 5 to 8 Hz in V1, flutter at 5 Hz in II', () => {
    /** Amplitude, in mV, of a lead at a frequency, its beats cut out by a moving window over whole cycles between them. */
    const amplitude = (recording: Recording, lead: (typeof twelveLeads)[number], frequency: number) => {
      const signal = recording.signals[recording.leads.indexOf(lead)];
      let [power, windows] = [0, 0];
      for (let k = 1; k < recording.beats.length; k++) {
        const to = recording.beats[k].sample - 50;
        const from = to - Math.round((2 / frequency) * recording.fs);
        if (from < recording.beats[k - 1].sample + 225) continue;
        let [re, im] = [0, 0];
        for (let n = from; n < to; n++) {
          re += signal[n] * Math.cos((2 * Math.PI * frequency * n) / recording.fs);
          im += signal[n] * Math.sin((2 * Math.PI * frequency * n) / recording.fs);
        }
        power += (4 * (re ** 2 + im ** 2)) / (to - from) ** 2;
        windows++;
      }
      expect(windows).toBeGreaterThan(5);
      return Math.sqrt(power / windows);
    };
    const leads = ['I', 'II', 'V1'];
    const fibrillation = record({ rhythm: 'fibrillation', rate: 60, seconds: 120 }, { leads });
    const still = record(
      { rhythm: 'normal', rate: 50, seconds: 120, prematureVentricular: 0 },
      { leads, heart: { ...plain, p: 0 } },
    );
    expect(amplitude(fibrillation, 'V1', 6.5)).toBeGreaterThan(3 * amplitude(still, 'V1', 6.5));
    const flutter = record({ rhythm: 'flutter', rate: 60, seconds: 120 }, { leads });
    expect(amplitude(flutter, 'II', 5)).toBeGreaterThan(4 * amplitude(still, 'II', 5));
    expect(amplitude(flutter, 'II', 5)).toBeGreaterThan(2 * amplitude(flutter, 'I', 5));
  });

  test('the integration has converged: 500 Hz gives the same as 4 kHz', () => {
    const beats = makeBeats({ rhythm: 'normal', prematureVentricular: 0.2 }, 10, new RandomState(5));
    const [coarse, fine] = [500, 4000].map((fs) => heartVector(beats, plain, fs, 10 * fs, new RandomState(6))[0]) as [
      Float64Array,
      Float64Array,
    ];
    const peak = Math.max(...fine);
    expect(peak).toBeGreaterThan(0.8);
    coarse.forEach((value, n) => {
      if (!(Math.abs(value - fine[8 * n]) < 1e-3 * peak)) throw new Error(`sample ${n}: ${value} and ${fine[8 * n]}`);
    });
  });

  test('a recording with one lead is the same as with twelve', () => {
    const all = record({ rhythm: 'fibrillation', seconds: 5 });
    const one = record({ rhythm: 'fibrillation', seconds: 5 }, { leads: ['V2'] });
    expect(one.signals[0]).toEqual(all.signals[7]);
    expect(one.beats).toEqual(all.beats);
  });

  test('noise is absent by default, and drowns the ECG on request', () => {
    const rms = (episode: Partial<Episode>) => {
      const { signals } = record({ rhythm: 'normal', seconds: 20, ...episode }, { noise: undefined });
      return Math.sqrt(mean(Array.from(signals[0], (value) => value ** 2)));
    };
    expect(rms({ drowned: true })).toBeGreaterThan(2 * rms({}));
  });

  test('all rhythms are finite and in the range of an electrode', () => {
    for (const rhythm of rhythms) {
      const { signals } = record(
        { rhythm, seconds: 15, prematureAtrial: 0.1, prematureVentricular: 0.1 },
        { noise: undefined, heart: undefined },
      );
      for (const signal of signals) expect(signal.every((value) => Math.abs(value) < 6)).toBe(true);
    }
  });
});

test('drawRecording: an SVG with a trace and a name for each lead', () => {
  const recording = record({ rhythm: 'normal', seconds: 10 });
  const picture = drawRecording(recording, { title: 'sinus rhythm', columns: 4 });
  expect(picture.match(/class="trace"/g)).toHaveLength(12);
  for (const lead of twelveLeads) expect(picture).toContain(`>${lead}</text>`);
  expect(picture).toContain('viewBox="0 0 250 74"');
  expect(picture).not.toMatch(/NaN|undefined/);
});

test('the pictures of the documentation match the model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  try {
    const names = drawPictures(folder);
    expect(names).toHaveLength(9);
    for (const name of names) {
      expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(root, 'docs', 'pictures', name), 'utf8'));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
