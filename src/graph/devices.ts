/** The devices that TensorFlow finds on this machine. */
import { ndarray } from '../lib/numpy/ndarray.ts';
import { encodeSavedModel, type GraphNode } from './graph_def.ts';
import { loadGraph } from './loading.ts';
import { runtime } from './runtime.ts';

/** TensorFlow's name of the GPU with a number, among those that `CUDA_VISIBLE_DEVICES` lets this process see. */
export function gpuName(number: number): string {
  return `/device:GPU:${number}`;
}

/** Number of GPUs that TensorFlow can use in this process. */
export function gpuCount(): number {
  if (!runtime().usesGpu) return 0;
  let count = 0;
  while (hasDevice(gpuName(count))) count++;
  return count;
}

/** Whether TensorFlow has a device of this name, such as `/device:CPU:0`. */
export function hasDevice(device: string): boolean {
  // The binding cannot list devices, but TensorFlow refuses to load a node that names a missing one.
  const attributes = { dtype: { type: 'bool' }, value: { tensor: ndarray('bool', [], new Uint8Array(1)) } } as const;
  const node: GraphNode = { name: 'probe', op: 'Const', inputs: [], attributes, device };
  try {
    runtime().deleteSavedModel(loadGraph(encodeSavedModel([node], {})));
    return true;
  } catch (error) {
    if (/explicitly assigned to .* but available devices are/.test((error as Error).message)) return false;
    throw error;
  }
}
