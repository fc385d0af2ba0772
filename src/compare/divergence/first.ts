import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FirstDifference, Row } from '../closeness.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Folder of the port's sources. */
export const portSource = fileURLToPath(new URL('../../port/', import.meta.url));

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
