/** Signals of equal length, each frames × channels, as one signal: the channels of the first, then those of the next. */
export function joinChannels(parts: readonly Float32Array[], channels: number): Float32Array {
  if (parts.length === 1) return parts[0];
  const frames = parts[0].length / channels;
  const all = channels * parts.length;
  const out = new Float32Array(frames * all);
  for (const [part, samples] of parts.entries()) {
    for (let channel = 0; channel < channels; channel++) {
      const place = part * channels + channel;
      for (let i = 0; i < frames; i++) out[i * all + place] = samples[i * channels + channel];
    }
  }
  return out;
}

/** The inverse of `joinChannels`: signals of `channels` each. */
export function splitChannels(samples: Float32Array, all: number, channels: number): Float32Array[] {
  if (all === channels) return [samples];
  const frames = samples.length / all;
  return Array.from({ length: all / channels }, (_, part) => {
    const out = new Float32Array(frames * channels);
    for (let channel = 0; channel < channels; channel++) {
      const place = part * channels + channel;
      for (let i = 0; i < frames; i++) out[i * channels + channel] = samples[i * all + place];
    }
    return out;
  });
}
