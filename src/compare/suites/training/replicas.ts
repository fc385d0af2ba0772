import { inputsByName } from '../../../lib/keras/inputs.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { closely, exactly, pairUp, type Row } from '../../closeness.ts';
import { networks } from '../../networks/compared.ts';
import { buildPort, originalOptions, startingWeights } from '../../networks/sides.ts';
import type { SuiteCase } from '../../suite.ts';
import { freeLimitsOf } from '../../tolerances.ts';

const devices = 2;
const steps = 2;

/**
 * How several devices affect the original (Quirk Q60). Its trainers open a MirroredStrategy, which uses every device. On tf_keras all
 * devices hold the same trainable weights. With Keras 3 each device trains its own network on its share of each batch, so the port, trained
 * on that share alone, must end with the same weights.
 */
export const replicaCase: SuiteCase = {
  name: 'two devices of MirroredStrategy',
  on: { arch: 'resnet18', task: 'finetuning' },
  run: async ({ original, data, seed }) => {
    const network = networks.find(({ name }) => name === 'resnet18 with 1 stage, finetuning, 1 lead, single-label')!;
    const batches = networkBatches(data, network, steps, seed);
    const port = buildPort(batches[0], { ...network, precision: 'float64', seed });
    try {
      const weights = startingWeights(port.session.model, (await port.read()).weights, seed);
      const options = originalOptions(batches[0], network, 'float64');
      const held = await original.replicas(options, weights, batches, devices);
      const { keras } = await original.facts();
      if (String(keras).startsWith('2.')) {
        const [first, second] = held.map((copies) => copies.filter((_, i) => port.trainable.includes(port.names[i])));
        const title = 'tf_keras: trainable weights of device 1 and of device 2';
        return [exactly('training', title, pairUp(port.trainable, first, second))];
      }
      const rows: Row[] = [];
      for (const [device, theirs] of held.entries()) {
        await port.write({ weights });
        await port.trainSteps(batches.map((batch) => shareOf(batch, device)));
        const { weights: ours } = await port.read();
        const title = `Keras 3, float64: weights of device ${device + 1} after ${steps} steps on its share of each batch`;
        rows.push(closely('training', title, pairUp(port.names, ours, theirs), freeLimitsOf(network).freeWeights));
      }
      return rows;
    } finally {
      port.dispose();
    }
  },
};

/** The rows of a batch that a device gets: equal shares in order; the last device gets the rest. */
function shareOf({ x, y }: LabelledBatch, device: number): LabelledBatch {
  const rows = y.shape[0];
  const share = Math.ceil(rows / devices);
  const kept = Array.from({ length: Math.min(share, rows - device * share) }, (_, i) => device * share + i);
  return { x: arrayRows(inputsByName(x).x).take(kept), y: arrayRows(y).take(kept) };
}
