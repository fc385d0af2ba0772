import type { Recording } from '../recordings/recordings.ts';
import { clock, drawRecording, widthOf } from '../synthetic/picture.ts';

export const notice = 'For research, not for diagnosis.';

/** Seconds of a line of a picture. */
const secondsPerLine = 10;
/** Width limit of the list of classes in millimetres: three lines of ten seconds of paper. */
const longest = 2.6 * 240;

/** What a picture of a prediction shows. */
export interface PredictionPicture {
  /** The leads that the network saw, as recorded, in mV. */
  readonly recording: Pick<Recording, 'signal' | 'fs'>;
  /** Names of the network's leads. */
  readonly leads: readonly string[];
  /** How many seconds at the end of the recording the network sees. */
  readonly windowSeconds: number;
  readonly name: string;
  /** Classes that the network chose, the most probable first. */
  readonly result: readonly { readonly name: string; readonly probability: number }[];
}

/** The part of a recording that the network saw, on ECG paper with the result, as an SVG document. */
export function drawPrediction({ recording, leads, windowSeconds, name, result }: PredictionPicture): string {
  const { signal, fs } = recording;
  const [samples, width] = signal.shape as [number, number];
  const whole = samples / fs;
  // Whole samples: the first one drawn must be one that was used.
  const used = Math.min(samples, Math.round(windowSeconds * fs));
  const seconds = used / fs;
  const from = (samples - used) / fs;
  const signals = leads.map((_, lead) =>
    Float64Array.from({ length: samples }, (_value, i) => signal.data[i * width + lead]),
  );
  const padding = windowSeconds - seconds;
  const window =
    used < samples
      ? `The network saw ${clock(from)} to ${clock(whole)} of ${clock(whole)} (min:s), drawn here; the beginning was left out.`
      : `The network saw the whole recording of ${clock(whole)} (min:s)${padding >= 0.1 ? `, behind ${clock(padding)} of zeros` : ''}.`;
  return drawRecording(
    { fs, leads, signals },
    {
      title: name,
      notes: [resultText(result), window, notice],
      from,
      seconds,
      secondsPerLine,
      overview: used < samples,
    },
  );
}

/** Such as `AF 98.1 %, PVC 61.0 %`. A list that is too long ends with the number of classes left out. */
function resultText(result: PredictionPicture['result']): string {
  if (result.length === 0) return 'No class.';
  const texts = result.map(({ name, probability }) => `${name} ${(100 * probability).toFixed(1)}\u00a0%`);
  const kept: string[] = [];
  let width = 0;
  for (const text of texts) {
    width += widthOf(`${text}, `);
    if (width > longest && kept.length > 0) return `${kept.join(', ')} and ${texts.length - kept.length} more classes`;
    kept.push(text);
  }
  return kept.join(', ');
}
