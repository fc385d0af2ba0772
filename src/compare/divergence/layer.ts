import type { LabelledBatch } from '../batches.ts';
import { closely, type FirstDifference, type Row } from '../closeness.ts';
import { buildPort, type NetworkCase, type Twins } from '../networks/sides.ts';
import type { SuiteContext } from '../suite.ts';
import { limitsOf } from '../tolerances.ts';
import { portFolders, shownPlace, withFirst } from './first.ts';

/** Returns the rows. Adds to failed ones the first layer at which the sides diverge, if the layers are the cause. */
export function withFirstLayer(
  context: Pick<SuiteContext, 'locate'>,
  rows: readonly Row[],
  twins: Twins,
  network: NetworkCase,
  batch: LabelledBatch,
): Promise<readonly Row[]> {
  return withFirst(context, rows, () => firstLayer(twins, network, batch));
}

/**
 * The first layer, in the order of execution, whose output exceeds its limit although it gets the original's inputs. Inference mode is
 * tried first, because it is simpler to debug.
 */
async function firstLayer(
  { network: theirs, weights }: Pick<Twins, 'network' | 'weights'>,
  network: NetworkCase,
  batch: LabelledBatch,
): Promise<FirstDifference | undefined> {
  // Only eager execution can replace a layer's output by a given one.
  const port = buildPort(batch, network, { executor: 'eager' });
  try {
    for (const side of [theirs, port]) await side.write({ weights });
    const { activations: limit } = limitsOf(network, network.precision);
    for (const training of [false, true]) {
      const outputs = await theirs.activations(batch.x, training);
      const { activations, places } = port.session.teacherForcedActivations(batch.x, outputs, {
        training,
        source: portFolders[0],
      });
      const agreeing: string[] = [];
      for (const [path, ours] of activations) {
        const original = outputs.get(path);
        if (original === undefined) continue; // The head of finetuning, whose output is the network's.
        const pair = { name: path, port: ours, original };
        const { passed, worst } = closely('activations', path, [pair], limit);
        if (passed) {
          agreeing.push(path);
          continue;
        }
        return {
          what: `${path}, ${training ? 'training' : 'inference'} mode`,
          agreeing,
          worst,
          port: shownPlace(places.get(path) ?? ''),
          original: (await theirs.places(batch.x, training)).get(path),
        };
      }
    }
    return undefined;
  } finally {
    port.dispose();
  }
}
