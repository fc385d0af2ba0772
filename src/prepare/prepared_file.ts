import { basename } from 'node:path';
import type { Reporter } from '../events.ts';
import { allocate, bytesOf, type NdArray, zeros } from '../lib/numpy/ndarray.ts';
import { ArrayStream, dump } from '../lib/python/pickle.ts';
import { dataSetToPickle } from '../port/finetuning/datasets/data_set.ts';
import type { RowShape } from '../port/finetuning/datasets/preparation.ts';
import { padRow } from '../port/transplant/utils/padding.ts';
import type { RecordListing } from './collections.ts';
import type { RecordCache } from './record_cache.ts';

/** Writes one part of a set as a gzip pickle, one recording at a time. */
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
      padRow(cache.read(i).data, row);
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
