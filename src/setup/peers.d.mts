/** Types of `peers.mjs`, for the TypeScript sources. */

export const peersLock: string;
export const peersPython: string;

/** Makes the environment of the bench's rows against PyTorch if it is not whole; throws one sentence and the command that mends it. */
export function setUpPeers(): Promise<void>;
