import type { OriginalNetwork } from '../../../bridge/original_network.ts';
import { batchesOf, type Samples } from '../../../jobs/batches.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { f1 } from '../../../port/transplant/evaluation.ts';
import { type DiagnosisName, makeShort } from '../../../synthetic/diagnoses.ts';
import type { LabelledBatch } from '../../batches.ts';
import type { Row } from '../../closeness.ts';
import { buildOriginal, buildPort, type PortNetwork } from '../../networks/sides.ts';
import { pairedDifference, summarise, trialsForStatement } from '../../statistics/trials.ts';
import { NotRunnable, type Suite, type SuiteCase, type SuiteContext } from '../../suite.ts';

const name = 'outcome';

/** The difference of mean macro F1 that would matter. Fixed before any training. */
export const margin = 0.05;

/** Two one-sided tests at 5 %: the 90 % interval of the difference must lie within the margin. */
const confidence = 0.9;

/** Rhythms that differ in rate and regularity: learnt in seconds, but never perfectly. */
const rhythms: readonly DiagnosisName[] = ['normal', 'fibrillation', 'tachycardia', 'bradycardia'];

/** Size of a training. The network has one stage, so that ten trainings take seconds. */
const size = { train: 192, test: 160, batch: 16, epochs: 5, fs: 100, samples: 512 } as const;

/** Small networks trained on generated rhythms by both sides. */
const network = { arch: 'resnet18', stages: 1 } as const;

interface Records {
  /** `(records, samples, 1)`. */
  readonly x: NdArray<'float32'>;
  /** One-hot `(records, rhythms)`. */
  readonly y: NdArray<'float32'>;
}

const rhythmCase: SuiteCase = {
  name: `four rhythms by ${network.arch} of one stage, many seeds`,
  on: { arch: network.arch, task: 'finetuning' },
  quick: true,
  run: compareOutcomes,
};

/** Whole trainings of both sides, compared as distributions over seeds: equivalent within a margin, or not shown to be. */
export const outcome: Suite = {
  name,
  summary: `macro F1 of whole trainings over many seeds, equivalent within ${margin}`,
  cases: [rhythmCase],
};

async function compareOutcomes({ original, seed, trials, observe }: SuiteContext): Promise<Row[]> {
  if (trials < trialsForStatement) {
    throw new NotRunnable(
      `a statement needs at least ${trialsForStatement} trainings per side; got --trials ${trials}`,
    );
  }
  const train = makeRecords(seed, size.train);
  const test = makeRecords(seed + 1, size.test);
  const samples = samplesOf(train);
  const [example] = batchesOf(samples, 1);
  const theirs = await buildOriginal(original, example, { ...network, traced: true }, 'float32');
  try {
    const scores: { port: number; original: number }[] = [];
    for (let trial = 0; trial < trials; trial++) {
      // In a trial both sides start from the same weights with the same order of records. Rounding in float32 makes the trainings diverge.
      const port = buildPort(example, { ...network, precision: 'float32', seed: seed + trial });
      try {
        await theirs.write({ weights: (await port.read()).weights });
        const batches = epochsOf(samples, new RandomState(seed + trial));
        scores.push({ port: await scoreOf(port, batches, test), original: await scoreOf(theirs, batches, test) });
      } finally {
        port.dispose();
      }
    }
    const [ours, others] = [scores.map(({ port }) => port), scores.map((score) => score.original)];
    observe({
      kind: 'table',
      title: `Macro F1 of ${trials} trainings per side`,
      columns: ['trial', 'port', 'original'],
      rows: [
        ...scores.map((score, trial) => [trial + 1, score.port.toFixed(4), score.original.toFixed(4)]),
        ['mean ± standard deviation', spread(ours), spread(others)],
      ],
      note: `The sides are equivalent if the 90 % interval of the mean difference lies within ±${margin}. The margin was fixed in advance.`,
    });
    return [equivalence(ours, others)];
  } finally {
    await theirs.dispose();
  }
}

/** Passes if the interval of the mean difference of paired trials lies within the margin. */
export function equivalence(ours: readonly number[], others: readonly number[]): Row {
  const { trials, mean, low, high } = pairedDifference(ours, others, { margin, confidence });
  const difference = Math.max(Math.abs(low), Math.abs(high));
  return {
    suite: name,
    name: `mean macro F1 of ${trials} trainings a side, end of the 90 % interval of the difference`,
    rung: 'outcome',
    passed: trials >= trialsForStatement && difference <= margin,
    values: 2 * trials,
    difference,
    limit: margin,
    kind: 'close',
    noise: summarise(others).std,
    reason: "margin fixed in advance; the noise is the standard deviation of the original's trials",
    note: `difference ${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`,
  };
}

async function scoreOf(
  side: PortNetwork | OriginalNetwork,
  batches: readonly LabelledBatch[],
  test: Records,
): Promise<number> {
  await side.trainSteps(batches);
  return f1(test.y, await side.predict(test.x));
}

/** Batches of all epochs, in the order that the generator draws. */
function epochsOf(train: Samples, random: RandomState): LabelledBatch[] {
  return Array.from({ length: size.epochs }, () => [
    ...batchesOf(train, size.batch, { order: random.permutation(size.train) }),
  ]).flat();
}

function samplesOf({ x, y }: Records): Samples {
  return { x: { x: arrayRows(x) }, y: arrayRows(y) };
}

/** Generated recordings of the rhythms in turn; mV. */
function makeRecords(seed: number, count: number): Records {
  const x = new Float32Array(count * size.samples);
  const y = new Float32Array(count * rhythms.length);
  for (let record = 0; record < count; record++) {
    const rhythm = record % rhythms.length;
    const random = new RandomState([seed, record]);
    const { signals } = makeShort(rhythms[rhythm], size.fs, size.samples / size.fs, ['I'], random);
    x.set(signals[0].subarray(0, size.samples), record * size.samples);
    y[record * rhythms.length + rhythm] = 1;
  }
  return {
    x: ndarray('float32', [count, size.samples, 1], x),
    y: ndarray('float32', [count, rhythms.length], y),
  };
}

function spread(values: readonly number[]): string {
  const { mean, std } = summarise(values);
  return `${mean.toFixed(4)} ± ${std.toFixed(4)}`;
}
