import { networkBatches } from '../../batches.ts';
import type { Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf } from '../../networks/compared.ts';
import { optimiserRows, teacherForcedSteps } from '../../networks/rows.ts';
import { comparedPrecisions, settledMoments, settledSteps, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';
import { optionCases } from './options.ts';
import { settingsCase } from './settings.ts';

const steps = 3;

/** Step counts to start from: in the middle of a training, and 0, where Adam's bias correction is largest. */
const starts = { float64: [settledSteps, 0], float32: [settledSteps] } as const;

/** Adam with the settings of finetuning and of pretraining, from moments that are not dominated by tiny gradients. */
export const optimiser: Suite = {
  name: 'optimiser',
  summary: "Adam's updates and moments in teacher-forced steps, float64 and float32; options of training",
  cases: [settingsCase, ...casesOf(taughtSteps), ...optionCases],
};

async function taughtSteps(context: SuiteContext, network: ComparedNetwork): Promise<Row[]> {
  const { original, data, seed } = context;
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
          const results = await teacherForcedSteps(twins, batches.slice(0, iterations === 0 ? 1 : steps));
          found.push(...optimiserRows(results, limits, `step ${iterations}`));
        }
        return withFirstLayer(context, found, twins, kind, batches[0]);
      })),
    );
  }
  return rows;
}
