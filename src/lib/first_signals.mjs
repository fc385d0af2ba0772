// Plain JavaScript without packages, because it runs before anything else of a command.
import { readFileSync } from 'node:fs';

/** Signals with which a user, a scheduler or npm stops a command or asks it to save. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

const kept = [];
const keep = (name) => kept.push(name);

/**
 * Records the signals that arrive while the command is loading, which takes a second. Without this, a job that is asked to save would be killed, or
 * would open Node's debugger (SIGUSR1).
 */
export function keepSignals() {
  for (const name of endingSignals) process.on(name, keep);
  watchNpm();
}

/**
 * Stops recording, and returns the recorded signals. Add your own signal handlers before you call this; afterwards, a signal without a handler has
 * its default effect.
 *
 * @returns {NodeJS.Signals[]}
 */
export function keptSignals() {
  if (process.listeners('SIGUSR1').includes(keep) && closeDebugger()) keep('SIGUSR1');
  for (const name of endingSignals) process.off(name, keep);
  return kept.splice(0);
}

/** Whether SIGUSR1 arrived before the first line of the program. Node has then opened its debugger, which this closes. */
function closeDebugger() {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  const inspector = process.getBuiltinModule?.('node:inspector');
  if (/--(inspect|require|import)|-r /.test(options) || !inspector?.url()) return false;
  inspector.close();
  return true;
}

/**
 * npm and npx pass on only some signals, and others end them but not the command. So the command watches them, and sends itself SIGTERM
 * when they have ended.
 */
function watchNpm() {
  const { npm_lifecycle_script: script = '' } = process.env;
  if (!/^(exec node\s|'?(\S*\/)?(ecg-transplant|zx)'?(\s|$))/.test(script)) return;
  const starters = startersOf();
  const clock = setInterval(() => {
    if (startersOf() === starters) return;
    clearInterval(clock);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  clock.unref();
}

/** The parent's process number; if the parent is the shell of npx, that of npx too. */
function startersOf() {
  try {
    const [, name, parent] = /\((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${process.ppid}/stat`, 'utf8'));
    if (/^(ba|da)?sh$/.test(name)) return `${process.ppid} ${parent}`;
  } catch {
    // No /proc, or the parent has just ended.
  }
  return `${process.ppid}`;
}
