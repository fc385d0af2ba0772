/**
 * Python's `tuple`: an array type of its own, because pickles and literals distinguish tuples from lists. Create it with `Tuple.of(...)` or
 * `Tuple.from(...)`.
 */
export class Tuple<T = unknown> extends Array<T> {
  /** `map`, `slice` and the like return plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}
