import { networkBatches } from '../../batches.ts';
import type { Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { casesOf } from '../../networks/compared.ts';
import { optimiserRows, taughtSteps } from '../../networks/rows.ts';
import { comparedPrecisions, settledMoments, settledSteps, withTwins } from '../../networks/sides.ts';
import type { Suite } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';

const steps = 3;

/** Steps that Adam stands at: in the middle of a training, and before its first step, where the correction of its bias is largest. */
const starts = { float64: [settledSteps, 0], float32: [settledSteps] } as const;

/** Adam with the settings of finetuning and of pretraining: from moments that no tiny gradient dominates. */
export const optimiser: Suite = {
  name: 'optimiser',
  summary: "Adam's updates and moments in taught steps, float64 and float32",
  cases: casesOf(async ({ original, data, seed }, network) => {
    const batches = networkBatches(data, network, steps, seed);
    const rows: Row[] = [];
    for (const precision of comparedPrecisions) {
      const limits = limitsOf(network, precision);
      const kind = { ...network, precision, seed };
      rows.push(
        ...(await withTwins(original, batches[0], kind, async (twins) => {
          const { weights } = twins;
          const moments = settledMoments(twins.port.session.model);
          const found: Row[] = [];
          for (const iterations of starts[precision]) {
            await twins.network.write({ weights, moments, iterations });
            const taught = await taughtSteps(twins, batches.slice(0, iterations === 0 ? 1 : steps));
            found.push(...optimiserRows(taught, limits, `step ${iterations}`));
          }
          return withFirstLayer(found, twins, kind, batches[0]);
        })),
      );
    }
    return rows;
  }),
};
