import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { bothSides } from '../../both_sides.ts';
import type { Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf } from '../../networks/compared.ts';
import { inLastPlace, reversed } from '../../networks/rounding.ts';
import { freeRows, freeRun, teacherForcedSteps, trainingRows } from '../../networks/rows.ts';
import { settledMoments, settledSteps, type Twins, withTwins } from '../../networks/sides.ts';
import type { Observation, Series } from '../../observations.ts';
import type { Suite, SuiteContext } from '../../suite.ts';
import { freeLimitsOf, limitsOf } from '../../tolerances.ts';
import { jobCases } from './job.ts';
import { sameGraph } from './same_graph.ts';

const steps = { free: 10, teacherForced: 3, graph: 3 };

/** Training steps: the port's graph in both languages, free-running in float64, teacher-forced in float32. */
export const training: Suite = {
  name: 'training',
  summary:
    'training steps: one graph in both languages (bits), ten free-running losses in float64, teacher-forced losses in float32',
  cases: [
    ...casesOf(async (context, network) => {
      const { original, data, seed, observe } = context;
      const batches = networkBatches(data, network, steps.free, seed);
      const single = await inSingle(context, network, batches);
      const kind = { ...network, precision: 'float64', seed, traced: true } as const;
      const double = await withTwins(original, batches[0], kind, async (twins) => {
        const { rows, theirs } = await inDouble(twins, network, batches, seed);
        return { rows: await withFirstLayer(context, rows, twins, kind, batches[0]), theirs };
      });
      observe(lossCurves(network.name, { ...single.free, noise: double.theirs }));
      return [...single.rows, ...double.rows];
    }),
    ...jobCases,
  ],
};

/** The float32 part: rows, and the free-running losses of both sides from the starting weights. */
function inSingle(
  context: SuiteContext,
  network: ComparedNetwork,
  batches: readonly LabelledBatch[],
): Promise<{ rows: readonly Row[]; free: { port: number[]; original: number[] } }> {
  const { original, seed } = context;
  const kind = { ...network, precision: 'float32', seed, traced: true } as const;
  return withTwins(original, batches[0], kind, async (twins) => {
    const { port, network: theirs, weights } = twins;
    const rows = await sameGraph('training', original, port.session, batches.slice(0, steps.graph));
    const moments = settledMoments(port.session.model);
    await theirs.write({ weights, moments, iterations: settledSteps });
    const results = await teacherForcedSteps(twins, batches.slice(0, steps.teacherForced));
    rows.push(...trainingRows(results, limitsOf(network, 'float32')));
    for (const side of [port, theirs]) await side.write({ weights });
    const [ours, keras] = await bothSides(
      () => theirs.trainSteps(batches),
      () => port.trainSteps(batches),
    );
    return {
      rows: await withFirstLayer(context, rows, twins, kind, batches[0]),
      free: { port: ours, original: keras },
    };
  });
}

/** The float64 part: both sides run freely, the original twice more to measure its own noise from the same start. */
async function inDouble(
  { port, network: theirs, weights, names }: Twins,
  network: ComparedNetwork,
  batches: readonly LabelledBatch[],
  seed: number,
): Promise<{ rows: Row[]; theirs: readonly number[] }> {
  const [ours, once] = await bothSides(
    () => freeRun(theirs, batches),
    () => freeRun(port, batches),
  );
  const noise = { freeLosses: 0, freeWeights: 0 };
  for (const [side, start] of [
    [reversed(theirs), weights],
    [theirs, inLastPlace(weights, seed)],
  ] as const) {
    await theirs.write({ weights: start });
    const [losses, ends] = freeRows(names, await freeRun(side, batches), once, freeLimitsOf(network));
    noise.freeLosses = Math.max(noise.freeLosses, losses.difference);
    noise.freeWeights = Math.max(noise.freeWeights, ends.difference);
  }
  const rows = freeRows(names, ours, once, freeLimitsOf(network, noise));
  return { rows, theirs: once.losses };
}

function lossCurves(
  title: string,
  { port, original, noise }: { port: readonly number[]; original: readonly number[]; noise: readonly number[] },
): Observation {
  const x = noise.map((_, step) => step + 1);
  const series: Series[] = [
    { name: 'port, float32', side: 'port', x, y: port },
    { name: 'original, float32', side: 'original', x, y: original },
    { name: 'original, float64', side: 'noise', x, y: noise },
  ];
  const apart = (a: readonly number[], b: readonly number[]): string => {
    return Math.max(...a.map((loss, i) => Math.abs(loss - b[i]) / Math.max(Math.abs(b[i]), 1e-12))).toExponential(1);
  };
  const note =
    `Float32 training is chaotic, so there is no verdict on these losses. Port and original differ by at most ${apart(port, original)} ` +
    `(relative), the original in float32 and in float64 ${apart(original, noise)}.`;
  return { kind: 'curves', title: `Free-running losses, ${title}`, x: 'step', y: 'loss', series, note };
}
