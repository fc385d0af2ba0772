import { Context, type ContextOptions, type TeacherForcing } from './context.ts';
import { type Executor, type Tensor, type TensorSpec, unknown } from './executor.ts';
import type { ChooseKernels } from './kernels.ts';
import { type Loss, type LossName, losses } from './losses.ts';
import { activate, type Model } from './model.ts';
import { sumOfRaw } from './ops/elementwise.ts';
import { castRaw } from './ops/shape.ts';
import { Adam, type AdamState } from './optimizers.ts';
import { variableType } from './precision.ts';
import { MirroredStrategy, oneDevice, type Strategy } from './strategy.ts';
import type { Variable } from './variable.ts';

/** How a model is trained. */
export interface TrainingOptions {
  readonly loss: LossName;
  readonly optimizer?: Adam;
  /** Seed of initial weights and of dropout. */
  readonly seed?: number;
  /**
   * TensorFlow's names of the devices that share every batch, at least two, such as `/device:GPU:0`; see {@link MirroredStrategy}. Default:
   * one device, which TensorFlow chooses.
   */
  readonly devices?: readonly string[];
  /** Whether each training step gets weights of its losses, as Keras's `sample_weight`; see {@link Loss.weights}. Default no. */
  readonly sampleWeights?: boolean;
  /** Variables that frozen steps do not train: those of layers that are frozen whole. Default: there are no such steps. */
  readonly frozen?: ReadonlySet<Variable>;
  /** How convolutions are computed. Default: all by the kernels that Keras uses. */
  readonly kernelsOf?: ChooseKernels;
}

