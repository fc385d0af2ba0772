import { decodeJson, encodeJson } from '../lib/json/text.ts';

/** What may cross as text. Arrays never do: they travel as `.npy` files in the exchange folder. */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };

/** JSON text of a value, with the marks of {@link encodeJson}, which the other side knows too. */
export function encode(value: Wire): string {
  return encodeJson(value);
}

/** Inverse of {@link encode}; throws a SyntaxError on text that is not JSON. */
export function decode(text: string): Wire {
  return decodeJson(text) as Wire;
}
