import { InputError } from '../errors.ts';
import type { RandomState } from '../lib/numpy/random.ts';
import { type Beat, makeBeats, type RhythmSettings } from './beats.ts';
import { addAtrialWaves, drawHeart, type Heart, heartVector, type Lead, projectOnLead } from './heart.ts';
import { addNoise, drawNoise, drowningNoise, type NoiseSettings } from './noise.ts';

/** A stretch of a recording. */
export interface Episode extends RhythmSettings {
  /** Length in seconds. */
  readonly seconds: number;
  /** Whether noise drowns the ECG, so that beats cannot be labelled. */
  readonly drowned?: boolean;
}

export interface RecordingSettings {
  readonly episodes: readonly Episode[];
  readonly leads: readonly Lead[];
  /** Sampling rate in Hz. */
  readonly fs: number;
  /** Number of samples; default: the length of the episodes. */
  readonly samples?: number;
  /** Default: drawn at random. */
  readonly heart?: Heart;
  readonly noise?: NoiseSettings;
}

/** A beat and its position. */
export interface LabelledBeat {
  /** Sample of its R peak. */
  readonly sample: number;
  readonly beat: Beat;
  readonly episode: Episode;
}

export interface Recording {
  readonly fs: number;
  readonly leads: readonly Lead[];
  /** mV, one array for each lead. */
  readonly signals: readonly Float64Array[];
  /** Sorted by time, at most one per sample. */
  readonly beats: readonly LabelledBeat[];
}

/** Generates a recording. The same settings and random state give the same recording. */
export function makeRecording(settings: RecordingSettings, random: RandomState): Recording {
  const { episodes, leads, fs } = settings;
  const seconds = episodes.reduce((sum, episode) => sum + episode.seconds, 0);
  const samples = settings.samples ?? Math.round(seconds * fs);
  if (!(samples > 0 && Number.isFinite(samples))) {
    throw new InputError('a recording needs at least one sample', {
      got: `${samples} samples of ${seconds} s at ${fs} Hz`,
    });
  }
  const heart = settings.heart ?? drawHeart(random);
  const noise = settings.noise ?? drawNoise(random);
  const placed = placeBeats(episodes, random);
  const axes = heartVector(
    placed.map(({ beat }) => beat),
    heart,
    fs,
    samples,
    random,
  );
  let start = 0;
  const stretches = episodes.map((episode) => {
    const from = Math.min(samples, Math.round(start * fs));
    start += episode.seconds;
    return { episode, from, to: Math.min(samples, Math.round(start * fs)) };
  });
  for (const { episode, from, to } of stretches) addAtrialWaves(axes, episode.rhythm, fs, from, to, random);
  const signals = leads.map((lead) => {
    const signal = projectOnLead(lead, axes);
    addNoise(signal, noise, fs, 0, samples, random);
    for (const { episode, from, to } of stretches) {
      if (episode.drowned) addNoise(signal, drowningNoise, fs, from, to, random);
    }
    return signal;
  });
  const beats: LabelledBeat[] = [];
  for (const { beat, episode } of placed) {
    const sample = Math.round(beat.time * fs);
    if (sample >= 0 && sample < samples && sample > (beats.at(-1)?.sample ?? -1)) beats.push({ sample, beat, episode });
  }
  return { fs, leads, signals, beats };
}

/** Beats of all episodes on one time axis, at least 0.25 s apart (the refractory time of the ventricles). */
function placeBeats(episodes: readonly Episode[], random: RandomState): { beat: Beat; episode: Episode }[] {
  const placed: { beat: Beat; episode: Episode }[] = [];
  let start = 0;
  episodes.forEach((episode, k) => {
    const end = start + episode.seconds;
    for (const beat of makeBeats(episode, episode.seconds, random)) {
      const time = start + beat.time;
      const before = placed.at(-1)?.beat.time;
      if (time >= end && k < episodes.length - 1) break;
      if (before !== undefined && time - before < 0.25) continue;
      placed.push({ beat: { ...beat, time, interval: before === undefined ? beat.interval : time - before }, episode });
    }
    start = end;
  });
  return placed;
}
