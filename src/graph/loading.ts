import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { GraphBuilder } from './builder.ts';
import type { SignatureEndpoints } from './graph_def.ts';
import { type ModelHandle, runtime, type TensorHandle } from './runtime.ts';

/** A fed value: an array, or a scalar byte string. */
export type Feed = NdArray | Uint8Array;

/** Writes a graph as a SavedModel into an existing folder. */
export function writeSavedModel(directory: string, bytes: Uint8Array): void {
  // TensorFlow looks for this folder and says in its log if there is none.
  mkdirSync(join(directory, 'variables'), { recursive: true });
  writeFileSync(join(directory, 'saved_model.pb'), bytes);
}

/** Loads an encoded graph. The file lives in a fresh folder, as TensorFlow remembers paths, and only until it is loaded. */
export function loadGraph(bytes: Uint8Array): ModelHandle {
  const directory = mkdtempSync(join(tmpdir(), 'ecg-transplant-graph-'));
  try {
    writeSavedModel(directory, bytes);
    return runtime().loadSavedModel(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a loaded graph with feeds and fetches by tensor name. */
export function runGraph(
  model: ModelHandle,
  inputs: readonly (readonly [string, Feed])[],
  fetches: readonly string[],
): NdArray[] {
  const tf = runtime();
  const feeds = new Map<string, TensorHandle>();
  let results: TensorHandle[] = [];
  try {
    for (const [name, value] of inputs) {
      feeds.set(name, value instanceof Uint8Array ? tf.createStrings([], [value]) : tf.createTensor(value));
    }
    results = tf.runSavedModel(model, feeds, fetches);
    return results.map((result) => tf.readTensor(result));
  } finally {
    for (const tensor of [...feeds.values(), ...results]) tf.deleteTensor(tensor);
  }
}

/** Builds a graph of one signature, runs it once and frees it. */
export function runOnce(
  build: (builder: GraphBuilder) => SignatureEndpoints,
  values: Readonly<Record<string, Feed>>,
): Record<string, NdArray> {
  const builder = new GraphBuilder();
  const { inputs, outputs } = build(builder);
  const model = loadGraph(builder.encode());
  try {
    const feeds = Object.entries(inputs).map(([key, { name }]) => [name, values[key]] as const);
    const fetches = Object.values(outputs).map(({ name }) => name);
    const results = runGraph(model, feeds, fetches);
    return Object.fromEntries(Object.keys(outputs).map((key, i) => [key, results[i]]));
  } finally {
    runtime().deleteSavedModel(model);
  }
}
