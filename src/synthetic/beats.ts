import type { RandomState } from '../lib/numpy/random.ts';
import { ValueError } from '../lib/python/errors.ts';
import { normal, uniform } from './draws.ts';

/** Origin of a heart beat: the sinus node, an atrial or a ventricular focus, or fibrillating or fluttering atria (no P wave). */
export type Origin = 'sinus' | 'atrial' | 'ventricular' | 'conducted';

/** A heart beat. */
export interface Beat {
  /** Seconds from the start of the recording to the R peak. */
  readonly time: number;
  readonly origin: Origin;
  /** Interval since the previous beat, in seconds. */
  readonly interval: number;
}

/** Rhythms that can be generated. */
export const rhythms = ['normal', 'bradycardia', 'tachycardia', 'fibrillation', 'flutter'] as const;
export type Rhythm = (typeof rhythms)[number];

/** Settings of a stretch of one rhythm. */
export interface RhythmSettings {
  readonly rhythm: Rhythm;
  /** Mean heart rate in beats per minute; default: drawn from the range of the rhythm. */
  readonly rate?: number;
  /** Probability that a sinus beat is a premature atrial one. */
  readonly prematureAtrial?: number;
  /** Probability that a beat is a premature ventricular one. */
  readonly prematureVentricular?: number;
}

const rates: Readonly<Record<Rhythm, readonly [low: number, high: number]>> = {
  normal: [62, 95],
  bradycardia: [40, 56],
  tachycardia: [105, 150],
  fibrillation: [70, 130],
  flutter: [70, 155],
};

/** Cycle length of a fluttering atrium in seconds (300 per minute). */
export const flutterCycle = 0.2;

/**
 * Heart beats of a stretch of one rhythm, from 0.3 s before it to the first after its end.
 *
 * In sinus rhythm, intervals vary with respiration (0.25 Hz) and with the Mayer waves of blood pressure (0.1 Hz), the two bands of McSharry et al.
 * 2003. In fibrillation, intervals are independent of each other. In flutter, they are whole numbers of atrial cycles. A premature atrial beat resets
 * the sinus node; a premature ventricular beat does not, so a compensatory pause follows.
 *
 * @param seconds Length of the stretch.
 */
export function makeBeats(settings: RhythmSettings, seconds: number, random: RandomState): Beat[] {
  const { rhythm, prematureAtrial = 0, prematureVentricular = 0 } = settings;
  const rate = settings.rate ?? uniform(random, ...rates[rhythm]);
  if (!(rate >= 20 && rate <= 300))
    throw new ValueError(`the heart rate must be 20 to 300 beats per minute; got ${rate}`);
  if (!(seconds > 0)) throw new ValueError(`the length must be more than 0 s; got ${seconds}`);
  const interval = intervalsOf(rhythm, 60 / rate, random);
  const sinus = rhythm !== 'fibrillation' && rhythm !== 'flutter';
  const beats: Beat[] = [];
  let time = uniform(random, -0.3, 0.3);
  let last = 60 / rate;
  let usual: Origin = sinus ? 'sinus' : 'conducted';
  for (;;) {
    beats.push({ time, origin: usual, interval: last });
    if (time > seconds) return beats;
    usual = sinus ? 'sinus' : 'conducted';
    const next = interval(time);
    const u = random.randomSample();
    if (u < prematureVentricular) {
      const early = next * uniform(random, 0.5, 0.7);
      beats.push({ time: time + early, origin: 'ventricular', interval: early });
      // The next sinus impulse finds the ventricles refractory, so the pause is compensatory.
      last = (sinus ? 2 * next : early + next) - early;
      time += early + last;
    } else if (sinus && u < prematureVentricular + prematureAtrial) {
      last = next * uniform(random, 0.55, 0.75);
      time += last;
      usual = 'atrial';
    } else {
      last = next;
      time += next;
    }
  }
}

/** Returns the interval in seconds from the beat at `time` to the next one. */
function intervalsOf(rhythm: Rhythm, mean: number, random: RandomState): (time: number) => number {
  if (rhythm === 'fibrillation') {
    // A gamma distribution (skewed to the right) after the refractory time of the atrioventricular node.
    const refractory = 0.28;
    return () => {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum -= Math.log(1 - random.randomSample());
      return refractory + ((mean - refractory) * sum) / 4;
    };
  }
  if (rhythm === 'flutter') {
    const block = Math.max(2, Math.round(mean / flutterCycle));
    return () => {
      const u = random.randomSample();
      const cycles = u < 0.85 ? block : u < 0.95 ? block + 2 : Math.max(2, block - 1);
      return cycles * flutterCycle + 0.004 * normal(random);
    };
  }
  const respiration = uniform(random, 0.2, 0.3);
  const phases = [uniform(random, 0, 2 * Math.PI), uniform(random, 0, 2 * Math.PI)];
  const depth = rhythm === 'tachycardia' ? 0.012 : 0.035;
  return (time) => {
    const slow = Math.sin(2 * Math.PI * 0.1 * time + phases[0]);
    const fast = Math.sin(2 * Math.PI * respiration * time + phases[1]);
    return mean * (1 + depth * (0.7 * slow + fast + 0.3 * normal(random)));
  };
}
