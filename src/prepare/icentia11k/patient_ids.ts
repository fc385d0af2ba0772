import { UsageError } from '../../errors.ts';

/**
 * Whole numbers from a text such as `0-19,25`, ascending and without repeats.
 *
 * @param option Flag as typed, for messages.
 */
export function parseIds(text: string, option: string): number[] {
  const ids = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) - Number(first) >= 1_000_000) {
      throw new UsageError(`${option}: invalid value`, { got: part, expected: 'numbers and ranges, such as 0-19,25' });
    }
    for (let id = Number(first); id <= Number(last); id++) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

/** Ascending whole numbers as a text that `parseIds` reads: `0-19,25`. */
export function formatIds(ids: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range && id === range[1] + 1) range[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
