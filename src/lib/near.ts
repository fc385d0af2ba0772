import { closest, distance } from 'fastest-levenshtein';

/** `Did you mean train?`, if one of the words is a near miss or begins like this one; else undefined. */
export function near(word: string, words: readonly string[]): string | undefined {
  if (word === '' || words.length === 0) return undefined;
  const best = words.find((one) => one.startsWith(word)) ?? closest(word, [...words]);
  const isNear = best.startsWith(word) || distance(word, best) <= Math.max(1, Math.floor(best.length / 3));
  return isNear ? `Did you mean ${best}?` : undefined;
}
