import { decodeJson, encodeJson } from '../lib/json/text.ts';

/** Values that cross as text. Arrays travel as `.npy` files in the exchange folder instead. */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };

/** JSON text of a value. Non-finite numbers are written as {@link encodeJson} does, which Python reads too. */
export function encode(value: Wire): string {
  return encodeJson(value);
}

/** Inverse of {@link encode}; throws a SyntaxError on text that is not JSON. */
export function decode(text: string): Wire {
  return decodeJson(text) as Wire;
}
