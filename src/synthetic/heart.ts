import type { RandomState } from '../lib/numpy/random.ts';
import { type Beat, flutterCycle, type Rhythm } from './beats.ts';
import { normal, uniform } from './draws.ts';

/** A wave of the cardiac cycle: a Gaussian pulse of the heart vector. */
interface Wave {
  /** Centre after the R peak and width (standard deviation), in seconds at 60 beats per minute. */
  readonly centre: number;
  readonly width: number;
  /** Peak in mV along x (to the left), y (to the feet) and z (to the back). */
  readonly vector: readonly [number, number, number];
  /** How the wave scales with the length of the cycle: P and T with its square root (Bazett), QRS not at all. */
  readonly stretch: 0 | 0.5;
}

const qrs: readonly Wave[] = [
  { centre: -0.028, width: 0.0085, vector: [-0.13, -0.06, -0.24], stretch: 0 },
  { centre: 0, width: 0.0115, vector: [1.05, 0.8, 0.32], stretch: 0 },
  { centre: 0.03, width: 0.01, vector: [-0.16, -0.2, 0.44], stretch: 0 },
];
const pWave: Wave = { centre: -0.165, width: 0.022, vector: [0.1, 0.13, -0.01], stretch: 0.5 };
const tWave: Wave = { centre: 0.27, width: 0.055, vector: [0.27, 0.22, -0.18], stretch: 0.5 };
const earlyT: Wave = { centre: 0.2, width: 0.05, vector: [0.07, 0.06, -0.05], stretch: 0.5 };

/** Waves by the origin of the beat. A ventricular beat is wide and has no P wave; its T wave has the opposite sign of its QRS complex. */
const wavesOf: Readonly<Record<Beat['origin'], readonly Wave[]>> = {
  sinus: [pWave, ...qrs, earlyT, tWave],
  atrial: [{ ...pWave, centre: -0.125, width: 0.017, vector: [0.06, -0.09, -0.03] }, ...qrs, earlyT, tWave],
  conducted: [...qrs, { ...earlyT, vector: [0.05, 0.04, -0.04] }, { ...tWave, vector: [0.2, 0.16, -0.14] }],
  ventricular: [
    { centre: -0.012, width: 0.03, vector: [0.55, 0.8, -0.7], stretch: 0 },
    { centre: 0.042, width: 0.03, vector: [0.5, 0.65, -0.3], stretch: 0 },
    { centre: 0.26, width: 0.062, vector: [-0.42, -0.55, 0.42], stretch: 0 },
  ],
};

/** Properties that differ from heart to heart. */
export interface Heart {
  /** Factor for all voltages. */
  readonly gain: number;
  /** Rotation of the electrical axis in the frontal plane, in radians. */
  readonly axis: number;
  /** Factors for the P and the T wave. */
  readonly p: number;
  readonly t: number;
}

export function drawHeart(random: RandomState): Heart {
  return {
    gain: Math.exp(0.18 * normal(random)),
    axis: 0.22 * normal(random),
    p: uniform(random, 0.75, 1.3),
    t: uniform(random, 0.7, 1.35),
  };
}

/** A wave at a time in the recording, as the leads see it. */
interface PlacedWave {
  readonly centre: number;
  readonly width: number;
  readonly vector: readonly [number, number, number];
}

function place(beats: readonly Beat[], heart: Heart, random: RandomState): PlacedWave[] {
  const cos = Math.cos(heart.axis) * heart.gain;
  const sin = Math.sin(heart.axis) * heart.gain;
  const placed = beats.flatMap(({ time, origin, interval }) => {
    // Breathing moves the heart, so voltages change by a few per cent from beat to beat.
    const breath = 1 + 0.03 * normal(random);
    return wavesOf[origin].map(({ centre, width, vector: [x, y, z], stretch }): PlacedWave => {
      const scale = stretch === 0 ? 1 : Math.sqrt(Math.min(Math.max(interval, 0.35), 1.4));
      const height = breath * (stretch === 0 ? 1 : centre < 0 ? heart.p : heart.t);
      return {
        centre: time + centre * scale,
        width: width * scale,
        vector: [(x * cos - y * sin) * height, (x * sin + y * cos) * height, z * heart.gain * height],
      };
    });
  });
  return placed.sort((a, b) => a.centre - b.centre);
}

/**
 * Heart vector over time: x, y and z in mV, `samples` each.
 *
 * The dynamical model of McSharry, Clifford, Tarassenko and Smith (IEEE Trans. Biomed. Eng. 50, 2003): a point moves around a limit cycle with the
 * angular velocity ω = 2π/RR, and every wave i, at the angle θᵢ, pulls the voltage,
 *
 *     dz/dt = −Σᵢ aᵢ (ω/bᵢ²) Δθᵢ exp(−Δθᵢ²/2bᵢ²) − (z − z₀),
 *
 * in the form of Sameni et al. (EURASIP J. Adv. Signal Process. 2007), in which aᵢ is a height in mV and z a vector in space. On the cycle, Δθᵢ = ω(t
 * − tᵢ) and bᵢ = ω·wᵢ, so each wave is given by its time and width in seconds. The equation is integrated with the fourth-order Runge–Kutta method.
 *
 * @param fs Sampling rate in Hz.
 */
