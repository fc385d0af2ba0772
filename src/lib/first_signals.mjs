// Plain JavaScript without imports: the first that runs of a command.

const names = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];
const kept = [];
const keep = (name) => kept.push(name);

/**
 * Keeps the signals that come while the command is loaded, which takes a second. Without it a job that is told to save at once would be
 * killed, or, by SIGUSR1, open Node's debugger.
 */
export function keepSignals() {
  for (const name of names) process.on(name, keep);
}

/**
 * Ends that; returns the signals that have come. Who heeds signals listens before it calls this, else a signal does what it does by default.
 *
 * @returns {NodeJS.Signals[]}
 */
export function keptSignals() {
  for (const name of names) process.off(name, keep);
  return kept.splice(0);
}
