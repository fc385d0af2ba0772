import { networkBatches } from '../../batches.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { casesOf } from '../../networks/compared.ts';
import { gradientRows } from '../../networks/rows.ts';
import { comparedPrecisions, withTwins } from '../../networks/sides.ts';
import type { Suite } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';

/** The gradient of the loss with respect to every trainable weight. */
export const gradients: Suite = {
  name: 'gradients',
  summary: 'loss and gradient of every weight, float64 and float32',
  cases: casesOf(async (context, network) => {
    const { original, data, seed } = context;
    const [batch] = networkBatches(data, network, 1, seed);
    const rows = [];
    for (const precision of comparedPrecisions) {
      const limits = limitsOf(network, precision);
      const kind = { ...network, precision, seed };
      rows.push(
        ...(await withTwins(original, batch, kind, async (twins) =>
          withFirstLayer(context, await gradientRows(twins, batch, limits), twins, kind, batch),
        )),
      );
    }
    return rows;
  }),
};
