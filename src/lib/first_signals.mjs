// Plain JavaScript without imports: the first that runs of a command.

/** Signals by which a user, a scheduler or npm ends a command or asks it to save. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

const kept = [];
const keep = (name) => kept.push(name);

/**
 * Keeps the signals that come while the command is loaded, which takes a second. Without it a job that is told to save would be killed, or,
 * by SIGUSR1, open Node's debugger.
 */
export function keepSignals() {
  for (const name of endingSignals) process.on(name, keep);
  watchNpx();
}

/**
 * Ends that; returns the signals that have come. Who heeds signals listens before calling this, else a signal does what it does by default.
 *
 * @returns {NodeJS.Signals[]}
 */
export function keptSignals() {
  if (process.listeners('SIGUSR1').includes(keep) && closeDebugger()) keep('SIGUSR1');
  for (const name of endingSignals) process.off(name, keep);
  return kept.splice(0);
}

/** Whether SIGUSR1 came before the first line of a program could run: Node has opened its debugger then, which nobody asked for. */
function closeDebugger() {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  const inspector = process.getBuiltinModule?.('node:inspector');
  if (/--(inspect|require|import)|-r /.test(options) || !inspector?.url()) return false;
  inspector.close();
  return true;
}

/** `npx` runs a command in a shell. SIGTERM to npx ends the two and not the command, which then gives the signal to itself. */
function watchNpx() {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = process.env;
  if (event !== 'npx' || !/^'?(\S*\/)?(ecg-transplant|zx)'?(\s|$)/.test(script)) return;
  const parent = process.ppid;
  const clock = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(clock);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  clock.unref();
}
