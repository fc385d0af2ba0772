import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { type ModelHandle, runtime, type TensorHandle } from './runtime.ts';

/** Writes a graph as a SavedModel into an existing folder. */
export function writeSavedModel(directory: string, bytes: Uint8Array): void {
  // Without this folder, TensorFlow writes a warning to its log.
  mkdirSync(join(directory, 'variables'), { recursive: true });
  writeFileSync(join(directory, 'saved_model.pb'), bytes);
}

/** Loads an encoded graph. TensorFlow remembers paths, so the file lies in a fresh folder, which is removed after loading. */
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
  inputs: readonly (readonly [string, NdArray])[],
  fetches: readonly string[],
): NdArray[] {
  const tf = runtime();
  const feeds = new Map<string, TensorHandle>();
  let results: TensorHandle[] = [];
  try {
    for (const [name, value] of inputs) {
      feeds.set(name, tf.createTensor(value));
    }
    results = tf.runSavedModel(model, feeds, fetches);
    return results.map((result) => tf.readTensor(result));
  } finally {
    for (const tensor of [...feeds.values(), ...results]) tf.deleteTensor(tensor);
  }
}
