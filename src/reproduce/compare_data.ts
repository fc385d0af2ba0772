import { mkdirSync } from 'node:fs';
import type { Original } from '../bridge/original.ts';
import { exactly, type Row, sameText } from '../compare/closeness.ts';
import { namesOf } from '../compare/suites/shared/prepared_data.ts';
import type { FinetuningSet } from '../experiment_schema.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { type OpenPreparedSet, openPreparedSet } from '../prepare/prepared_set.ts';
import type { PartName } from './run_folder.ts';
import type { RunSettings } from './settings.ts';

/** Records that are held in memory at a time. */
const block = 64;

/** A prepared file with at most this many values is also read by the other language. */
const small = 2 ** 25;

/**
 * Compares the prepared files of both sides: recordings and labels bit for bit, names in order. For small sets, also the port's file as
 * Python reads it.
 */
export async function compareData(run: RunSettings, set: FinetuningSet, original: Original): Promise<Row[]> {
  const rows: Row[] = [];
  for (const part of ['train', 'test'] as const) rows.push(...(await comparePart(run, set, part, original)));
  return rows;
}

async function comparePart(
  { folder }: RunSettings,
  { name }: FinetuningSet,
  part: PartName,
  original: Original,
): Promise<Row[]> {
  const title = `${name}, ${part} part`;
  const file = folder.prepared('port', name, part);
  const scratch = folder.data('port');
  mkdirSync(scratch, { recursive: true });
  const ours = await openPreparedSet(file, { folder: scratch });
  try {
    const theirs = await openPreparedSet(folder.prepared('original', name, part), { folder: scratch });
    try {
      const rows = [
        sameRecordings(`${title}: recordings`, ours, theirs),
        exactly('preprocessing', `${title}: labels`, [{ name: 'y', port: ours.y, original: theirs.y }]),
        sameText('splits', `${title}: records and classes in order`, namesOf(ours), namesOf(theirs)),
      ];
      if (ours.x.shape.reduce((product, extent) => product * extent, 1) > small) return rows;
      const read = await original.data.load(file);
      const all = ours.x.take(Array.from({ length: ours.x.shape[0] }, (_, i) => i));
      return [
        ...rows,
        exactly('files', `${title}: the port's file in Python`, [
          { name: 'x', port: all, original: read.x },
          { name: 'y', port: ours.y, original: read.y },
        ]),
        sameText('files', `${title}: names of the port's file in Python`, namesOf(ours), namesOf(read)),
      ];
    } finally {
      theirs.close();
    }
  } finally {
    ours.close();
  }
}

/** One row for all recordings, read block by block, because full data sets do not fit into memory. */
function sameRecordings(name: string, ours: OpenPreparedSet, theirs: OpenPreparedSet): Row {
  const records = Math.max(ours.x.shape[0], theirs.x.shape[0]);
  if (ours.x.shape.join() !== theirs.x.shape.join() || records === 0) {
    const shapeOf = ({ x }: OpenPreparedSet): NdArray => ({
      dtype: 'int64',
      shape: [x.shape.length],
      data: BigInt64Array.from(x.shape, BigInt),
    });
    return exactly('preprocessing', `${name}, their shape`, [
      { name: 'shape', port: shapeOf(ours), original: shapeOf(theirs) },
    ]);
  }
  let whole: Row | undefined;
  for (let start = 0; start < records; start += block) {
    const chosen = Array.from({ length: Math.min(block, records - start) }, (_, i) => start + i);
    const row = exactly('preprocessing', name, [
      { name: `x[${start}:]`, port: ours.x.take(chosen), original: theirs.x.take(chosen) },
    ]);
    whole = whole === undefined ? row : joined(whole, row);
  }
  return whole!;
}

/** Joins two exact rows; the first difference is the one shown. */
function joined(a: Row, b: Row): Row {
  const shown = a.passed ? b : a;
  return {
    ...shown,
    passed: a.passed && b.passed,
    values: a.values + b.values,
    difference: a.difference + b.difference,
  };
}
