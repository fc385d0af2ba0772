/** Types of `first_signals.mjs`. */
export function keepSignals(): void;
export function keptSignals(): NodeJS.Signals[];