/** One entry point of a compiled model: its inputs, and how any executor computes the results. */
export interface Signature {
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  run(executor: Executor, inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

/** A model with its loss and optimiser as entry points over shared variables. */
export interface Program {
  readonly model: Model;
  readonly seed: number;
  readonly loss: Loss;
  readonly strategy: Strategy;
  /** The model's variables, then the optimiser's, then those that the strategy adds. */
  readonly variables: readonly Variable[];
  readonly optimizer: Adam;
  readonly optimizerState: AdamState;
  readonly signatures: Readonly<Record<string, Signature>>;
  /** `activations` or `trainingActivations` with every layer teacher-forced. */
  teacherForcedActivations(teacherForcing: TeacherForcing, training: boolean): Signature;
}

/** Name of the labels among the inputs of a signature. */
export const labelsName = 'labels';

/** Name of the weights of the outputs among the inputs of `inputGradients`. */
export const outputWeightsName = 'output_weights';

/** Name of the weights of the losses among the inputs of `train`. */
export const weightsName = 'sample_weight';

/**
 * Entry points of a built model.
 *
 * - `train`: one step of the optimiser; `loss`, `correct` (sum of the samples' accuracies), `outputs`.
 * - `trainUnfrozen`: the same step, but the layers of the frozen variables compute as in Keras with `trainable = False`: batch normalisation is in inference mode.
 * - `evaluate`: the same without a step, in inference mode.
 * - `predict`: `outputs`.
 * - `gradients`: loss and the gradient of every trainable variable in training mode; no variable changes.
 * - `inputGradients`: `outputs`, and the gradient of their sum, each weighted by an input, with respect to every input `gradient/<name>`, in inference mode.
 * - `activations`, `trainingActivations`: outputs of all layers by path, in inference and in training mode; no variable changes.
 */
export function program(
  model: Model,
  {
    loss: lossName,
    optimizer = new Adam(),
    seed = 0,
    devices,
    sampleWeights = false,
    frozen = new Set(),
    kernelsOf,
  }: TrainingOptions,
): Program {
  const strategy = devices ? new MirroredStrategy(model, devices) : oneDevice;
  const dtype = variableType(model.precision);
  const trainable = model.trainableVariables;
  const optimizerState = optimizer.state(trainable, dtype);
  const { iterations } = optimizerState;
  const loss = losses[lossName];
  const inputs = inputSpecs(model);
  const outputShape = [unknown, model.outputShape.at(-1)!];
  const labels = { [labelsName]: loss.labels(outputShape) };
  const weights: Record<string, TensorSpec> = sampleWeights
    ? { [weightsName]: { dtype, shape: loss.weights(outputShape) } }
    : {};
  const rate = { learning_rate: { dtype, shape: [] } };

  const inMode = (
    training: boolean,
    updatesStatistics = training,
    teacherForcing?: TeacherForcing,
  ): ContextOptions => ({
    training,
    updatesStatistics,
    precision: model.precision,
    seed,
    step: iterations,
    teacherForcing,
    kernelsOf,
  });

  const forward = (c: Context, feeds: Readonly<Record<string, Tensor>>) => {
    const logits = model.logits(c, feeds);
    const outputs = activate(c, model.activation, logits);
    const target = feeds[labelsName];
    return {
      outputs,
      loss: loss.loss(c, target, logits, feeds[weightsName]),
      correct: loss.correct(c, target, outputs),
    };
  };

  const gradientsOf = (c: Context, value: Tensor, weight: Tensor, trained = trainable): Tensor[] => {
    const sources = trained.map((variable) => c.value(variable));
    const found = c.tape.gradients(value, weight, sources, (parts) => sumOfRaw(c, parts));
    return found.map((gradient, i) => {
      if (gradient === undefined) throw new Error(`the loss does not depend on ${trained[i].name}`);
      return gradient;
    });
  };

  const activations = (training: boolean, teacherForcing?: TeacherForcing): Signature => ({
    inputs,
    run: (executor, feeds) => {
      const c = new Context(executor, inMode(training, false, teacherForcing));
      model.logits(c, feeds);
      const named = [...c.activations].map(([path, value]) => [path, castRaw(c, value, dtype)] as const);
      return Object.fromEntries(named);
    },
  });

  const step = (without: ReadonlySet<Variable>): Signature => ({
    inputs: { ...inputs, ...labels, ...weights, ...rate },
    run: (executor, feeds) => {
      const mode = { ...inMode(true), frozen: without };
      const trained = trainable.filter((variable) => !without.has(variable));
      const slots = optimizerState.slots.filter((_, i) => !without.has(trainable[i]));
      const gradients: Tensor[][] = [];
      const results = strategy.run(executor, feeds, mode, (c, part, weight) => {
        const found = forward(c, part);
        gradients.push(gradientsOf(c, found.loss, weight(found.loss.dtype), trained));
        return found;
      });
      strategy.reduce(executor, mode, gradients, (c, sums) => {
        optimizer.update(c, { iterations, slots }, trained, sums, feeds.learning_rate);
      });
      return results;
    },
  });

  const signatures: Record<string, Signature> = {
    train: step(new Set()),
    ...(frozen.size > 0 && { trainUnfrozen: step(frozen) }),
    evaluate: {
      inputs: { ...inputs, ...labels },
      run: (executor, feeds) => strategy.run(executor, feeds, inMode(false), forward),
    },
    predict: {
      inputs,
      run: (executor, feeds) =>
        strategy.run(executor, feeds, inMode(false), (c, part) => ({
          outputs: activate(c, model.activation, model.logits(c, part)),
        })),
    },
    gradients: {
      inputs: { ...inputs, ...labels },
      run: (executor, feeds) => {
        const c = new Context(executor, inMode(true, false));
        const results = forward(c, feeds);
        const gradients = gradientsOf(c, results.loss, c.scalar(1, results.loss.dtype));
        const named = gradients.map((gradient, i) => [trainable[i].name, gradient] as const);
        return { ...Object.fromEntries(named), loss: results.loss };
      },
    },
    inputGradients: {
      inputs: { ...inputs, [outputWeightsName]: { dtype, shape: [unknown, model.outputShape.at(-1)!] } },
      run: (executor, feeds) => {
        const c = new Context(executor, { ...inMode(false), watchesVariables: false });
        const names = Object.keys(inputs);
        const sources = names.map((name) => feeds[name]);
        for (const source of sources) c.tape.watch(source);
        const outputs = activate(c, model.activation, model.logits(c, feeds));
        const found = c.tape.gradients(outputs, feeds[outputWeightsName], sources, (parts) => sumOfRaw(c, parts));
        const named = found.map((gradient, i) => {
          if (gradient === undefined) throw new Error(`the outputs do not depend on ${names[i]}`);
          return [`gradient/${names[i]}`, gradient] as const;
        });
        return { outputs, ...Object.fromEntries(named) };
      },
    },
    activations: activations(false),
    trainingActivations: activations(true),
  };

  const state = [iterations, ...optimizerState.slots.flatMap(({ m, v }) => [m, v])];
  const variables = [...model.variables, ...state, ...strategy.variables];
  const teacherForcedActivations = (teacherForcing: TeacherForcing, training: boolean): Signature =>
    activations(training, teacherForcing);
  return { model, seed, loss, strategy, variables, optimizer, optimizerState, signatures, teacherForcedActivations };
}

/** The inputs of a model, by default for all batch sizes. */
export function inputSpecs(model: Model, batch = unknown): Record<string, TensorSpec> {
  const dtype = variableType(model.precision);
  return Object.fromEntries(
    Object.entries(model.inputShapes).map(([name, shape]) => [name, { dtype, shape: [batch, ...shape] }]),
  );
}
