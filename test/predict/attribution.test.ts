import { afterAll, expect, test } from 'vitest';
import { compile, type Session } from '../../src/graph/session.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { buildNetwork } from '../../src/networks/network.ts';
import { type Attribution, integratedGradients, largestGap, sumOf } from '../../src/predict/attribution.ts';
import { makeRecording, type Recording } from '../../src/synthetic/recording.ts';

const fs = 100;
const seconds = 6;
const samples = fs * seconds;
/** Number of the class of recordings with a premature beat. */
const premature = 1;

/** A recording of lead II with one premature ventricular beat, away from its ends, or with none. */
function recordingOf(seed: number, planted: boolean): Recording {
  for (let attempt = 0; ; attempt++) {
    const random = new RandomState([seed, attempt]);
    const episode = { rhythm: 'normal', seconds, prematureVentricular: planted ? 0.15 : 0 } as const;
    const recording = makeRecording({ episodes: [episode], leads: ['II'], fs }, random);
    const found = ectopic(recording);
    if (!planted && found.length === 0) return recording;
    if (planted && found.length === 1 && found[0] > fs && found[0] < samples - fs) return recording;
  }
}

/** Samples of the premature beats. */
function ectopic({ beats }: Recording): number[] {
  return beats.filter(({ beat }) => beat.origin === 'ventricular').map(({ sample }) => sample);
}

/** The recording with high waves squashed: the attributions of any network are largest where the signal is. */
function signalOf({ signals: [signal] }: Recording): NdArray<'float32'> {
  return ndarray(
    'float32',
    [samples, 1],
    Float32Array.from(signal, (value) => Math.tanh(4 * value)),
  );
}

function open(seed: number): Session {
  const model = buildNetwork({ stages: 1, head: { classes: 2 } }, { shapes: { x: [samples, 1] } });
  return compile(model, { loss: 'categorical_crossentropy', seed, inputGradients: true });
}

/** A network that has learnt to tell recordings with a premature beat from others. */
function trained(): Session {
  const session = open(1);
  const recordings = Array.from({ length: 64 }, (_, i) => signalOf(recordingOf(i, i % 2 === premature)));
  const batch = 16;
  for (let step = 0; step < 60; step++) {
    const [x, y] = [new Float32Array(batch * samples), new Float32Array(batch * 2)];
    for (let row = 0; row < batch; row++) {
      const number = (step * batch + row) % recordings.length;
      x.set(recordings[number].data, row * samples);
      y[2 * row + (number % 2)] = 1;
    }
    session.train(ndarray('float32', [batch, samples, 1], x), ndarray('float32', [batch, 2], y));
  }
  return session;
}

const session = trained();
const untrained = [2, 3, 4, 5].map(open);
afterAll(() => {
  for (const network of [session, ...untrained]) network.dispose();
});

/** Recordings that the network has not seen, each with one premature beat. */
const fresh = Array.from({ length: 12 }, (_, i) => recordingOf(1000 + i, true));

function explained(network: Session, steps = 64): Promise<Attribution[]> {
  return Promise.all(
    fresh.map((recording) => integratedGradients(network, signalOf(recording), { target: premature, steps })),
  );
}

/** Whether a sample lies between the start of the QRS complex and the end of the T wave of the premature beat. */
function isOnTheBeat(recording: Recording, sample: number): boolean {
  const after = (sample - ectopic(recording)[0]) / fs;
  return after >= -0.1 && after <= 0.4;
}

/** In how many recordings the largest attribution lies on the beat. */
function hits(attributions: readonly Attribution[]): number {
  return fresh.filter((recording, i) => {
    const { data } = attributions[i].attributions;
    return isOnTheBeat(recording, data.indexOf(Math.max(...data)));
  }).length;
}

/** Mean share of the attributions, by magnitude, that lies on the beat. */
function shareOnTheBeat(attributions: readonly Attribution[]): number {
  return mean(
    fresh.map((recording, i) => {
      const sizes = attributions[i].attributions.data.map(Math.abs);
      return sizes.reduce((sum, size, k) => sum + (isOnTheBeat(recording, k) ? size : 0), 0) / (mean(sizes) * samples);
    }),
  );
}

function gap({ attributions, probability, baselineProbability }: Attribution): number {
  return Math.abs(sumOf(attributions) - (probability - baselineProbability));
}

test('the largest attribution lies on the only premature beat', async () => {
  const attributions = await explained(session);
  expect(attributions.filter(({ probability }) => probability > 0.5).length).toBeGreaterThanOrEqual(9);
  expect(hits(attributions)).toBeGreaterThanOrEqual(11);
});

test('random weights destroy it', async () => {
  const learnt = await explained(session, 16);
  let found = 0;
  for (const network of untrained) {
    const random = await explained(network, 16);
    found += hits(random);
    expect(shareOnTheBeat(random)).toBeLessThan(0.6 * shareOnTheBeat(learnt));
    const similarity = fresh.map((_, i) => correlation(learnt[i].attributions.data, random[i].attributions.data));
    expect(Math.abs(mean(similarity))).toBeLessThan(0.35);
  }
  expect(found).toBeLessThanOrEqual((untrained.length * fresh.length) / 2);
});

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const product = (x: Float64Array, y: Float64Array): number => {
    const [mx, my] = [mean(x), mean(y)];
    return x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  };
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

test('completeness: attributions add up to the probability less that of the baseline, the better the more steps', async () => {
  const [few, many] = [await explained(session, 4), await explained(session)];
  for (const attribution of many) expect(gap(attribution)).toBeLessThan(largestGap / 2);
  expect(mean(many.map(gap))).toBeLessThan(0.2 * mean(few.map(gap)));
});

test('the probabilities are those of predict, the gradient is that at the recording, and padding gets exactly 0', async () => {
  const signal = signalOf(fresh[0]);
  signal.data.fill(0, 0, 150);
  const { probability, baselineProbability, gradient, attributions } = await integratedGradients(session, signal, {
    target: premature,
    steps: 8,
  });
  const predicted = (data: Float32Array): number =>
    Number(session.predict(ndarray('float32', [1, samples, 1], data)).data[premature]);
  expect(probability).toBeCloseTo(predicted(signal.data), 6);
  expect(baselineProbability).toBeCloseTo(predicted(new Float32Array(samples)), 6);
  const weights = ndarray('float32', [1, 2], Float32Array.of(0, 1));
  const { gradients } = session.inputGradients(ndarray('float32', [1, samples, 1], signal.data), weights);
  expect(gradient.shape).toEqual([samples, 1]);
  expect(gradient.data).toEqual(gradients.get('x')!.data);
  expect(attributions.data.subarray(0, 150).every((value) => value === 0)).toBe(true);
  expect(attributions.data.subarray(150).some((value) => value !== 0)).toBe(true);
});

test('the steps go through the network in batches, and progress is reported', async () => {
  const done: number[] = [];
  const options = { target: premature, steps: 70, onPoints: (count: number) => done.push(count) };
  const short = await integratedGradients(session, signalOf(fresh[1]), options);
  expect(done).toEqual([32, 64, 70]);
  expect(gap(short)).toBeLessThan(largestGap / 2);
});
