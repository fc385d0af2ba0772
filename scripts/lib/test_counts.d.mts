/** Types of `test_counts.mjs`, for its tests. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countVitest(text: string | undefined, exitCode: number | string): Counts;
export function countPytest(text: string | undefined, exitCode: number | string): Counts;
export function addCounts(list: readonly Counts[]): Counts;
export function closingLine(counts: Counts): string;
export function isSuccess(counts: Counts): boolean;
