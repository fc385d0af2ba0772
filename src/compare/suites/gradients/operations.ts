import type { Original } from '../../../bridge/original.ts';
import type { OperationCall, OperationResult } from '../../../bridge/original_operations.ts';
import type { Wire } from '../../../bridge/wire.ts';
import { asType } from '../../../graph/arrays.ts';
import { GraphBuilder } from '../../../graph/builder.ts';
import { Context } from '../../../graph/context.ts';
import type { ElementType } from '../../../graph/element_type.ts';
import { type Tensor, type TensorSpec, unknown } from '../../../graph/executor.ts';
import { Dropout } from '../../../graph/layers.ts';
import { loadGraph, runGraph } from '../../../graph/loading.ts';
import { type LossName, losses } from '../../../graph/losses.ts';
import * as ops from '../../../graph/ops/index.ts';
import { runtime } from '../../../graph/runtime.ts';
import { astype } from '../../../lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, sizeOf } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { closely, differences, exactly, type Pair, type Row, sameText } from '../../closeness.ts';
import { comparedPrecisions } from '../../networks/sides.ts';
import type { SuiteCase } from '../../suite.ts';
import { operationLimit } from '../../tolerances.ts';

const suite = 'gradients';

const elementTypes: readonly ElementType[] = [
  ...(['bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const),
  ...(['float16', 'bfloat16', 'float32', 'float64'] as const),
];

/** An input in float64, or of whole numbers. Their first axis is the batch where `batch` says so. */
interface Input {
  readonly array: NdArray;
  readonly batch: boolean;
}

/** An operation with its arguments. */
interface Operation {
  readonly name: string;
  readonly options?: { readonly [option: string]: Wire };
  readonly inputs: readonly Input[];
  /** How many of the inputs, from the first on, have gradients. */
  readonly watched: number;
  readonly port: (c: Context, ...inputs: Tensor[]) => Tensor;
}

/** A tensor that is used `times` times, once in a sigmoid. */
function used(c: Context, x: Tensor, times: number): Tensor {
  let result = ops.sigmoid(c, x);
  for (let use = 1; use < times; use++) result = ops.add(c, ops.relu(c, x), result);
  return result;
}

/** Every public operation, with arguments of which no two are alike. */
function operations(random: RandomState, seed: number): Operation[] {
  const real = (shape: readonly number[], low = -2, high = 2): NdArray => {
    const values = Float64Array.from(random.randomSample(sizeOf(shape)), (draw) => low + (high - low) * draw);
    return ndarray('float64', shape, values);
  };
  const data = (...shape: number[]): Input => ({ array: real(shape), batch: true });
  const weight = (...shape: number[]): Input => ({ array: real(shape), batch: false });
  const positive = (...shape: number[]): Input => ({ array: real(shape, 0.5, 2), batch: false });
  const whole = (below: number, dtype: DType, ...shape: number[]): Input => ({
    array: astype(ndarray('float64', shape, Float64Array.from(random.randint(0, below, sizeOf(shape)))), dtype),
    batch: true,
  });
  const x = data(2, 7, 3);
  const classes = 4;
  const logits = data(5, classes);
  const shares: Input = { array: real([5, classes], 0, 1), batch: true };
  // Outputs below, at and above the threshold, and rows with two maxima.
  const outputs: Input = {
    array: ndarray(
      'float64',
      [5, classes],
      Float64Array.from({ length: 20 }, (_, i) => 0.5 + ((i * 7) % 5) / 4096 - 2 / 4096),
    ),
    batch: true,
  };
  const conv = (input: Input, kernel: Input, stride: number): Operation => ({
    ...{ name: 'conv1d', options: { stride }, inputs: [input, kernel], watched: 2 },
    port: (c, a, k) => ops.conv1d(c, a, k, stride),
  });
  const matMul = (a: Input, b: Input, transposed: boolean): Operation => ({
    ...{ name: 'mat_mul', options: { transposed }, inputs: [a, b], watched: 2 },
    port: (c, p, q) =>
      p.shape.length === 2 ? ops.matMul(c, p, q) : ops.batchMatMul(c, p, q, { transposeB: transposed }),
  });
  const pool = (size: number, stride: number): Operation => ({
    ...{ name: 'max_pool1d', options: { size, stride }, inputs: [x], watched: 1 },
    port: (c, a) => ops.maxPool1d(c, a, size, stride),
  });
  const norm = (...moving: Input[]): Operation => ({
    ...{ name: 'batch_norm', options: { epsilon: 0.01 }, inputs: [x, weight(3), weight(3), ...moving], watched: 3 },
    port: (c, a, gamma, beta, mean, variance) => {
      const statistics = mean && variance ? { moving: { mean, variance } } : {};
      return ops.batchNorm(c, a, { gamma, beta, ...statistics }, 0.01).y;
    },
  });
  const slice = (axis: number, start: number, size: number): Operation => ({
    ...{ name: 'slice', options: { axis, start, size }, inputs: [x], watched: 1 },
    port: (c, a) => ops.slice(c, a, axis, start, size),
  });
  const binary = (op: ops.Binary, a: Input, b: Input): Operation => ({
    ...{ name: 'binary', options: { op }, inputs: [a, b], watched: 0 },
    port: (c, p, q) => ops.binaryRaw(c, op, p, q),
  });
  const reduction = (name: 'sum' | 'mean', axes: readonly number[], kept: boolean): Operation => ({
    ...{ name, options: { axes, kept }, inputs: [x], watched: 0 },
    port: (c, a) => (name === 'sum' ? ops.sumRaw : ops.meanRaw)(c, a, axes, kept),
  });
  const loss = (name: LossName, labels: Input, ...weights: Input[]): Operation => ({
    ...{ name: 'crossentropy', options: { loss: name }, inputs: [logits, labels, ...weights], watched: 1 },
    port: (c, z, y, w) => losses[name].loss(c, y, z, w),
  });
  const correct = (name: LossName, labels: Input): Operation => ({
    ...{ name: 'correct', options: { loss: name }, inputs: [outputs, labels], watched: 0 },
    port: (c, z, y) => losses[name].correct(c, y, z),
  });
  const numbers = whole(classes, 'int32', 5);
  const oneHot: Input = {
    array: ndarray(
      'float64',
      [5, classes],
      Float64Array.from({ length: 20 }, (_, i) => (i % classes === (i >> 2) % 3 ? 1 : 0)),
    ),
    batch: true,
  };
  const multiHot = whole(2, 'float64', 5, classes);
  const perSample: Input = { array: real([5], 0.5, 2), batch: true };
  const perElement: Input = { array: real([5, classes], 0.5, 2), batch: true };
  return [
    { name: 'add', inputs: [x, data(2, 7, 3)], watched: 2, port: (c, a, b) => ops.add(c, a, b) },
    { name: 'add', inputs: [x, weight(7, 1)], watched: 1, port: (c, a, b) => ops.addConstant(c, a, b) },
    ...[2, 3, 4].map(
      (times): Operation => ({
        ...{ name: 'used', options: { times }, inputs: [x], watched: 1 },
        port: (c, a) => used(c, a, times),
      }),
    ),
    { name: 'scale', options: { factor: -1.7 }, inputs: [x], watched: 1, port: (c, a) => ops.scale(c, a, -1.7) },
    { name: 'divide', options: { divisor: 3.3 }, inputs: [x], watched: 1, port: (c, a) => ops.divide(c, a, 3.3) },
    { name: 'relu', inputs: [x], watched: 1, port: (c, a) => ops.relu(c, a) },
    { name: 'sigmoid', inputs: [x], watched: 1, port: (c, a) => ops.sigmoid(c, a) },
    { name: 'softmax', inputs: [x], watched: 1, port: (c, a) => ops.softmax(c, a) },
    ...(['AddV2', 'Sub', 'Mul', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference'] as const).flatMap((op) => [
      binary(op, weight(2, 1, 3), weight(7, 1)),
      binary(op, weight(7, 1), weight(2, 1, 3)),
      binary(op, x, weight(3)),
    ]),
    binary('Pow', positive(2, 1, 3), weight(7, 1)),
    ...(['RsqrtGrad', 'ReluGrad', 'SigmoidGrad'] as const).map((op) => binary(op, x, data(2, 7, 3))),
    ...(['Sqrt', 'Rsqrt', 'Square', 'Relu', 'Softmax', 'Sigmoid', 'Neg'] as const).map(
      (op): Operation => ({
        ...{ name: 'unary', options: { op }, inputs: [positive(3, 5)], watched: 0 },
        port: (c, a) => ops.unaryRaw(c, op, a),
      }),
    ),
    conv(x, weight(5, 3, 4), 1),
    conv(x, weight(3, 3, 2), 2),
    conv(data(3, 8, 1), weight(7, 1, 2), 2),
    conv(data(1, 11, 2), weight(4, 2, 5), 3),
    conv(x, weight(1, 3, 4), 2),
    pool(3, 2),
    pool(2, 3),
    pool(4, 1),
    { name: 'global_average_pool1d', inputs: [x], watched: 1, port: (c, a) => ops.globalAveragePool1d(c, a) },
    norm(),
    norm(weight(3), positive(3)),
    {
      ...{ name: 'moments', inputs: [x, weight(3), weight(3)], watched: 0 },
      port: (c, a, gamma, beta) => {
        const { mean, variance } = ops.batchNorm(c, a, { gamma, beta }, 0.01).moments!;
        return ops.concatRaw(c, [mean, variance], 0);
      },
    },
    {
      ...{ name: 'layer_norm', options: { epsilon: 0.02 }, inputs: [data(2, 3, 5), weight(5), weight(5)], watched: 3 },
      port: (c, a, gamma, beta) => ops.layerNorm(c, a, gamma, beta, 0.02),
    },
    {
      ...{ name: 'dropout', options: { rate: 0.3, seed, replica: 2 }, inputs: [x], watched: 1 },
      port: (c, a) => ops.dropout(c, ops.dropout(c, a, 0.3), 0.3),
    },
    // The layer outside training. Networks of the trainers have a rate of 0.
    {
      ...{ name: 'dropout_layer', options: { rate: 0.3 }, inputs: [x], watched: 0 },
      port: ({ executor, precision }, a) => {
        const layer = new Dropout(0.3);
        layer.buildAt('dropout', a.shape, 'float64');
        return layer.apply(new Context(executor, { training: false, precision }), a);
      },
    },
    matMul(data(3, 4), weight(4, 2), false),
    matMul(data(2, 3, 4), data(2, 4, 5), false),
    matMul(data(2, 3, 4), data(2, 5, 4), true),
    matMul(data(2, 3, 4, 5), data(2, 3, 6, 5), true),
    { name: 'add', inputs: [x, weight(3)], watched: 2, port: (c, a, bias) => ops.biasAdd(c, a, bias) },
    ...[x, data(5, 3)].map(
      (input): Operation => ({
        ...{ name: 'dense', inputs: [input, weight(3, 4), weight(4)], watched: 3 },
        port: (c, a, kernel, bias) => ops.dense(c, a, kernel, bias),
      }),
    ),
    {
      ...{ name: 'cast', options: { dtype: 'float16' }, inputs: [x], watched: 1 },
      port: (c, a) => ops.cast(c, ops.cast(c, a, 'float16'), a.dtype),
    },
    {
      name: 'reshape',
      options: { shape: [2, 21] },
      inputs: [x],
      watched: 1,
      port: (c, a) => ops.reshape(c, a, [a.shape[0], 21]),
    },
    ...[
      [2, 0, 1],
      [1, 0, 2],
    ].map(
      (order): Operation => ({
        ...{ name: 'transpose', options: { order }, inputs: [x], watched: 1 },
        port: (c, a) => ops.transpose(c, a, order),
      }),
    ),
    slice(1, 2, 3),
    slice(2, 1, 2),
    slice(1, 0, 4),
    {
      ...{ name: 'concatenate', options: { axis: 1 }, inputs: [x, data(2, 2, 3)], watched: 2 },
      port: (c, a, b) => ops.concatenate(c, [a, b, a], 1),
    },
    {
      ...{ name: 'repeat_for_each', inputs: [weight(4), x], watched: 1 },
      port: (c, a, like) => ops.repeatForEach(c, a, like),
    },
    reduction('sum', [0], false),
    reduction('sum', [1, 2], true),
    reduction('mean', [0, 2], false),
    reduction('mean', [1], true),
    {
      name: 'count',
      options: { axes: [0, 2] },
      inputs: [x],
      watched: 0,
      port: (c, a) => ops.count(c, a, [0, 2], a.dtype),
    },
    { name: 'shape', inputs: [x], watched: 0, port: (c, a) => ops.shapeOf(c, a) },
    loss('categorical_crossentropy', shares),
    loss('categorical_crossentropy', shares, perSample),
    loss('sparse_categorical_crossentropy', numbers),
    loss('sparse_categorical_crossentropy', numbers, perSample),
    loss('binary_crossentropy', shares),
    loss('binary_crossentropy', shares, perElement),
    correct('categorical_crossentropy', oneHot),
    correct('sparse_categorical_crossentropy', numbers),
    correct('binary_crossentropy', multiHot),
    { name: 'arg_max', inputs: [outputs], watched: 0, port: (c, a) => ops.argMax(c, a) },
    { name: 'equal', inputs: [multiHot, oneHot], watched: 0, port: (c, a, b) => ops.equal(c, a, b) },
    {
      name: 'greater',
      options: { threshold: 0.5 },
      inputs: [outputs],
      watched: 0,
      port: (c, a) => ops.greater(c, a, 0.5),
    },
  ];
}

/** What the port computes for an operation, with the shapes that it states beforehand. */
interface PortResult {
  readonly arrays: readonly NdArray[];
  readonly stated: readonly (readonly number[])[];
}

/**
 * The operations, each with its gradients, in one graph. Unless `batchKnown`, the graph does not know the length of a batch, and computes gradients of
 * filters by taps.
 */
function inGraph(
  all: readonly Operation[],
  calls: readonly OperationCall[],
  theirs: readonly OperationResult[],
  { precision, seed, batchKnown }: { precision: Precision; seed: number; batchKnown: boolean },
): PortResult[] {
  const builder = new GraphBuilder();
  const signatures = all.map(({ port, inputs, watched }, i) => {
    const stated: (readonly number[])[] = [];
    const specs = calls[i].inputs.map(({ dtype, shape }, k): [string, TensorSpec] => {
      const hidden = inputs[k].batch && !batchKnown;
      return [`input ${k}`, { dtype, shape: hidden ? [unknown, ...shape.slice(1)] : shape }];
    });
    const signature = builder.signature(`${i}`, Object.fromEntries(specs), (feeds) => {
      const c = new Context(builder, {
        ...{ training: true, precision, seed, replica: 2 },
        kernelsOf: ({ dtype }) => ({ format: dtype, filterGradient: batchKnown ? 'usual' : 'taps' }),
      });
      const given = specs.map(([key]) => feeds[key]);
      const sources = given.slice(0, watched);
      for (const source of sources) c.tape.watch(source);
      const result = port(c, ...given);
      const { weights } = theirs[i];
      const gradients =
        weights === undefined
          ? []
          : c.tape.gradients(result, builder.constant(weights), sources, (parts) => ops.sumOfRaw(c, parts));
      const found = [result, ...gradients.map((gradient) => gradient!)];
      stated.push(...found.map(({ shape }) => shape));
      return Object.fromEntries(found.map((tensor, k) => [`${k}`, tensor]));
    });
    return {
      signature,
      stated,
      feeds: specs.map(([key], k) => [signature.inputs[key].name, calls[i].inputs[k]] as const),
    };
  });
  const model = loadGraph(builder.encode());
  try {
    return signatures.map(({ signature: { outputs }, stated, feeds }) => ({
      arrays: runGraph(
        model,
        feeds,
        Object.values(outputs).map(({ name }) => name),
      ),
      stated,
    }));
  } finally {
    runtime().deleteSavedModel(model);
  }
}

type Precision = (typeof comparedPrecisions)[number];

/** The call of an operation in Python, its real inputs changed. */
function callOf({ name, options = {}, inputs, watched }: Operation, change: (real: NdArray) => NdArray): OperationCall {
  const changed = inputs.map(({ array }) => (array.dtype === 'float64' ? change(array) : array));
  return { operation: name, options, inputs: changed, watched };
}

/** Real numbers moved by one unit in the last place or two. */
function moved(array: NdArray): NdArray {
  return { ...array, data: (array.data as Float64Array).map((value) => value * (1 + 2 ** -52)) };
}

/** What the noise of a precision is measured by: inputs in float64 that are as good as those of the comparison. */
const likewise: { readonly [P in Precision]: (array: NdArray) => NdArray } = {
  float64: moved,
  float32: (array) => asType(asType(array, 'float32'), 'float64'),
};

/** Results and gradients, each beside the original's. */
function pairsOf(
  labels: readonly string[],
  ours: readonly (readonly NdArray[])[],
  theirs: readonly OperationResult[],
): { readonly results: Pair[]; readonly gradients: Pair[] } {
  return {
    results: theirs.map(({ result }, i) => ({ name: labels[i], port: ours[i][0], original: result })),
    gradients: theirs.flatMap(({ gradients }, i) =>
      gradients.map((original, k) => ({ name: `${labels[i]}, by input ${k}`, port: ours[i][k + 1], original })),
    ),
  };
}

const isReal = ({ original }: Pair): boolean => original.dtype.startsWith('float');

/** Networks use few of the arguments that an operation can have. */
export const operationCase: SuiteCase = {
  name: 'operations, each by itself',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const all = operations(new RandomState([seed, 41]), seed);
    const labels = all.map(({ name, options = {}, inputs }) =>
      [name, JSON.stringify(options), 'of', ...inputs.map(({ array }) => `(${array.shape})`)].join(' '),
    );
    const rows: Row[] = [];
    for (const precision of comparedPrecisions) {
      const calls = all.map((one) => callOf(one, (array) => asType(array, precision)));
      const theirs = await original.operations.apply(calls);
      // Those without gradients jump where an input passes a threshold.
      const smooth = [...all.keys()].filter((i) => all[i].watched > 0);
      const again = await original.operations.apply(smooth.map((i) => callOf(all[i], likewise[precision])));
      const self = pairsOf(
        smooth.map((i) => labels[i]),
        again.map(({ result, gradients }) => [result, ...gradients].map((array) => asType(array, precision))),
        smooth.map((i) => theirs[i]),
      );
      const limit = operationLimit(precision, (tolerance) =>
        Math.max(...differences([...self.results, ...self.gradients], tolerance).map(({ difference }) => difference)),
      );
      for (const batchKnown of [true, false]) {
        const found = inGraph(all, calls, theirs, { precision, seed, batchKnown });
        const { results, gradients } = pairsOf(
          labels,
          found.map(({ arrays }) => arrays),
          theirs,
        );
        const [real, whole] = [results.filter(isReal), results.filter((pair) => !isReal(pair))];
        const title = (what: string): string =>
          `${precision}: ${what}${batchKnown ? '' : ', batches of unknown length, filters by taps'}`;
        rows.push(
          closely(suite, title(`${real.length} results`), real, limit),
          exactly(suite, title(`${whole.length} results in whole numbers`), whole),
          closely(suite, title(`${gradients.length} gradients`), gradients, limit),
        );
        if (!batchKnown) continue;
        const listed = (shapes: readonly (readonly (readonly number[])[])[]): string =>
          shapes.map((some, i) => `${labels[i]}: ${some.map((shape) => `(${shape})`).join(' ')}`).join('\n');
        const ours = listed(found.map(({ stated }) => stated));
        const actual = listed(theirs.map((one) => [one.result, ...one.gradients].map(({ shape }) => shape)));
        rows.push(sameText(suite, title('shapes that the graph states'), ours, actual));
      }
    }
    return [...rows, await elementTypeRow(original)];
  },
};

/** Whole numbers at the edges of the element types, through each type and back: all but those of networks are rare in graphs. */
async function elementTypeRow(original: Original): Promise<Row> {
  const edges = [0n, 1n, -3n, 100n, 200n, 255n, 256n, 40_000n, 2n ** 31n, 2n ** 32n + 5n, 2n ** 62n + 1n];
  const x = ndarray('int64', [edges.length], BigInt64Array.from(edges));
  const small = ndarray('int64', [3], BigInt64Array.of(0n, 100n, -3n));
  const all = elementTypes.map(
    (dtype): Operation => ({
      name: 'cast',
      options: { dtype },
      inputs: [{ array: /float/.test(dtype) ? small : x, batch: true }],
      watched: 0,
      port: (c, a) => ops.cast(c, ops.cast(c, a, dtype), a.dtype),
    }),
  );
  const calls = all.map((one) => callOf(one, (array) => array));
  const theirs = await original.operations.apply(calls);
  const found = inGraph(all, calls, theirs, { precision: 'float64', seed: 0, batchKnown: false });
  const { results } = pairsOf(
    elementTypes.map((dtype) => `int64 to ${dtype} and back`),
    found.map(({ arrays }) => arrays),
    theirs,
  );
  return exactly(suite, `whole numbers through ${elementTypes.length} element types`, results);
}
