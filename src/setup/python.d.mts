/** Types of `python.mjs`, for its tests. */
export const supportedPythons: readonly string[];
export function refusal(facts: { version: string; implementation: string; bits: number }): string | undefined;
