import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { allocate, bytesOf, type NdArray, zeros } from '../lib/numpy/ndarray.ts';
import { ArrayStream, dump } from '../lib/python/pickle.ts';
import { dataSetToPickle } from '../port/finetuning/datasets/data_set.ts';
import { padPre } from '../port/finetuning/datasets.ts';
import type { RecordListing } from './collections.ts';
import type { RecordCache } from './record_cache.ts';

/** Form of one padded recording. */
export interface RowShape {
  readonly dtype: 'float32' | 'float64';
  readonly samples: number;
  readonly leads: number;
}

/** Shape and dtype of a recording in the stacked array, by the rules of `datasets.stack` (Quirk Q34). */
export function stackedShape(cache: RecordCache, pad: number | 'max' | null, listing: RecordListing): RowShape {
  const entries = Array.from({ length: cache.size }, (_, i) => cache.describe(i));
  const first = entries[0];
  if (typeof pad === 'number') return { dtype: first.dtype, samples: pad, leads: first.leads };
  if (pad === 'max') {
    const samples = entries.reduce((longest, entry) => Math.max(longest, entry.samples), 0);
    return { dtype: first.dtype, samples, leads: first.leads };
  }
  const other = entries.findIndex((entry) => entry.samples !== first.samples);
  if (other !== -1) {
    throw new InputError('recordings have different lengths', {
      file: listing.paths[other],
      got: `${entries[other].samples} samples`,
      expected: `${first.samples}, as the first`,
      next: 'Pad them: --pad 16384.',
    });
  }
  const dtype = entries.some((entry) => entry.dtype === 'float64') ? 'float64' : 'float32';
  return { dtype, samples: first.samples, leads: first.leads };
}

/** Writes one part of a set as a gzip pickle: recordings go from the cache into the file one by one. */
export async function writePart(
  path: string,
  listing: RecordListing,
  records: readonly number[],
  cache: RecordCache,
  { dtype, samples, leads }: RowShape,
  report: Reporter,
): Promise<void> {
  const task = `writing ${basename(path)}`;
  report({ kind: 'start', task, total: records.length, unit: 'records' });
  function* rows(): Generator<Uint8Array> {
    for (const [done, i] of records.entries()) {
      const row = allocate(dtype, samples * leads);
      padPre(cache.read(i), row);
      report({ kind: 'progress', task, done });
      yield new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
    }
  }
  const pick = <T>(items: readonly T[]): T[] => records.map((i) => items[i]!);
  await dump(
    path,
    dataSetToPickle({
      x: new ArrayStream(dtype, [records.length, samples, leads], rows()),
      y: takeRows(listing.y, records),
      recordIds: pick(listing.recordIds),
      classes: listing.classes,
      patientIds: listing.patientIds && pick(listing.patientIds),
    }),
  );
  report({ kind: 'end', task });
}

function takeRows(array: NdArray, rows: readonly number[]): NdArray {
  const shape = [rows.length, ...array.shape.slice(1)];
  const out = zeros(array.dtype, shape);
  const rowBytes = bytesOf(array).length / Math.max(1, array.shape[0]);
  const [from, to] = [bytesOf(array), bytesOf(out)];
  rows.forEach((row, i) => {
    to.set(from.subarray(row * rowBytes, (row + 1) * rowBytes), i * rowBytes);
  });
  return out;
}
