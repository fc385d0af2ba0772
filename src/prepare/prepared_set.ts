import { rmSync } from 'node:fs';
import { type Reporter, silent } from '../events.ts';
import { itemSize } from '../lib/numpy/ndarray.ts';
import { NpyFile } from '../lib/numpy/npy.ts';
import { arrayRows, fileRows, floatRows, selectLead } from '../lib/numpy/rows.ts';
import { load } from '../lib/python/pickle.ts';
import { unpackedDataSetFromPickle } from '../port/finetuning/datasets/data_set.ts';
import type { PreparedSet } from '../port/finetuning/datasets.ts';

/** An open prepared set; close it after the last read. */
export interface OpenPreparedSet extends PreparedSet {
  close(): void;
}

/** How recordings that do not fit into memory are read. */
export interface UnpackOptions {
  /** Folder to unpack the recordings into. The files vanish when the set is closed or the process ends. */
  readonly folder: string;
  /** Size of the recordings in bytes above which they are unpacked; default 512 MiB. */
  readonly threshold?: number;
  readonly report?: Reporter;
}

/**
 * Opens a prepared data set. Without `unpack` it holds all recordings in memory, at most 1 GiB.
 *
 * @throws InputError if the file is not a data set, or does not fit into memory.
 */
export async function openPreparedSet(path: string, unpack?: UnpackOptions): Promise<OpenPreparedSet> {
  const { x, ...rest } = unpackedDataSetFromPickle(await loadPickle(path, unpack), path);
  if (!(x instanceof NpyFile)) return { ...rest, x: arrayRows(x), close: () => undefined };
  return { ...rest, x: floatRows(fileRows(x)), close: () => x.close() };
}

async function loadPickle(path: string, unpack: UnpackOptions | undefined): Promise<unknown> {
  if (unpack === undefined) return load(path);
  const { folder, threshold = 2 ** 29, report = silent } = unpack;
  const pickle = await load(path, { spill: { folder, threshold } });
  for (const array of pickle instanceof Map ? pickle.values() : []) {
    if (!(array instanceof NpyFile)) continue;
    // An open file outlives its name, so nothing is left to remove, however the process ends.
    rmSync(array.name);
    const gigabytes = ((array.size * itemSize[array.dtype]) / 1e9).toFixed(1);
    report({ kind: 'message', text: `${path}: ${gigabytes} GB of recordings are read from the disk as needed` });
  }
  return pickle;
}

/** The set with one lead; see `selectLead`. */
export function withLead(set: PreparedSet, lead: number): PreparedSet {
  return { ...set, x: selectLead(set.x, lead) };
}
