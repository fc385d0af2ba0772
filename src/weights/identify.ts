import type { NdArray } from '../lib/numpy/ndarray.ts';
import { archs, type Head, type ModelDescription, type PretrainingTask, weightLayout } from './layout.ts';

/** A weight as far as identification needs it. */
type Named = Pick<NdArray, 'shape'> & { readonly path: string };

const taskOfClasses: Readonly<Record<number, PretrainingTask>> = { 6: 'rhythm', 5: 'beat', 4: 'hr' };

/** The network that has exactly these weights, or undefined. */
export function identifyModel(weights: readonly Named[]): ModelDescription | undefined {
  const shapes = new Map(weights.map(({ path, shape }) => [path, shape]));
  const nested = [...shapes.keys()].some((path) => path.startsWith('layers/sequential/'));
  const stem = shapes.get(`${nested ? 'layers/sequential/' : ''}layers/res_net/conv1/vars/0`);
  const channels = stem?.[1];
  if (channels === undefined) return undefined;
  const classes = shapes.get('layers/dense/vars/0')?.[1];
  const head = headOf(nested, shapes.has('attn_pooling/vars/0'), classes);
  if (head === undefined) return undefined;
  for (const arch of archs) {
    for (const stages of [undefined, 3, 2, 1, 0]) {
      const description: ModelDescription = {
        arch,
        ...(stages === undefined ? {} : { stages }),
        channels,
        ...(head === 'none' ? {} : { head }),
      };
      if (stages === 0 && nested) continue;
      const layout = weightLayout(description);
      const fits =
        layout.weights.length === shapes.size &&
        layout.weights.every(({ path, shape }) => shapes.get(path)?.join() === shape.join());
      if (fits) return description;
    }
  }
  return undefined;
}

function headOf(nested: boolean, pooled: boolean, classes: number | undefined): Head | 'none' | undefined {
  if (!nested) return classes === undefined ? 'none' : { classes };
  const task = pooled ? 'cpc' : taskOfClasses[classes ?? 0];
  return task === undefined ? undefined : { task };
}

/** One line for the reader, e.g. `resnet18 backbone, 1 lead`. */
export function describeModel({ arch = 'resnet18', stages, channels = 1, head }: ModelDescription): string {
  const depth = stages === undefined || stages === null ? '' : `, ${stages} stage${stages === 1 ? '' : 's'}`;
  const leads = `${channels} lead${channels === 1 ? '' : 's'}`;
  if (head === undefined) return `${arch} backbone${depth}, ${leads}`;
  if ('task' in head) return `${arch} pretraining model for ${head.task}${depth}, ${leads}`;
  return `${arch} classifier${depth}, ${leads}, ${head.classes} classes`;
}
