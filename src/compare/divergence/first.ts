import { join, relative } from 'node:path';
import type { FirstDifference, Row } from '../closeness.ts';

const root = join(import.meta.dirname, '../../..');

/** Folders of the port's own sources: what lies below them serves, and what lies above them compares. */
export const portFolders = ['port', 'networks', 'prepare', 'recordings', 'jobs', 'predict', 'weights'].map((room) =>
  join(import.meta.dirname, '../..', room, '/'),
);

/** A place in the port's sources as reports show it: from the root of the project. */
export function shownPlace(place: string): string {
  return place && relative(root, place);
}

/** Rows as they are; if some failed, those with what `find` says of where both sides part. */
export async function withFirst(
  rows: readonly Row[],
  find: () => Promise<FirstDifference | undefined>,
): Promise<readonly Row[]> {
  if (rows.every(({ passed }) => passed)) return rows;
  const first = await find();
  return first === undefined ? rows : rows.map((row) => (row.passed ? row : { ...row, first }));
}
