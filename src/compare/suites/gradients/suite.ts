import { asType } from '../../../graph/arrays.ts';
import type { Session } from '../../../graph/session.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { integratedGradients } from '../../../predict/attribution.ts';
import { networkBatches } from '../../batches.ts';
import { bothSides } from '../../both_sides.ts';
import { closely, type Row } from '../../closeness.ts';
import { withFirstLayer } from '../../divergence/layer.ts';
import { type ComparedNetwork, casesOf, networks, otherKernels, wholeResNet } from '../../networks/compared.ts';
import { gradientRows, inputGradientRow, targetsOf } from '../../networks/rows.ts';
import { comparedPrecisions, type Twins, withTwins } from '../../networks/sides.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { type Limits, limitsOf, tapLimits } from '../../tolerances.ts';
import { operationCase } from './operations.ts';

/** Points of the compared integrals: few, because each must agree. */
const steps = 6;

/** The gradient of the loss with respect to every trainable weight, and of outputs with respect to the recordings. */
export const gradients: Suite = {
  name: 'gradients',
  summary:
    'single operations; loss and gradient of every weight; gradients of outputs by the recordings, integrated too; float64 and float32',
  cases: [operationCase, ...casesOf(compareGradients, { chosen: [...networks, wholeResNet] }), byTaps()],
};

/** A network with the kernels that are not the original's, for every convolution. */
function byTaps(): SuiteCase {
  const { name, arch, task } = otherKernels;
  return {
    name: `${name}, filters as one product for each tap`,
    on: { arch, task },
    quick: true,
    run: async ({ original, data, seed }) => {
      const [batch] = networkBatches(data, otherKernels, 1, seed);
      const rows: Row[] = [];
      for (const precision of comparedPrecisions) {
        const kind = { ...otherKernels, precision, seed, filterGradient: 'taps' } as const;
        await withTwins(original, batch, kind, async (twins) => {
          rows.push(...(await gradientRows(twins, batch, tapLimits[precision])));
        });
      }
      return rows;
    },
  };
}

async function compareGradients(context: SuiteContext, network: ComparedNetwork): Promise<readonly Row[]> {
  const { original, data, seed } = context;
  const [batch] = networkBatches(data, network, 1, seed);
  const rows: Row[] = [];
  for (const precision of comparedPrecisions) {
    const limits = limitsOf(network, precision);
    const kind = { ...network, precision, seed };
    await withTwins(original, batch, kind, async (twins) => {
      const found = [...(await gradientRows(twins, batch, limits)), await inputGradientRow(twins, batch, limits)];
      if (network.task === 'finetuning')
        found.push(await integratedRow(twins, asType(batch.x as NdArray, precision), limits));
      rows.push(...(await withFirstLayer(context, found, twins, kind, batch)));
    });
  }
  return rows;
}

/** What `predict --explain` computes, against `tf.GradientTape` on the original. */
async function integratedRow(
  { port, network }: Twins,
  x: NdArray,
  { inputGradients }: Pick<Limits, 'inputGradients'>,
): Promise<Row> {
  const { session } = port;
  const targets = targetsOf(await network.predict(x));
  const [ours, theirs] = await bothSides(
    () => network.integratedGradients(x, targets, steps),
    () => attributionsOf(session, x as NdArray<'float32' | 'float64'>, targets),
  );
  const pair = { name: 'attributions', port: ours, original: theirs };
  return closely('gradients', `${inputGradients.rung}: integrated gradients, ${steps} steps`, [pair], inputGradients);
}

/** Integrated gradients of each recording of a batch. */
async function attributionsOf(
  session: Session,
  { dtype, shape, data }: NdArray<'float32' | 'float64'>,
  targets: readonly number[],
): Promise<NdArray> {
  const width = data.length / targets.length;
  const all = new Float64Array(data.length);
  for (const [record, target] of targets.entries()) {
    const recording = ndarray(dtype, shape.slice(1), data.subarray(record * width, (record + 1) * width));
    const { attributions } = await integratedGradients(session, recording, { target, steps });
    all.set(attributions.data, record * width);
  }
  return ndarray('float64', shape, all);
}
