import type { Explanation } from '../predict/attribution.ts';
import type { Recording } from '../recordings/recordings.ts';
import { clock, drawRecording, widthOf } from '../synthetic/picture.ts';

export const notice = 'For research, not for diagnosis.';

/** Seconds of a line of a picture. */
const secondsPerLine = 10;
/** Width limit of the list of classes in millimetres: three lines of ten seconds of paper. */
const longest = 2.6 * 240;

/** Seconds that a column of an explanation stands for: a millimetre of paper. */
const columnSeconds = 0.04;

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
  /** Drawn under the leads. */
  readonly explanation?: Explanation;
}

/** The part of a recording that the network saw, on ECG paper with the result, as an SVG document. */
export function drawPrediction({
  recording,
  leads,
  windowSeconds,
  name,
  result,
  explanation,
}: PredictionPicture): string {
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
  const values = explanation && columnsOf(explanation, windowSeconds, seconds);
  return drawRecording(
    { fs, leads, signals },
    {
      title: name,
      notes: [
        resultText(result),
        window,
        ...(explanation && values ? [explanationText(explanation, values)] : []),
        notice,
      ],
      from,
      seconds,
      secondsPerLine,
      overview: used < samples,
      ...(values && { columnsBelow: { values, seconds: columnSeconds } }),
    },
  );
}

/** Sums of the attributions of each lead over consecutive parts of the last `seconds` of the window. */
function columnsOf({ attributions }: Explanation, windowSeconds: number, seconds: number): Float64Array[] {
  const [samples, leads] = attributions.shape as [number, number];
  const columns = Math.ceil(seconds / columnSeconds - 1e-9);
  const padding = windowSeconds - seconds;
  return Array.from({ length: leads }, (_, lead) => {
    const sums = new Float64Array(columns);
    for (let i = 0; i < samples; i++) {
      const time = ((i + 0.5) / samples) * windowSeconds - padding;
      // Padding has no attribution.
      if (time >= 0)
        sums[Math.min(columns - 1, Math.floor(time / columnSeconds))] += attributions.data[i * leads + lead];
    }
    return sums;
  });
}

function explanationText(explanation: Explanation, values: readonly Float64Array[]): string {
  const { className, probability, baselineProbability, sum, steps } = explanation;
  const largest = Math.max(...values.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
  return `Columns: what 0.04 s of a lead adds to the probability of ${className} (up, orange) or takes from it (down, blue), at most ${largest.toFixed(3)}. Together ${sum.toFixed(3)}: from ${baselineProbability.toFixed(3)} for a flat line to ${probability.toFixed(3)} (integrated gradients, ${steps} steps).`;
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
