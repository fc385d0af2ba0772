import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../lib/installation.mjs';
import { SetupFailure } from './failure.mjs';

/** Prints the stages of set-up with their times, and runs their programs with the output kept in a log file. */
export class Stages {
  #start = performance.now();
  #live = process.stdout.isTTY && !process.env.CI;
  #children = new Set();
  /** Whether `stop` was called. */
  stopped = false;

  /** @param {number | undefined} lockDescriptor handed to every child, see `acquireLock` */
  constructor(lockDescriptor) {
    this.lockDescriptor = lockDescriptor;
    this.log = join(stateFolder(), 'setup.log');
  }

  say(text) {
    this.#clear();
    console.log(text);
  }

  /** Runs one stage and prints what it did and how long it took; `work` resolves to the closing remark. */
  async run(title, reason, work) {
    const start = performance.now();
    mkdirSync(stateFolder(), { recursive: true });
    this.say(`${title}: ${reason}`);
    const remark = await work();
    this.say(`${title}: ${remark} (${seconds(start)})`);
  }

  /** Seconds since set-up began. */
  get total() {
    return seconds(this.#start);
  }

  /**
   * Runs a program; resolves if it ends with 0, else throws what `explain(output)` makes of its output, or a SetupFailure with the last lines.
   */
  async program(command, args, { cwd, env = process.env, explain = () => undefined } = {}) {
    appendFileSync(this.log, `\n$ ${command} ${args.join(' ')}\n`);
    const stdio = ['ignore', 'pipe', 'pipe'];
    if (this.lockDescriptor !== undefined) stdio.push(this.lockDescriptor);
    const child = spawn(command, args, { cwd, env, stdio });
    let output = '';
    const keep = (chunk) => {
      appendFileSync(this.log, chunk);
      output = (output + chunk).slice(-20_000);
      this.#show(chunk.toString('utf8'));
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#children.add(child);
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(status ?? signal));
    }).finally(() => this.#children.delete(child));
    this.#clear();
    if (code === 0) return;
    const tail = output.trim().split('\n').slice(-12).join('\n');
    throw (
      explain(output) ??
      new SetupFailure(`${command} ended with ${code}:\n${tail}\n`, `read ${this.log}, then run set-up again.`)
    );
  }

  /** Ends the programs that run. */
  stop() {
    this.stopped = true;
    for (const child of this.#children) child.kill();
  }

  #show(text) {
    if (!this.#live) return;
    const line = (text.trim().split('\n').at(-1) ?? '').replace(/\p{Cc}/gu, ' ');
    process.stdout.write(`\r\x1b[2K  ${line.slice(0, (process.stdout.columns ?? 80) - 4)}`);
  }

  #clear() {
    if (this.#live) process.stdout.write('\r\x1b[2K');
  }
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
