import type { RandomState } from '../lib/numpy/random.ts';
import { normal, uniform } from './draws.ts';

/** Kinds of noise in a recording; amplitudes in mV. */
export interface NoiseSettings {
  /** Baseline wander from respiration and movement. */
  readonly wander: number;
  /** Standard deviation of muscle noise. */
  readonly muscle: number;
  /** Mains hum. */
  readonly mains: number;
  /** Number of electrode artefacts (steps that decay) per minute. */
  readonly artefacts: number;
  /** Mains frequency in Hz; default 50. */
  readonly mainsFrequency?: number;
}

/** Noise of an ambulatory recording, drawn for each recording. */
export function drawNoise(random: RandomState, level = 1): NoiseSettings {
  return {
    wander: level * uniform(random, 0.02, 0.1),
    muscle: level * uniform(random, 0.004, 0.016),
    mains: level * uniform(random, 0, 0.006),
    artefacts: level * uniform(random, 0, 1.2),
  };
}

/** Noise that drowns the ECG: loose electrodes and movement. */
export const drowningNoise: NoiseSettings = { wander: 0.5, muscle: 0.16, mains: 0.03, artefacts: 40 };

/** Adds noise to samples `[from, to)` of one lead, in mV. */
export function addNoise(
  signal: Float64Array,
  settings: NoiseSettings,
  fs: number,
  from: number,
  to: number,
  random: RandomState,
): void {
  const { wander, muscle, mains, artefacts, mainsFrequency = 50 } = settings;
  if (wander === 0 && muscle === 0 && mains === 0 && artefacts === 0) return;
  const waves = Array.from({ length: 5 }, (_, k) => ({
    frequency: uniform(random, 0.05, 0.12) * (k + 1),
    phase: uniform(random, 0, 2 * Math.PI),
    height: (wander * uniform(random, 0.3, 1)) / (k + 1),
  }));
  const hum = uniform(random, 0, 2 * Math.PI);
  const chance = artefacts / 60 / fs;
  // Muscle noise has higher frequencies than the ECG: white noise minus its slow part.
  let slow = 0;
  const smoothing = Math.exp((-2 * Math.PI * 15) / fs);
  let step = 0;
  const decay = Math.exp(-1 / (0.35 * fs));
  for (let n = from; n < to; n++) {
    const t = n / fs;
    let value = mains * Math.sin(2 * Math.PI * mainsFrequency * t + hum);
    for (const { frequency, phase, height } of waves) value += height * Math.sin(2 * Math.PI * frequency * t + phase);
    const white = normal(random);
    slow = smoothing * slow + (1 - smoothing) * white;
    value += muscle * (white - slow);
    if (random.randomSample() < chance) step += uniform(random, -1, 1) * (0.4 + 4 * muscle);
    step *= decay;
    signal[n] += value + step;
  }
}
