import { RandomState } from '../lib/numpy/random.ts';
import { type Digital, digitize } from './digital.ts';
import { uniform } from './draws.ts';
import { drawHeart } from './heart.ts';
import { drawNoise } from './noise.ts';
import { type Episode, type LabelledBeat, makeRecording } from './recording.ts';

/** Sampling rate in Hz. */
export const icentiaRate = 250;

/** The main rhythm of a patient. Premature beats can occur in all of them. */
const profiles = [
  { rhythm: 'normal', share: 0.5 },
  { rhythm: 'fibrillation', share: 0.22 },
  { rhythm: 'flutter', share: 0.12 },
  { rhythm: 'tachycardia', share: 0.08 },
  { rhythm: 'bradycardia', share: 0.08 },
] as const;

/** Codes of beats and rhythms in Icentia11k. */
const beatCodes = { sinus: 1, conducted: 1, atrial: 2, ventricular: 4 } as const;
const rhythmCodes = { normal: 3, bradycardia: 3, tachycardia: 3, fibrillation: 4, flutter: 5 } as const;
const undefinedBeat = 0;
const noise = 2;

/** A segment of an Icentia11k patient: samples, and for each mark its position and its two codes. */
export interface IcentiaSegment {
  readonly digital: Digital;
  readonly positions: Int32Array;
  readonly beats: Int32Array;
  readonly rhythms: Int32Array;
}

/** A generated Icentia11k patient. It depends only on seed, id and sizes, not on the other patients. */
export function makeIcentiaPatient(seed: number, id: number, segments: number, samples: number): IcentiaSegment[] {
  const own = new RandomState([seed, 11, id]);
  const heart = drawHeart(own);
  const profile = pickProfile(own.randomSample());
  const prematureAtrial = own.randomSample() < 0.4 ? uniform(own, 0.01, 0.08) : 0;
  const prematureVentricular = own.randomSample() < 0.4 ? uniform(own, 0.01, 0.08) : 0;
  return Array.from({ length: segments }, (_, segment) => {
    const random = new RandomState([seed, 11, id, segment]);
    const episodes: Episode[] = [];
    for (let seconds = 0; seconds < samples / icentiaRate; ) {
      const u = random.randomSample();
      const rhythm = u < 0.6 ? profile : 'normal';
      const drowned = u > 0.93;
      const episode = { rhythm, prematureAtrial, prematureVentricular, drowned } as const;
      episodes.push({ ...episode, seconds: drowned ? uniform(random, 4, 12) : uniform(random, 15, 90) });
      seconds += episodes.at(-1)!.seconds;
    }
    const settings = {
      episodes,
      leads: ['I'],
      fs: icentiaRate,
      samples,
      heart,
      noise: drawNoise(random, 1.2),
    } as const;
    const recording = makeRecording(settings, random);
    return { digital: digitize(recording, 500), ...codesOf(recording.beats) };
  });
}

function pickProfile(u: number): (typeof profiles)[number]['rhythm'] {
  let left = u;
  for (const { rhythm, share } of profiles) {
    left -= share;
    if (left < 0) return rhythm;
  }
  return 'normal';
}

function codesOf(beats: readonly LabelledBeat[]): Omit<IcentiaSegment, 'digital'> {
  return {
    positions: Int32Array.from(beats, ({ sample }) => sample),
    beats: Int32Array.from(beats, ({ beat, episode }) => (episode.drowned ? undefinedBeat : beatCodes[beat.origin])),
    rhythms: Int32Array.from(beats, ({ episode }) => (episode.drowned ? noise : rhythmCodes[episode.rhythm])),
  };
}
