import { type Inputs, inputsByName } from '../lib/keras/inputs.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import { conform } from './arrays.ts';
import { type Backend, EagerBackend, GraphBackend } from './backends.ts';
import type { Model } from './model.ts';
import { labelsName, outputWeightsName, type Program, program, type TrainingOptions, weightsName } from './program.ts';
import { initialValue, type Variable } from './variable.ts';

export type { Inputs };

/** How a model is compiled. */
export interface CompileOptions extends TrainingOptions {
  /** `graph` (default), or `eager`: slow, for tests. */
  readonly executor?: 'graph' | 'eager';
  /** Adds the entry points of `gradients`, `inputGradients` and `activations` to the graph; only without `devices`. */
  readonly inspect?: boolean;
  /** Adds the entry point of `inputGradients` alone; only without `devices`. */
  readonly inputGradients?: boolean;
}

/** What a training step may have of its own. */
export interface StepOptions {
  readonly learningRate?: number;
  /** Weights of the losses, for a session that was compiled with `sampleWeights`: `(batch)` or, for several labels, `(batch, classes)`. */
  readonly sampleWeight?: NdArray;
  /** Whether the step leaves the variables as they are that the session was compiled with as `frozen`. Default no. */
  readonly frozen?: boolean;
}

/** Results of one batch. An epoch's means are weighted by samples, as in Keras, hence the sums. */
export interface StepResult {
  /** Samples in the batch. */
  readonly samples: number;
  /** Mean loss of the batch; with weights, of the weighted losses. */
  readonly loss: number;
  /** Sum of the samples' accuracies. */
  readonly correct: number;
  /** Outputs of the model for the batch, `(batch, outputs)`. */
  readonly outputs: NdArray;
}

/**
 * A compiled model: one TensorFlow graph for all batch sizes, whose entry points share their variables. Call `dispose` when done:
 * JavaScript's garbage collector does not free TensorFlow's memory.
 */
export class Session {
  readonly model: Model;
  readonly #program: Program;
  readonly #backend: Backend;
  readonly #variables: ReadonlyMap<string, Variable>;
  #disposed = false;

