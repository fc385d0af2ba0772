import { networkBatches } from '../../batches.ts';
import type { Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf, quickWhole } from '../../networks/compared.ts';
import { activationRows } from '../../networks/rows.ts';
import { comparedPrecisions, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';

/** Every layer's output, from the same weights and samples. */
export const activations: Suite = {
  name: 'activations',
  summary: 'output of every layer, inference and training mode, float64 and float32',
  cases: casesOf(compareLayers, { quick: quickWhole }),
};

async function compareLayers(context: SuiteContext, network: ComparedNetwork): Promise<readonly Row[]> {
  const { original, data, seed, observe } = context;
  const [batch] = networkBatches(data, network, 1, seed);
  const rows: Row[] = [];
  for (const precision of comparedPrecisions) {
    const limits = limitsOf(network, precision);
    const show = { title: network.name, to: observe };
    const kind = { ...network, precision, seed };
    rows.push(
      ...(await withTwins(original, batch, kind, async (twins) =>
        withFirstLayer(context, await activationRows(twins, batch, limits, show), twins, kind, batch),
      )),
    );
  }
  return rows;
}
