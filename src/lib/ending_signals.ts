import { constants } from 'node:os';
import { printError } from '../output.ts';
import { endingSignals, keptSignals } from './first_signals.mjs';

/** Exit code of work that was paused and can go on: EX_TEMPFAIL of sysexits.h, which schedulers take for "queue me again". */
export const pausedCode = 75;

/** Milliseconds in which a second SIGINT is the same Ctrl-C: the terminal sends it to every process, and npm passes its own on. */
const sameKey = 300;

/** Exit code of a process that a signal has ended. */
export function codeOfSignal(name: NodeJS.Signals): number {
  return 128 + constants.signals[name];
}

/**
 * Calls `receive` for SIGINT, SIGTERM, SIGUSR1 and SIGUSR2, also for those that came while the command was loaded; `again` says that it is not
 * the first. Returns what ends that.
 */
export function heedSignals(receive: (name: NodeJS.Signals, again: boolean) => void): () => void {
  let count = 0;
  let interrupted = Number.NEGATIVE_INFINITY;
  const heed = (name: NodeJS.Signals): void => {
    const now = performance.now();
    const isSame = name === 'SIGINT' && now - interrupted < sameKey;
    if (name === 'SIGINT') interrupted = now;
    if (!isSame) receive(name, count++ > 0);
  };
  const listeners = endingSignals.map((name) => [name, () => heed(name)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  for (const name of keptSignals()) heed(name);
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}

/** Turns Ctrl-C, the signals of schedulers and a limit on time into one abort signal. A second Ctrl-C ends the process at once. */
export class PauseSignals {
  /** Ends the listening. */
  readonly dispose: () => void;
  readonly #controller = new AbortController();

  /** @param limit milliseconds after which the work is paused. */
  constructor(limit: number | undefined) {
    const ignore = heedSignals((name) => this.#pause(name));
    const timer =
      limit === undefined ? undefined : setTimeout(() => this.#controller.abort('--max-time'), limit).unref();
    this.dispose = () => {
      ignore();
      clearTimeout(timer);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #pause(name: NodeJS.Signals): void {
    if (name === 'SIGINT' && this.signal.aborted) process.exit(codeOfSignal(name));
    printError(`${name}: finishing the step and saving${name === 'SIGINT' ? ' (again to quit at once)' : ''}\n`);
    this.#controller.abort(name);
  }
}