  constructor(model: Model, options: CompileOptions) {
    if (!model.built) throw new Error('the model is not built yet: call build(inputShape) first');
    const { inspect = false, inputGradients = inspect, devices } = options;
    if ((inspect || inputGradients) && devices) {
      throw new RangeError(`${inspect ? 'inspect' : 'inputGradients'}: only for a model on one device`);
    }
    this.model = model;
    this.#program = program(model, options);
    this.#variables = new Map(this.#program.variables.map((variable) => [variable.name, variable]));
    const names = ['train', 'evaluate', 'predict'];
    if (options.frozen) names.push('trainUnfrozen');
    if (inputGradients) names.push('inputGradients');
    if (inspect) names.push('gradients', 'activations', 'trainingActivations');
    this.#backend =
      options.executor === 'eager' ? new EagerBackend(this.#program) : new GraphBackend(this.#program, names);
    this.reset();
  }

  /**
   * Names of all variables: the model's in Keras's weight order, then the optimiser's (`optimizer/vars/…`). With several devices, then the
   * moving statistics of each device but the first (`replica_1/…`, `replica_2/…`).
   */
  get names(): string[] {
    return [...this.#variables.keys()];
  }

  /** Learning rate of a step without one of its own. */
  get learningRate(): number {
    return this.#program.optimizer.learningRate;
  }

  /** One training step on a batch. */
  train(
    x: Inputs,
    y: NdArray,
    { learningRate = this.#program.optimizer.learningRate, sampleWeight, frozen = false }: StepOptions = {},
  ): StepResult {
    const rate: NdArray = { dtype: 'float64', shape: [], data: Float64Array.of(learningRate) };
    const signature = frozen ? 'trainUnfrozen' : 'train';
    return this.#step(signature, x, y, { learning_rate: rate, ...(sampleWeight && { [weightsName]: sampleWeight }) });
  }

  /** Loss, accuracy and outputs of a batch in inference mode. */
  evaluate(x: Inputs, y: NdArray): StepResult {
    return this.#step('evaluate', x, y, {});
  }

  /** Outputs of a batch in inference mode, `(batch, outputs)`. */
  predict(x: Inputs): NdArray {
    return this.#run('predict', inputsByName(x)).outputs;
  }

  /** Gradients of the mean loss by variable name, in training mode; no variable changes. Needs `inspect`. */
  gradients(x: Inputs, y: NdArray): { loss: number; gradients: Map<string, NdArray> } {
    const { loss, ...gradients } = this.#run('gradients', { ...inputsByName(x), [labelsName]: y });
    return { loss: scalar(loss), gradients: new Map(Object.entries(gradients)) };
  }

  /**
   * Outputs of a batch in inference mode, and by input name the gradient of Σ weights·outputs with respect to the input. `weights` are
   * `(batch, outputs)`: a one in the column of a class gives the gradient of its probability. Needs `inputGradients` or `inspect`.
   */
  inputGradients(x: Inputs, weights: NdArray): { outputs: NdArray; gradients: Map<string, NdArray> } {
    const inputs = inputsByName(x);
    const { outputs, ...gradients } = this.#run('inputGradients', { ...inputs, [outputWeightsName]: weights });
    return { outputs, gradients: new Map(Object.keys(inputs).map((name) => [name, gradients[`gradient/${name}`]])) };
  }

  /** Outputs of every layer by path, in inference or training mode; no variable changes. Needs `inspect`. */
  activations(x: Inputs, { training = false } = {}): Map<string, NdArray> {
    return new Map(Object.entries(this.#run(training ? 'trainingActivations' : 'activations', inputsByName(x))));
  }

  /**
   * Outputs of every layer by path, with teacher forcing: each is computed from the given outputs of the layers before it. No variable changes.
   * `places` tells the line below the folder `source` where each layer is applied. Needs the executor `eager`.
   */
  teacherForcedActivations(
    x: Inputs,
    outputs: ReadonlyMap<string, NdArray>,
    { training = false, source = '' } = {},
  ): { activations: Map<string, NdArray>; places: Map<string, string> } {
    this.#check();
    if (!(this.#backend instanceof EagerBackend))
      throw new Error("teacher forcing needs the eager executor: compile with executor: 'eager'");
    const places = new Map<string, string>();
    const signature = this.#program.teacherForcedActivations({ outputs, source, places }, training);
    const found = this.#backend.runSignature(signature, inputsByName(x));
    return { activations: new Map(Object.entries(found)), places };
  }

  /** Values of variables by name; by default of all. */
  read(names: readonly string[] = this.names): Map<string, NdArray> {
    const values = this.#backend.read(names.map((name) => this.#variable(name)));
    return new Map(names.map((name, i) => [name, values[i]]));
  }

  /**
   * Values of the variables of model and optimiser by name. Of a moving statistic, of which each device has its own, it is the mean over the
   * devices, which is what tf_keras saves. On one device the same as `read`.
   */
  readMean(): Map<string, NdArray> {
    const { variables, strategy } = this.#program;
    const own = variables.filter((variable) => !strategy.variables.includes(variable));
    const values = this.read();
    return new Map(
      own.map((variable) => [variable.name, mean(strategy.copiesOf(variable).map(({ name }) => values.get(name)!))]),
    );
  }

  /**
   * Sets variables. A moving statistic is set on all devices, except on those for which `values` has one of its own (`replica_1/…`). Throws a
   * ValueError, before any change, if a name is unknown or a shape does not fit.
   */
  assign(values: ReadonlyMap<string, NdArray>): void {
    const checked = new Map<Variable, NdArray>();
    for (const [name, value] of values) {
      const variable = this.#variable(name);
      checked.set(variable, conform(name, value, variable));
    }
    this.#check();
    this.#backend.assign(this.#withCopies(checked));
  }

  /** Resets every variable to its initial value: weights drawn from the seed, a fresh optimiser. */
  reset(): void {
    const { seed, variables, strategy } = this.#program;
    const own = variables.filter((variable) => !strategy.variables.includes(variable));
    this.#backend.assign(this.#withCopies(new Map(own.map((variable) => [variable, initialValue(variable, seed)]))));
  }

  /** Resets the state of the optimiser, as Keras does when a model is compiled again. */
  resetOptimizer(): void {
    const { seed, optimizerState } = this.#program;
    const state = [optimizerState.iterations, ...optimizerState.slots.flatMap(({ m, v }) => [m, v])];
    this.#backend.assign(new Map(state.map((variable) => [variable, initialValue(variable, seed)])));
  }

  /** Writes the graph as a SavedModel without values into an existing folder. */
  export(directory: string): void {
    if (!(this.#backend instanceof GraphBackend)) throw new Error('only a graph can be exported');
    this.#backend.export(directory);
  }

  /** Frees the graph and its variables. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#backend.dispose();
  }

  #withCopies(values: ReadonlyMap<Variable, NdArray>): Map<Variable, NdArray> {
    const all = [...values].flatMap(([variable, value]) =>
      this.#program.strategy.copiesOf(variable).map((copy) => [copy, value] as const),
    );
    return new Map([...all, ...values]);
  }

  #step(signature: string, x: Inputs, y: NdArray, extra: Readonly<Record<string, NdArray>>): StepResult {
    const results = this.#run(signature, { ...inputsByName(x), [labelsName]: y, ...extra });
    const { outputs, loss, correct } = results;
    return { samples: outputs.shape[0], loss: scalar(loss), correct: scalar(correct), outputs: outputs };
  }

  #run(signature: string, feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    this.#check();
    const specs = this.#program.signatures[signature].inputs;
    const checked: Record<string, NdArray> = {};
    let batch: number | undefined;
    for (const [name, spec] of Object.entries(specs)) {
      const value = feeds[name];
      if (value === undefined) throw new ValueError(`${signature}: the input ${name} is missing`);
      checked[name] = conform(name, value, spec);
      if (spec.shape.length === 0) continue;
      batch ??= value.shape[0];
      if (value.shape[0] !== batch) {
        throw new ValueError(`${name}: got ${value.shape[0]} samples, the other inputs have ${batch}`);
      }
    }
    const labels = checked[labelsName];
    if (labels !== undefined) this.#program.loss.check(labels, this.model.outputShape.at(-1)!);
    if (batch === 0) throw new ValueError(`${signature}: the batch is empty`);
    return this.#backend.run(signature, checked);
  }

  #variable(name: string): Variable {
    const variable = this.#variables.get(name);
    if (variable === undefined) throw new ValueError(`the model has no variable ${name}`);
    return variable;
  }

  #check(): void {
    if (this.#disposed) throw new Error('the session is disposed');
  }
}

/** Compiles a built model. The returned session must be disposed of. */
export function compile(model: Model, options: CompileOptions): Session {
  return new Session(model, options);
}

/** Mean of float arrays of one type and shape, element by element, rounded at each step like TensorFlow's. */
function mean(arrays: readonly NdArray[]): NdArray {
  const [first, ...others] = arrays;
  if (others.length === 0) return first;
  const data = (first.data as Float32Array | Float64Array).slice();
  for (const other of others) for (let i = 0; i < data.length; i++) data[i] += Number(other.data[i]);
  for (let i = 0; i < data.length; i++) data[i] /= arrays.length;
  return ndarray(first.dtype, first.shape, data);
}

function scalar(array: NdArray): number {
  return Number(array.data[0]);
}
