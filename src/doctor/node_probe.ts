/**
 * Loads TensorFlow through the binding and prints facts about this process as JSON. Runs in a process of its own, because a wrong library
 * may crash it.
 */
import { gpuCount } from '../graph/devices.ts';
import { measureFormats } from '../graph/format_speed.ts';
import { runtime } from '../graph/runtime.ts';
import { mappedLibraries } from '../lib/tensorflow/libraries.ts';

const tensorflow = runtime();
const x = tensorflow.createTensor({ dtype: 'float32', shape: [2], data: new Float32Array([3, 4]) });
const attributes = { T: { type: 'float32' } } as const;
const sum = tensorflow.executeOp('Mul', [x, x], attributes, 1)[0];
const squares = Array.from(tensorflow.readTensor(sum).data as Float32Array);
if (squares.join() !== '9,16') throw new Error(`TensorFlow squared (3, 4) to (${squares.join(', ')})`);

process.stdout.write(
  `${JSON.stringify({
    version: process.versions.node,
    tensorflow: tensorflow.tensorflowVersion,
    libraries: mappedLibraries(),
    gpus: gpuCount(),
    memoryGrowth: process.env.TF_FORCE_GPU_ALLOW_GROWTH === 'true',
    speeds: measureFormats(),
    threads: process.env.TF_NUM_INTRAOP_THREADS ?? null,
  })}\n`,
);
