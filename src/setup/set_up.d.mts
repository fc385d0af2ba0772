/** Types of `set_up.mjs`, for the TypeScript sources. */

/** Brings the machine to the state that the project needs; throws one sentence and the command that mends it. */
export function setUp(options?: { wheelhouse?: string }): Promise<void>;

/** Text of `npm run setup -- --help`. */
export const help: string;
