import { makeBatches } from '../batches.ts';
import type { Row } from '../closeness.ts';
import type { Suite, SuiteContext } from '../suite.ts';
import { limitsOf } from '../tolerances.ts';
import { activationRows } from './mathematics.ts';
import { precisions, withTwins } from './network.ts';
import { type ComparedNetwork, casesOf, quickWhole } from './networks.ts';

/** Every layer's output, from the same weights and samples. */
export const activations: Suite = {
  name: 'activations',
  summary: 'output of every layer, inference and training mode, float64 and float32',
  cases: casesOf(compareLayers, { quick: quickWhole }),
};

async function compareLayers(
  { original, data, seed, observe }: SuiteContext,
  network: ComparedNetwork,
): Promise<readonly Row[]> {
  const [batch] = makeBatches(data, network, 1, seed);
  const rows: Row[] = [];
  for (const precision of precisions) {
    const limits = limitsOf(network, precision);
    const show = { title: network.name, to: observe };
    rows.push(
      ...(await withTwins(original, batch, { ...network, precision, seed }, (twins) =>
        activationRows(twins, batch, limits, show),
      )),
    );
  }
  return rows;
}
