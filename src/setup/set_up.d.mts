/** Types of `set_up.mjs`, for the TypeScript sources. */

/** Brings the machine to the state that the project needs; throws one sentence and the command that mends it. */
export function setUp(options?: { wheelhouse?: string }): Promise<void>;

/** What set-up does, for its `--help`. */
export const about: string;

/** What follows its options there. */
export const notes: string;
