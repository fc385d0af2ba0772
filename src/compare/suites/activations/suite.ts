import { zeros } from '../../../lib/numpy/ndarray.ts';
import { networkBatches } from '../../batches.ts';
import { type Row, sameText } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf, quickWhole } from '../../networks/compared.ts';
import { activationRows } from '../../networks/rows.ts';
import { buildOriginal, buildPort, comparedPrecisions, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';
import { outcomeOf } from '../shared/data_cases.ts';

/** The encoder has codes for 512 positions, one of which the pooling token takes. */
const contextCase: SuiteCase = {
  name: 'the longest context of contrastive predictive coding',
  on: { task: 'cpc', arch: 'resnet18' },
  quick: true,
  run: async ({ original, seed }) => {
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const frames of [511, 512]) {
      const [context, samples] = [frames, 2].map((count) => zeros('float32', [1, count, 32, 1]));
      const batch = { x: { context, samples }, y: zeros('int32', [1]) };
      const kind = { task: 'cpc', arch: 'resnet18', stages: 1, precision: 'float32', seed } as const;
      const built = await outcomeOf(() => buildPort(batch, kind));
      if ('value' in built) built.value.dispose();
      const found = await outcomeOf(() => buildOriginal(original, batch, kind, 'float32'));
      if ('value' in found) await found.value.dispose();
      ours.push(`${frames} frames: ${'value' in built ? 'a network' : 'refused'}`);
      theirs.push(`${frames} frames: ${'value' in found ? 'a network' : 'refused'}`);
    }
    return [sameText('activations', 'contexts of 511 and of 512 frames', ours.join('\n'), theirs.join('\n'))];
  },
};

/** Every layer's output, from the same weights and samples. */
export const activations: Suite = {
  name: 'activations',
  summary: 'output of every layer, inference and training mode, float64 and float32',
  cases: [...casesOf(compareLayers, { quick: quickWhole }), contextCase],
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