export function heartVector(
  beats: readonly Beat[],
  heart: Heart,
  fs: number,
  samples: number,
  random: RandomState,
): [x: Float64Array, y: Float64Array, z: Float64Array] {
  const waves = place(beats, heart, random);
  const axes: [Float64Array, Float64Array, Float64Array] = [
    new Float64Array(samples),
    new Float64Array(samples),
    new Float64Array(samples),
  ];
  const reach = 5;
  const widest = waves.reduce((width, wave) => Math.max(width, wave.width), 0) * reach;
  let first = 0;
  /** Sum of the pulls of all waves, without the return to the baseline. */
  const pull = (t: number, out: Float64Array): void => {
    out.fill(0);
    while (first < waves.length && waves[first].centre < t - widest) first++;
    for (let k = first; k < waves.length && waves[k].centre < t + widest; k++) {
      const { centre, width, vector } = waves[k];
      const distance = (t - centre) / width;
      if (distance < -reach || distance > reach) continue;
      const slope = (-distance / width) * Math.exp(-0.5 * distance * distance);
      out[0] += vector[0] * slope;
      out[1] += vector[1] * slope;
      out[2] += vector[2] * slope;
    }
  };
  const h = 1 / fs;
  const state = new Float64Array(3);
  let now = new Float64Array(3);
  let next = new Float64Array(3);
  const middle = new Float64Array(3);
  pull(0, now);
  for (let n = 0; n < samples; n++) {
    for (let axis = 0; axis < 3; axis++) axes[axis as 0 | 1 | 2][n] = state[axis];
    const t = n * h;
    pull(t + h / 2, middle);
    pull(t + h, next);
    for (let axis = 0; axis < 3; axis++) {
      const z = state[axis];
      const k1 = now[axis] - z;
      const k2 = middle[axis] - (z + (h / 2) * k1);
      const k3 = middle[axis] - (z + (h / 2) * k2);
      const k4 = next[axis] - (z + h * k3);
      state[axis] = z + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    [now, next] = [next, now];
  }
  return axes;
}

/**
 * Adds atrial activity to samples `[from, to)`: in fibrillation, f-waves of 5 to 8 Hz of varying amplitude, strongest in V1; in flutter, a saw-tooth
 * of 300 waves per minute, strongest in II, III and aVF. After Stridh and Sörnmo (IEEE Trans. Biomed. Eng. 48, 2001).
 */
export function addAtrialWaves(
  axes: readonly [Float64Array, Float64Array, Float64Array],
  rhythm: Rhythm,
  fs: number,
  from: number,
  to: number,
  random: RandomState,
): void {
  if (rhythm !== 'fibrillation' && rhythm !== 'flutter') return;
  const flutter = rhythm === 'flutter';
  const frequency = flutter ? 1 / flutterCycle : uniform(random, 5, 8);
  const amplitude = flutter ? uniform(random, 0.09, 0.15) : uniform(random, 0.035, 0.07);
  const direction = flutter ? [0.1, -1, -0.35] : [-0.45, 0.5, -0.9];
  const swing = uniform(random, 0.1, 0.3);
  const drift = uniform(random, 0.15, 0.4);
  let phase = uniform(random, 0, 2 * Math.PI);
  for (let n = from; n < to; n++) {
    const t = n / fs;
    const local = flutter ? frequency : frequency + 0.6 * Math.sin(2 * Math.PI * drift * t);
    phase += (2 * Math.PI * local) / fs;
    const height = amplitude * (flutter ? 1 : 1 + 1.6 * swing * Math.sin(2 * Math.PI * 0.7 * drift * t));
    // The first harmonics of a saw-tooth.
    const wave = height * (Math.sin(phase) - Math.sin(2 * phase) / 2 + Math.sin(3 * phase) / 3);
    for (let axis = 0; axis < 3; axis++) axes[axis as 0 | 1 | 2][n] += direction[axis] * wave;
  }
}

/** The twelve standard leads, in the order of all the data sets. */
export const twelveLeads = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'] as const;
export type Lead = (typeof twelveLeads)[number];

// Dower's transform of the heart vector; the limb leads follow from I and II by Einthoven's and Goldberger's laws.
const dower: Readonly<Record<'I' | 'II' | 'V1' | 'V2' | 'V3' | 'V4' | 'V5' | 'V6', readonly [number, number, number]>> =
  {
    I: [0.632, -0.235, 0.059],
    II: [0.235, 1.066, -0.132],
    V1: [-0.515, 0.157, -0.917],
    V2: [0.044, 0.164, -1.387],
    V3: [0.882, 0.098, -1.277],
    V4: [1.213, 0.127, -0.601],
    V5: [1.125, 0.127, -0.086],
    V6: [0.831, 0.076, 0.23],
  };

function weightsOf(lead: Lead): readonly [number, number, number] {
  const mix = (i: number, ii: number) =>
    [0, 1, 2].map((axis) => i * dower.I[axis] + ii * dower.II[axis]) as [number, number, number];
  if (lead === 'III') return mix(-1, 1);
  if (lead === 'aVR') return mix(-0.5, -0.5);
  if (lead === 'aVL') return mix(1, -0.5);
  if (lead === 'aVF') return mix(-0.5, 1);
  return dower[lead];
}

/** Projection of the heart vector onto a lead, in mV. */
export function projectOnLead(
  lead: Lead,
  [x, y, z]: readonly [Float64Array, Float64Array, Float64Array],
): Float64Array {
  const [a, b, c] = weightsOf(lead);
  return x.map((value, n) => a * value + b * y[n] + c * z[n]);
}
