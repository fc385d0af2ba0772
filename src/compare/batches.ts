import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Inputs } from '../lib/keras/inputs.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { rdrecord } from '../lib/wfdb/record.ts';
import { twelveLeads } from '../synthetic/heart.ts';
import { makeRecording } from '../synthetic/recording.ts';
import type { ComparisonData, DataSetName } from './data.ts';
import type { ComparedNetwork } from './networks/compared.ts';

/** Samples and their labels: one-hot or multi-hot rows for finetuning, class numbers for pretraining. */
export interface LabelledBatch {
  readonly x: Inputs;
  readonly y: NdArray;
  /** Weights of the losses, for networks that were built for it. */
  readonly sampleWeight?: NdArray;
}

/** A recording as networks see it: normalised, `(samples, leads)`. */
type Signal = NdArray<'float32'>;

/** Sizes of a batch. Small, because the comparison does not depend on them. */
export const batchSizes = {
  classifier: { records: 4, samples: 500 },
  /** In contrastive predictive coding a record holds a context and candidates, with these numbers of frames. */
  cpc: { records: 3, samples: 250, context: 3, candidates: 4 },
  classes: { finetuning: 5, rhythm: 6, beat: 5, hr: 4, cpc: 4 },
} as const;

/**
 * Batches for a network, float32: excerpts at random places of up to 8 recordings, or of generated recordings if the data have none with
 * that number of leads. Labels are random: the mathematics does not depend on whether they are true.
 */
export function networkBatches(
  data: ComparisonData,
  { task, leads, multiLabel }: Pick<ComparedNetwork, 'task' | 'leads' | 'multiLabel'>,
  count: number,
  seed: number,
): LabelledBatch[] {
  const { classifier, cpc, classes } = batchSizes;
  const signals = signalsOf(data, leads, classifier.samples, seed);
  const draws = new RandomState([seed, leads]);
  const stretches = (shape: readonly number[]): NdArray<'float32'> => {
    const [samples] = shape.slice(-2);
    const total = shape.slice(0, -2).reduce((product, extent) => product * extent, 1);
    const values = new Float32Array(total * samples * leads);
    for (let i = 0; i < total; i++) {
      const signal = signals[draws.randint(signals.length)];
      const start = draws.randint(signal.shape[0] - samples + 1) * leads;
      values.set(signal.data.subarray(start, start + samples * leads), i * samples * leads);
    }
    return ndarray('float32', shape, values);
  };
  return Array.from({ length: count }, () => {
    if (task === 'cpc') {
      const { records, samples, context, candidates } = cpc;
      const x = {
        context: stretches([records, context, samples, leads]),
        samples: stretches([records, candidates, samples, leads]),
      };
      return { x, y: classNumbers(records, classes.cpc, draws) };
    }
    const { records, samples } = classifier;
    const x = stretches([records, samples, leads]);
    const numbers = classNumbers(records, classes[task], draws);
    if (task !== 'finetuning') return { x, y: numbers };
    return { x, y: labelRows(numbers, classes[task], multiLabel ? draws : undefined) };
  });
}

function classNumbers(records: number, classes: number, draws: RandomState): NdArray<'int32'> {
  return ndarray(
    'int32',
    [records],
    Int32Array.from({ length: records }, () => draws.randint(classes)),
  );
}

/** A one in the column of each number. With `draws`, further ones at random. */
function labelRows({ data }: NdArray<'int32'>, classes: number, draws?: RandomState): NdArray<'float32'> {
  const rows = Float32Array.from({ length: data.length * classes }, (_, i) =>
    data[Math.floor(i / classes)] === i % classes || draws?.randint(3) === 0 ? 1 : 0,
  );
  return ndarray('float32', [data.length, classes], rows);
}

const most = 8;
const sources: Readonly<Record<number, readonly DataSetName[]>> = { 1: ['cinc2017'], 12: ['ptbxl', 'challenge2020'] };

/** Recordings read so far, by source, so that every case of a run uses the same ones. */
const read = new Map<string, Signal[]>();

function signalsOf(data: ComparisonData, leads: number, samples: number, seed: number): Signal[] {
  const key = JSON.stringify([data.folder, leads, samples, seed]);
  const known = read.get(key) ?? readSignals(data, leads, samples, seed);
  read.set(key, known);
  return known;
}

function readSignals({ folder, names }: ComparisonData, leads: number, samples: number, seed: number): Signal[] {
  const found: Signal[] = [];
  for (const name of (sources[leads] ?? []).filter((source) => names.includes(source))) {
    for (const path of recordsOf(join(folder, name))) {
      const { pSignal } = rdrecord(path);
      const [length, width] = pSignal.shape;
      if (width === leads && length >= samples && pSignal.data.every(Number.isFinite)) found.push(normalise(pSignal));
      if (found.length === most) return found;
    }
    if (found.length > 0) return found;
  }
  return Array.from({ length: most }, (_, record) => generate(leads, seed + record));
}

/** Paths of WFDB records under a folder, without ending, in order of their names. */
function* recordsOf(folder: string): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  // Neither side can read a header whose record name has an extension.
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.hea'));
  if (!folder.endsWith('recordname_quirk')) for (const { name } of files) yield join(folder, name.slice(0, -4));
  for (const entry of entries) if (entry.isDirectory()) yield* recordsOf(join(folder, entry.name));
}

function generate(leads: number, seed: number): Signal {
  const names = leads === 1 ? (['II'] as const) : twelveLeads.slice(0, leads);
  const settings = { episodes: [{ rhythm: 'normal', seconds: 10 }], leads: names, fs: 250 } as const;
  const { signals } = makeRecording(settings, new RandomState([seed, 5]));
  const values = Float64Array.from({ length: signals[0].length * leads }, (_, i) => {
    return signals[i % leads][Math.floor(i / leads)];
  });
  return normalise(ndarray('float64', [signals[0].length, leads], values));
}

/** Zero mean and unit variance over the recording. */
function normalise({ shape, data }: NdArray<'float64'>): Signal {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  const deviation = Math.sqrt(Math.max(squares / data.length - mean * mean, 1e-12));
  return ndarray(
    'float32',
    shape,
    Float32Array.from(data, (value) => (value - mean) / deviation),
  );
}
