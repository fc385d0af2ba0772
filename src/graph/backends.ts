import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { GraphBuilder } from './builder.ts';
import { EagerExecutor } from './eager.ts';
import type { Executor, Tensor } from './executor.ts';
import type { SignatureEndpoints } from './graph_def.ts';
import { loadGraph, runGraph, writeSavedModel } from './loading.ts';
import type { Program, Signature } from './program.ts';
import { type ModelHandle, runtime } from './runtime.ts';
import type { Variable } from './variable.ts';

/** Executes a program: `GraphBackend` normally, `EagerBackend` as the reference of tests. */
export interface Backend {
  run(signature: string, feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray>;
  assign(values: ReadonlyMap<Variable, NdArray>): void;
  read(variables: readonly Variable[]): NdArray[];
  dispose(): void;
}

/** A program as one graph in one TensorFlow session. */
export class GraphBackend implements Backend {
  readonly #signatures = new Map<string, SignatureEndpoints>();
  readonly #builder: GraphBuilder;
  readonly #model: ModelHandle;

  /** Builds and loads the graph with the given signatures of the program. */
  constructor(program: Program, signatures: readonly string[]) {
    const { strategy } = program;
    const builder = new GraphBuilder((variable) => strategy.deviceOf(variable));
    for (const name of signatures) {
      const { inputs, run } = program.signatures[name];
      this.#signatures.set(
        name,
        builder.signature(name, inputs, (feeds) => run(builder, feeds)),
      );
    }
    for (const variable of program.variables) this.#addPorts(builder, variable, strategy.deviceOf(variable));
    this.#builder = builder;
    this.#model = loadGraph(builder.encode());
  }

  /** Writes the graph as a SavedModel without the values of variables (its signatures `assign/…` set them) and without devices. */
  export(directory: string): void {
    writeSavedModel(directory, this.#builder.encode({ devices: false }));
  }

  run(signature: string, feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    const { inputs, outputs } = this.#endpoints(signature);
    const values = this.#run(
      Object.entries(inputs).map(([key, { name }]) => [name, feeds[key]]),
      Object.values(outputs).map(({ name }) => name),
    );
    return Object.fromEntries(Object.keys(outputs).map((key, i) => [key, values[i]]));
  }

  assign(values: ReadonlyMap<Variable, NdArray>): void {
    const ports = [...values].map(([{ name }, value]) => ({ ...this.#endpoints(`assign/${name}`), value }));
    this.#run(
      ports.map(({ inputs, value }) => [inputs.value.name, value]),
      ports.map(({ outputs }) => outputs.done.name),
    );
  }

  read(variables: readonly Variable[]): NdArray[] {
    return this.#run(
      [],
      variables.map(({ name }) => this.#endpoints(`read/${name}`).outputs.value.name),
    );
  }

  dispose(): void {
    runtime().deleteSavedModel(this.#model);
  }

  #run(inputs: readonly (readonly [string, NdArray])[], fetches: readonly string[]): NdArray[] {
    if (fetches.length === 0) return [];
    return runGraph(this.#model, inputs, fetches);
  }

  #endpoints(signature: string): SignatureEndpoints {
    const endpoints = this.#signatures.get(signature);
    if (endpoints === undefined) throw new Error(`the session was compiled without the signature ${signature}`);
    return endpoints;
  }

  /** Signatures that write and read a single variable; one run may fetch many of them. */
  #addPorts(builder: GraphBuilder, variable: Variable, device: string): void {
    const assign = builder.signature(`assign/${variable.name}`, { value: variable }, ({ value }) => {
      builder.onDevice(device, () => assignVariable(builder, variable, value));
      return { done: builder.constant(ndarray('bool', [], Uint8Array.of(1))) };
    });
    const read = builder.signature(`read/${variable.name}`, {}, () => ({ value: builder.read(variable) }));
    this.#signatures.set(`assign/${variable.name}`, assign).set(`read/${variable.name}`, read);
  }
}

/** Runs a program operation by operation: slow, but without TensorFlow's graph optimisations. */
export class EagerBackend implements Backend {
  readonly #executor = new EagerExecutor();
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  run(signature: string, feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    return this.runSignature(this.#program.signatures[signature], feeds);
  }

  /** Runs any entry point, also one that is not in the program. */
  runSignature({ run }: Signature, feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    return this.#executor.run(feeds, (inputs) => run(this.#executor, inputs));
  }

  assign(values: ReadonlyMap<Variable, NdArray>): void {
    for (const [variable, value] of values) {
      this.#executor.run({ value }, (inputs) => {
        assignVariable(this.#executor, variable, inputs.value);
        return {};
      });
    }
  }

  read(variables: readonly Variable[]): NdArray[] {
    return variables.map((variable) => this.#executor.run({}, () => ({ value: this.#executor.read(variable) })).value);
  }

  dispose(): void {
    this.#executor.dispose();
  }
}

/** Gives a variable a new value. The value is copied: a fed tensor shares memory with JavaScript, which may reuse it. */
function assignVariable(executor: Executor, variable: Variable, value: Tensor): void {
  const copy = executor.op('DeepCopy', [value], { T: { type: value.dtype } }, [value])[0];
  executor.write('AssignVariableOp', [variable], [copy], { dtype: { type: variable.dtype } });
}
