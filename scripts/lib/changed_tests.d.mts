/** Types of `changed_tests.mjs`, for its tests. */

export function changedFiles(root: string, commit: string): string[];
export function filesOf(root: string): Map<string, string>;
export function reachedTests(
  files: ReadonlyMap<string, string>,
  changed: readonly string[],
): { readonly vitest: string[]; readonly pytest: boolean };
