/** Types of `first_signals.mjs`. */
export const endingSignals: readonly ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];
export function keepSignals(): void;
export function keptSignals(): NodeJS.Signals[];
