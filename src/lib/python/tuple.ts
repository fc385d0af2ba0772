/** Python's `tuple`: an array that a pickle or a literal tells apart from a list. Build with `Tuple.of(...)` or `Tuple.from(...)`. */
export class Tuple<T = unknown> extends Array<T> {
  /** Results of `map`, `slice` and the like are plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}
