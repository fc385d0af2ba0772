import { makeBatches } from '../batches.ts';
import type { Row } from '../closeness.ts';
import type { Suite } from '../suite.ts';
import { limitsOf } from '../tolerances.ts';
import { optimiserRows, taughtSteps } from './mathematics.ts';
import { precisions, settledMoments, settledSteps, withTwins } from './network.ts';
import { casesOf } from './networks.ts';

const steps = 3;

/** Adam with the settings of finetuning and of pretraining: from the middle of a training and, in float64, from its first step. */
export const optimiser: Suite = {
  name: 'optimiser',
  summary: "Adam's updates and moments in taught steps, float64 and float32",
  cases: casesOf(async ({ original, data, seed }, network) => {
    const batches = makeBatches(data, network, steps, seed);
    const rows: Row[] = [];
    for (const precision of precisions) {
      const limits = limitsOf(network, precision);
      rows.push(
        ...(await withTwins(original, batches[0], { ...network, precision, seed }, async (twins) => {
          const { model } = twins.port.session;
          const { weights } = twins;
          await twins.network.write({ weights, moments: settledMoments(model), iterations: settledSteps });
          const found = optimiserRows(await taughtSteps(twins, batches), limits, `step ${settledSteps}`);
          if (precision === 'float32') return found;
          // Fresh moments turn every gradient, however tiny, into a full step: noise in float32, the bias correction in float64.
          await twins.network.write({ weights });
          return [...found, ...optimiserRows(await taughtSteps(twins, batches.slice(0, 1)), limits, 'fresh moments')];
        })),
      );
    }
    return rows;
  }),
};
