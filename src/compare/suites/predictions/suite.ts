import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { bothSides } from '../../both_sides.ts';
import type { Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf } from '../../networks/compared.ts';
import { outputRow } from '../../networks/rows.ts';
import { comparedPrecisions, type Twins, withBoth, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';
import { exportedCases } from './exported.ts';

/** Probabilities and logits from the same weights. The report also shows how far bfloat16 is off. */
export const predictions: Suite = {
  name: 'predictions',
  summary: 'outputs from the same weights, float64 and float32, also of exported models; what bfloat16 costs is shown',
  cases: [...casesOf(compareOutputs), ...exportedCases],
};

async function compareOutputs(context: SuiteContext, network: ComparedNetwork): Promise<Row[]> {
  const { original, data, seed, observe } = context;
  const [batch] = networkBatches(data, network, 1, seed);
  const rows: Row[] = [];
  for (const precision of comparedPrecisions) {
    const kind = { ...network, precision, seed };
    await withTwins(original, batch, kind, async (twins) => {
      const row = await outputRow(twins, batch, limitsOf(network, precision));
      rows.push(...(await withFirstLayer(context, [row], twins, kind, batch)));
      if (precision === 'float32') observe(await halfPrecision(context, network, batch, twins));
    });
  }
  return rows;
}

/** How far bfloat16 is from float32 on each side, and the sides from each other. */
async function halfPrecision(
  { original, seed }: SuiteContext,
  network: ComparedNetwork,
  batch: LabelledBatch,
  { network: single, weights }: Twins,
): Promise<Parameters<SuiteContext['observe']>[0]> {
  const expected = await single.predict(batch.x);
  const kind = { ...network, precision: 'bfloat16', seed } as const;
  return withBoth(original, batch, kind, 'mixed_bfloat16', async (port, theirs) => {
    for (const side of [port, theirs]) await side.write({ weights });
    const [ours, keras] = await bothSides(
      () => theirs.predict(batch.x),
      () => port.predict(batch.x),
    );
    const distance = (a: typeof ours, b: typeof ours): string => relativeLength(a.data, b.data).toExponential(1);
    return {
      kind: 'table',
      title: `bfloat16, ${network.name}`,
      columns: ['outputs', 'relative distance (Euclidean)'],
      rows: [
        ['port in bfloat16, original in float32', distance(ours, expected)],
        ['original in bfloat16, original in float32', distance(keras, expected)],
        ['port in bfloat16, original in bfloat16', distance(ours, keras)],
      ],
      note: 'No verdict: bfloat16 keeps 8 bits of a number, and the sides round in different places.',
    };
  });
}

function relativeLength(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let [difference, length] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    length += Number(b[i]) ** 2;
  }
  return Math.sqrt(difference / length);
}
