/** What may cross as text. Arrays never do: they travel as `.npy` files in the exchange folder. */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };

const marks = new Map<string, number>([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);

/** JSON text of a value; numbers that JSON lacks, or that `JSON.stringify` changes, become `{"$float": "nan" | "inf" | "-inf" | "-0.0"}`. */
export function encode(value: Wire): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (Object.is(item, -0)) return { $float: '-0.0' };
    if (typeof item !== 'number' || Number.isFinite(item)) return item;
    return { $float: Number.isNaN(item) ? 'nan' : item > 0 ? 'inf' : '-inf' };
  });
}

/** Inverse of {@link encode}; throws a SyntaxError on text that is not JSON. */
export function decode(text: string): Wire {
  return JSON.parse(text, (_key, item: unknown) => {
    const mark = (item as { $float?: string } | null)?.$float;
    return mark === undefined ? item : marks.get(mark);
  }) as Wire;
}
