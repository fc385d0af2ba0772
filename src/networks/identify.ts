import type { WeightSpec } from '../graph/layer.ts';
import { archs } from '../port/finetuning/utils.ts';
import { pretrainingTasks } from '../port/pretraining/utils.ts';
import type { WeightFormat } from '../weights/files.ts';
import { nameIn } from '../weights/loading.ts';
import { buildNetwork, type Head, type ModelDescription } from './network.ts';

/** What identification needs to know of a weight file. */
export interface IdentifiedFile {
  readonly format: WeightFormat;
  readonly weights: readonly Pick<WeightSpec, 'path' | 'shape'>[];
}

const heads: readonly (Head | undefined)[] = [undefined, { classes: 1 }, ...pretrainingTasks.map((task) => ({ task }))];

/**
 * The network that has exactly these weights, or undefined. A checkpoint may hold other objects beside the network's, as `tf.train.Checkpoint` of a whole
 * program does; they do not count.
 */
export function identifyModel({ format, weights }: IdentifiedFile): ModelDescription | undefined {
  const shapes = new Map(
    (format === 'keras' ? weights : withoutOthers(weights)).map(({ path, shape }) => [path, shape]),
  );
  const shapeOf = (weight: WeightSpec | undefined): readonly number[] | undefined =>
    weight && shapes.get(nameIn(format, weight));
  for (const head of heads) {
    // The smallest network with this head tells where the number of leads and the number of classes are found.
    const smallest = buildNetwork({ stages: 1, head }).weights;
    const channels = shapeOf(smallest[0])?.[1];
    const outputs = shapeOf(smallest.at(-1))?.[0];
    if (channels === undefined) continue;
    const isClassifier = head !== undefined && 'classes' in head;
    if (isClassifier && outputs === undefined) continue;
    const found = isClassifier ? { classes: outputs ?? 0 } : head;
    for (const arch of archs) {
      for (const stages of head !== undefined && 'task' in head ? [undefined, 3, 2, 1] : [undefined, 3, 2, 1, 0]) {
        const description: ModelDescription = {
          arch,
          ...(stages !== undefined && { stages }),
          channels,
          ...(found !== undefined && { head: found }),
        };
        const expected = buildNetwork(description).weights;
        const fits =
          expected.length === shapes.size &&
          expected.every((weight) => shapeOf(weight)?.join() === weight.shape.join());
        if (fits) return description;
      }
    }
  }
  return undefined;
}

/** The weights of a checkpoint whose names begin as a network of this project begins them. */
function withoutOthers(weights: IdentifiedFile['weights']): IdentifiedFile['weights'] {
  const names = heads.flatMap((head) => buildNetwork({ stages: 1, head }).weights);
  const roots = new Set(names.map(({ checkpointPath }) => rootOf(checkpointPath)));
  return weights.filter(({ path }) => roots.has(rootOf(path)));
}

function rootOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}
