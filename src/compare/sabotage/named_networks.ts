import type { NamedMutant } from './mutants.ts';

const resnet = 'port/transplant/modules/resnet1d.ts';
const transformer = 'port/transplant/modules/transformer.ts';
const normalization = 'graph/ops/normalization.ts';
const initializers = 'graph/initializers.ts';
const adam = 'graph/optimizers.ts';
const layers = 'graph/layers.ts';
const strategy = 'graph/strategy.ts';

/** Errors in networks, their training and their files. */
export const namedInNetworks: readonly NamedMutant[] = [
  // weights
  {
    name: 'moving mean and variance exchanged in files',
    file: layers,
    search:
      "this.#movingMean = this.variable('moving_mean', channels, zeros, false);\n    this.#movingVariance = this.variable('moving_variance', channels, ones, false);",
    replacement:
      "this.#movingVariance = this.variable('moving_variance', channels, ones, false);\n    this.#movingMean = this.variable('moving_mean', channels, zeros, false);",
    suite: 'weights',
  },
  {
    name: 'blocks numbered from 1',
    file: 'graph/layer.ts',
    search: 'return count === 0 ? kind : `$' + '{kind}_$' + '{count}`;',
    replacement: 'return `$' + '{kind}_$' + '{count + 1}`;',
    suite: 'weights',
  },
  {
    name: 'a bias under the name of the kernel in checkpoints',
    file: layers,
    search: "this.variable('bias', [this.units], zeros);",
    replacement: "this.variable('kernel', [this.units], zeros);",
    suite: 'weights',
  },
  {
    name: 'checksums stored as they are',
    file: 'lib/tensorflow/crc32c.ts',
    search: 'return (((crc >>> 15) | (crc << 17)) + maskDelta) >>> 0;',
    replacement: 'return crc;',
    suite: 'weights',
  },
  // initialisers
  {
    name: 'the cut of the normal distribution is not made good',
    file: initializers,
    search: 'const truncatedStddev = 0.87962566103423978;',
    replacement: 'const truncatedStddev = 1;',
    suite: 'initialisers',
  },
  {
    name: 'fan-in without the width of the kernel',
    file: initializers,
    search: 'return { fanIn: receptiveField * shape.at(-2)!,',
    replacement: 'return { fanIn: shape.at(-2)!,',
    suite: 'initialisers',
  },
  {
    name: 'Glorot normal for Glorot uniform',
    file: initializers,
    search: 'return fill(variable, () => limit * (2 * generator.uniform() - 1));',
    replacement: 'return fill(variable, () => (limit / Math.sqrt(3)) * generator.normal());',
    suite: 'initialisers',
  },
  {
    name: 'moving variances begin at 0',
    file: layers,
    search: "this.#movingVariance = this.variable('moving_variance', channels, ones, false);",
    replacement: "this.#movingVariance = this.variable('moving_variance', channels, zeros, false);",
    suite: 'initialisers',
  },
  // activations
  {
    name: 'the stride at the first convolution of a bottleneck',
    file: resnet,
    search: 'super([conv1d(filters, 1), conv1d(filters, kernelSize, strides), conv1d(width, 1)], width, strides);',
    replacement: 'super([conv1d(filters, 1, strides), conv1d(filters, kernelSize), conv1d(width, 1)], width, strides);',
    suite: 'predictions',
    case: 'resnet50, hr',
  },
  {
    name: 'the last ReLU before the shortcut is added',
    file: resnet,
    search: 'return this.#relus.at(-1)!.apply(c, add(c, main, shortcut));',
    replacement: 'return add(c, this.#relus.at(-1)!.apply(c, main), shortcut);',
    suite: 'activations',
  },
  {
    name: 'kernels of 3 in the second stage',
    file: 'port/finetuning/utils.ts',
    search: 'kernelSize: [7, 5, 5, 3],',
    replacement: 'kernelSize: [7, 3, 5, 3],',
    suite: 'weights',
  },
  {
    name: "batch normalisation with Keras's own epsilon",
    file: resnet,
    search: 'momentum: 0.9, epsilon: 1e-5 }',
    replacement: 'momentum: 0.9, epsilon: 1e-3 }',
    suite: 'activations',
  },
  {
    name: 'the batch used for its own normalisation in inference',
    file: layers,
    search: 'const moving = c.training\n',
    replacement: 'const moving = true\n',
    suite: 'activations',
  },
  {
    name: 'the variance of a batch unbiased',
    file: normalization,
    search: "return { mean, variance: meanRaw(c, binaryRaw(c, 'SquaredDifference', x, mean), [0, 1]) };",
    replacement:
      "const n = count(c, x, [0, 1], x.dtype);\n  const biased = meanRaw(c, binaryRaw(c, 'SquaredDifference', x, mean), [0, 1]);\n  const bias = binaryRaw(c, 'RealDiv', n, binaryRaw(c, 'Sub', n, c.scalar(1, x.dtype)));\n  return { mean, variance: binaryRaw(c, 'Mul', biased, bias) };",
    suite: 'activations',
  },
  {
    name: "attention scaled by a head's width",
    file: transformer,
    search: '{ transposeB: true }), Math.sqrt(this.dModel));',
    replacement: '{ transposeB: true }), Math.sqrt(this.depth));',
    suite: 'predictions',
  },
  {
    name: 'sines and cosines of positions exchanged',
    file: transformer,
    search: 'return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);',
    replacement: 'return column % 2 === 0 ? Math.cos(angle) : Math.sin(angle);',
    suite: 'predictions',
  },
  {
    name: 'heads cut out of time instead of channels',
    file: transformer,
    search: 'return transpose(c, reshape(c, x, [batch, steps, this.numHeads, this.depth]), [0, 2, 1, 3]);',
    replacement: 'return reshape(c, x, [batch, this.numHeads, steps, this.depth]);',
    suite: 'predictions',
  },
  // gradients
  {
    name: 'the mean of a batch taken for a constant in its gradient',
    file: normalization,
    search: "const centred = binaryRaw(c, 'Sub', dy, binaryRaw(c, 'RealDiv', dBeta(dy), n));",
    replacement: 'const centred = dy;',
    suite: 'gradients',
  },
  {
    name: 'the gradient of an average not divided',
    file: 'graph/ops/pooling.ts',
    search: "reshapeRaw(c, binaryRaw(c, 'RealDiv', dy, c.scalar(samples, x.dtype)), [batch, 1, channels]);",
    replacement: 'reshapeRaw(c, dy, [batch, 1, channels]);',
    suite: 'gradients',
  },
  {
    name: 'the gradient of the binary loss summed over classes',
    file: 'graph/ops/softmax.ts',
    search: "const share = binaryRaw(c, 'RealDiv', binaryRaw(c, 'RealDiv', dy, size), width);",
    replacement: "const share = binaryRaw(c, 'RealDiv', dy, size);",
    suite: 'gradients',
  },
  {
    name: 'integrated gradients at the start of each step instead of its middle',
    file: 'predict/attribution.ts',
    search: '(_, step) => (step + 0.5) / steps);',
    replacement: '(_, step) => step / steps);',
    suite: 'gradients',
  },
  {
    name: 'gradients by the recordings with the moments of the batch',
    file: 'graph/program.ts',
    search: '{ ...inMode(false), watchesVariables: false }',
    replacement: '{ ...inMode(true, false), watchesVariables: false }',
    suite: 'gradients',
  },
  // optimiser
  {
    name: 'beta 2 of 0.999 for 0.98 in pretraining',
    file: 'port/pretraining/trainer/solver.ts',
    search: 'beta1: 0.9, beta2: 0.98,',
    replacement: 'beta1: 0.9, beta2: 0.999,',
    suite: 'optimiser',
  },
  {
    name: "PyTorch's epsilon, 1e-8",
    file: adam,
    search: 'beta2 = 0.999, epsilon = 1e-7 }',
    replacement: 'beta2 = 0.999, epsilon = 1e-8 }',
    suite: 'optimiser',
  },
  {
    name: 'epsilon under the root',
    file: adam,
    search: 'const epsilon = c.scalar(this.epsilon, dtype);',
    replacement: 'const epsilon = c.scalar(Math.sqrt(this.epsilon), dtype);',
    suite: 'optimiser',
  },
  {
    name: 'the bias of the moments corrected for one step too few',
    file: adam,
    search: "castRaw(c, binaryRaw(c, 'AddV2', executor.read(state.iterations), one), dtype);",
    replacement: "castRaw(c, binaryRaw(c, 'Maximum', executor.read(state.iterations), one), dtype);",
    suite: 'optimiser',
  },
  {
    name: 'momentum 0.99 of the moving averages',
    file: resnet,
    search: 'momentum: 0.9, epsilon: 1e-5 }',
    replacement: 'momentum: 0.99, epsilon: 1e-5 }',
    suite: 'training',
  },
  {
    name: 'the unbiased variance averaged',
    file: normalization,
    search: "variance: binaryRaw(c, 'Mul', batchVariance, bias) }",
    replacement: 'variance: batchVariance }',
    suite: 'training',
  },
  // training, resume, predictions
  {
    name: 'the short last batch is dropped',
    file: 'jobs/batches.ts',
    search: 'for (let start = skip * batchSize; start < records; start += batchSize) {',
    replacement: 'for (let start = skip * batchSize; start + batchSize <= records; start += batchSize) {',
    suite: 'training',
  },
  {
    name: 'the loss of an epoch is the mean over its batches',
    file: 'graph/fit.ts',
    search: 'this.#loss += loss * samples;',
    replacement: 'this.#loss += loss;',
    suite: 'training',
  },
  // replicas
  {
    name: 'the gradients of the devices added without a division',
    file: strategy,
    search: 'const share = 1 / this.#devices.length;',
    replacement: 'const share = 1;',
    suite: 'replicas',
  },
  {
    name: 'an empty part changes the moving averages of its device',
    file: strategy,
    search: 'this.#inner.write(name, [copy], value, attributes);',
    replacement: 'this.#inner.write(name, [copy], inputs, attributes);',
    suite: 'replicas',
  },
  {
    name: 'every device predicts with the moving averages of the first',
    file: strategy,
    search: 'this.copiesOf(variable)[options.replica] ?? variable;',
    replacement: '(options.training ? this.copiesOf(variable)[options.replica] : variable) ?? variable;',
    suite: 'replicas',
  },
  {
    name: 'the moving averages of the first device are saved',
    file: 'graph/session.ts',
    search: 'if (others.length === 0) return first;',
    replacement: 'if (others.length >= 0) return first;',
    suite: 'replicas',
  },
  {
    name: 'parts of a batch rounded down',
    file: strategy,
    search: "const share = on('FloorDiv', on('AddV2', size, int(replicas - 1)), int(replicas));",
    replacement: "const share = on('FloorDiv', size, int(replicas));",
    suite: 'replicas',
  },
  {
    name: 'gradients divided by the weights of the losses',
    file: 'graph/ops/softmax.ts',
    search: "binaryRaw(c, 'Mul', weights, share)",
    replacement: "binaryRaw(c, 'RealDiv', share, weights)",
    suite: 'optimiser',
    case: 'balanced class weights, single-label',
  },
  {
    name: 'gradients clipped by the square of their norm',
    file: adam,
    search: "const norm = unaryRaw(c, 'Sqrt', squaresOf(c, gradient));",
    replacement: 'const norm = squaresOf(c, gradient);',
    suite: 'optimiser',
    case: 'gradients clipped one by one',
  },
  {
    name: 'gradients clipped together, to the sum of their norms',
    file: adam,
    search: "const norm = unaryRaw(c, 'Sqrt', squares.length === 1 ? squares[0] : sumOfRaw(c, squares));",
    replacement: "const norm = sumOfRaw(c, squares.map((one) => unaryRaw(c, 'Sqrt', one)));",
    suite: 'optimiser',
    case: 'gradients clipped together',
  },
  {
    name: 'weight decay without the learning rate',
    file: adam,
    search: "binaryRaw(c, 'Mul', binaryRaw(c, 'Mul', c.executor.read(variable), share), learningRate)",
    replacement: "binaryRaw(c, 'Mul', c.executor.read(variable), share)",
    suite: 'optimiser',
    case: 'weight decay',
  },
  {
    name: 'the weights of records with and without a label exchanged',
    file: 'port/finetuning/trainer/class_weights.ts',
    search: 'weights[i % width][label]',
    replacement: 'weights[i % width][1 - label]',
    suite: 'optimiser',
    case: 'balanced class weights, multi-label',
  },
  {
    name: 'a resumed epoch forgets what it has summed up',
    file: 'graph/fit.ts',
    search: 'const mean = epoch === state.epoch ? new Mean(state.sums, state.step) : new Mean();',
    replacement: 'const mean = epoch === state.epoch ? new Mean(noSums, state.step) : new Mean();',
    suite: 'resume',
  },
  {
    name: "a resumed job begins with new moments of Adam's",
    file: 'jobs/saved_state.ts',
    search: 'return new Map(session.names.map((name)',
    replacement: "return new Map(session.names.filter((name) => !name.startsWith('optimizer/')).map((name)",
    suite: 'resume',
  },
  {
    name: 'the step in progress is done again after a pause',
    file: 'graph/fit.ts',
    search: 'await options.save?.({ epoch, step: mean.batches,',
    replacement: 'await options.save?.({ epoch, step: Math.max(0, mean.batches - 1),',
    suite: 'resume',
  },
  {
    name: 'no normalisation in exported models',
    file: 'export/forward.ts',
    search: 'if (preprocessing.normalization === null) return x;',
    replacement: 'if (preprocessing) return x;',
    suite: 'predictions',
  },
  {
    name: 'sigmoid for softmax',
    file: 'networks/network.ts',
    search: "multiLabel ? 'sigmoid' : 'softmax'",
    replacement: "multiLabel ? 'softmax' : 'sigmoid'",
    suite: 'training',
  },
  {
    name: 'a checkpoint of a score that is only as good as the best',
    file: 'lib/keras/callbacks.ts',
    search: "return mode === 'max' ? value > best : value < best;",
    replacement: "return mode === 'max' ? value >= best : value <= best;",
    suite: 'metrics',
  },
  {
    name: 'two classes exchanged in the table of predictions',
    file: 'port/transplant/utils/predictions.ts',
    search: 'for (let row = 0; row < rows; row++) out[row] = data[row * columns + column];',
    replacement:
      'for (let row = 0; row < rows; row++) out[row] = data[row * columns + (column < 2 ? 1 - column : column)];',
    suite: 'files',
  },
];
