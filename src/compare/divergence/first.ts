import { join, relative } from 'node:path';
import type { FirstDifference, Row } from '../closeness.ts';
import type { SuiteContext } from '../suite.ts';

const root = join(import.meta.dirname, '../../..');

/** Folders with the sources of the port itself, without its libraries and without the comparison. */
export const portFolders = ['port', 'networks', 'prepare', 'recordings', 'jobs', 'predict', 'weights'].map((room) =>
  join(import.meta.dirname, '../..', room, '/'),
);

/** A place in the port's sources as reports show it: relative to the root of the project. */
export function shownPlace(place: string): string {
  return place && relative(root, place);
}

/** Returns the rows. If some failed, adds to these where the sides diverge, as `find` tells, unless the context asks not to locate it. */
export async function withFirst(
  { locate = true }: Pick<SuiteContext, 'locate'>,
  rows: readonly Row[],
  find: () => Promise<FirstDifference | undefined>,
): Promise<readonly Row[]> {
  if (!locate || rows.every(({ passed }) => passed)) return rows;
  const first = await find();
  return first === undefined ? rows : rows.map((row) => (row.passed ? row : { ...row, first }));
}
