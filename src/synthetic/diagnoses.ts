import type { RandomState } from '../lib/numpy/random.ts';
import type { Rhythm } from './beats.ts';
import { pick, uniform } from './draws.ts';
import type { Lead } from './heart.ts';
import { makeRecording, type Recording } from './recording.ts';

/** A diagnosis that a generated short recording shows, with its codes in the data sets that have one. */
export interface Diagnosis {
  readonly rhythm: Rhythm;
  readonly prematureAtrial?: number;
  readonly prematureVentricular?: number;
  readonly drowned?: boolean;
  /** Challenge 2017: N normal, A atrial fibrillation, O other, ~ noise. */
  readonly challenge17: 'N' | 'A' | 'O' | '~';
  /** Challenge 2020: SNOMED CT. */
  readonly snomed: readonly string[];
  /** PTB-XL: SCP-ECG statements; SR, AFIB, … are its rhythm category. */
  readonly scp: readonly string[];
}

/** Diagnoses by name. */
export const diagnoses = {
  normal: { rhythm: 'normal', challenge17: 'N', snomed: ['426783006'], scp: ['NORM', 'SR'] },
  fibrillation: { rhythm: 'fibrillation', challenge17: 'A', snomed: ['164889003'], scp: ['AFIB'] },
  flutter: { rhythm: 'flutter', challenge17: 'O', snomed: ['164890007'], scp: ['AFLT'] },
  bradycardia: { rhythm: 'bradycardia', challenge17: 'O', snomed: ['426177001'], scp: ['SBRAD'] },
  tachycardia: { rhythm: 'tachycardia', challenge17: 'O', snomed: ['427084000'], scp: ['STACH'] },
  prematureAtrial: {
    rhythm: 'normal',
    prematureAtrial: 0.2,
    challenge17: 'O',
    snomed: ['284470004', '426783006'],
    scp: ['PAC', 'SR'],
  },
  prematureVentricular: {
    rhythm: 'normal',
    prematureVentricular: 0.2,
    challenge17: 'O',
    snomed: ['164884008', '426783006'],
    scp: ['PVC', 'SR'],
  },
  noise: { rhythm: 'normal', drowned: true, challenge17: '~', snomed: [], scp: [] },
} as const satisfies Readonly<Record<string, Diagnosis>>;

export type DiagnosisName = keyof typeof diagnoses;

/** Frequencies, similar to those in Challenge 2017. */
const shares: Readonly<Record<DiagnosisName, number>> = {
  normal: 0.55,
  fibrillation: 0.13,
  flutter: 0.05,
  bradycardia: 0.05,
  tachycardia: 0.06,
  prematureAtrial: 0.06,
  prematureVentricular: 0.06,
  noise: 0.04,
};

/** Draws the diagnosis of a recording. The first recordings of a set show every diagnosis once, so that small sets have all classes. */
export function drawDiagnosis(index: number, noise: boolean, random: RandomState): DiagnosisName {
  const weights = noise ? shares : { ...shares, noise: 0 };
  const names = (Object.keys(weights) as DiagnosisName[]).filter((name) => weights[name] > 0);
  return names[index] ?? pick(random, weights);
}

/** Makes a short recording that shows the diagnosis. */
export function makeShort(
  name: DiagnosisName,
  fs: number,
  seconds: number,
  leads: readonly Lead[],
  random: RandomState,
): Recording {
  const { rhythm, prematureAtrial, prematureVentricular, drowned }: Diagnosis = diagnoses[name];
  const episode = { rhythm, prematureAtrial, prematureVentricular, drowned, seconds };
  for (;;) {
    const recording = makeRecording({ episodes: [episode], leads, fs }, random);
    // A recording that is labelled with premature beats must contain one.
    const origin = prematureAtrial ? 'atrial' : prematureVentricular ? 'ventricular' : undefined;
    if (origin === undefined || recording.beats.some(({ beat }) => beat.origin === origin)) return recording;
  }
}

/** Length of a handheld recording in seconds: mostly 30, sometimes shorter, or up to a minute. */
export function drawLength(random: RandomState): number {
  const u = random.randomSample();
  return u < 0.7 ? 30 : u < 0.85 ? uniform(random, 9.1, 29) : uniform(random, 31, 60.9);
}
