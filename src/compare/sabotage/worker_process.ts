import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { typescriptArguments } from '../../lib/own_module.ts';
import type { CaseName, CaseResult, ListedCase, Reply, Request, WorkerSettings } from './messages.ts';

/** The process has ended: by itself, or because it took too long or too much memory. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
  readonly how: 'crash' | 'hang';

  constructor(how: 'crash' | 'hang', message: string) {
    super(message);
    this.how = how;
  }
}

const startTimeout = 180_000;
/** Resident memory at which a worker is ended, so that a mutant cannot exhaust the machine. */
const memoryLimit = 10 * 2 ** 30;

/** A worker process (`worker.ts`) with its own Python; it answers one request at a time. */
export class SabotageWorker {
  readonly #child: ChildProcess;
  readonly #watch: NodeJS.Timeout;
  #printed = '';
  #lost: WorkerLost | undefined;
  #waiting: { resolve(reply: Reply): void; reject(error: WorkerLost): void } | undefined;

  private constructor(base: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(join(base, 'src/compare/sabotage/worker.ts'), {
      cwd: base,
      env: { ...process.env, ...env },
      execArgv: typescriptArguments(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#printed = (this.#printed + chunk.toString('utf8')).slice(-1000);
      });
    }
    this.#child.on('message', (reply: Reply) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(reply);
    });
    this.#child.on('error', (error) => this.#lose('crash', `the process failed: ${error.message}`));
    this.#child.on('exit', (code, signal) => {
      const last = this.#printed.trim().split('\n').at(-1);
      this.#lose('crash', `the process ended with ${signal ?? `code ${code}`}${last ? `: ${last}` : ''}`);
    });
    this.#watch = setInterval(() => {
      if (residentBytes(this.#child.pid) > memoryLimit) this.#lose('hang', `took more than ${memoryLimit} bytes`);
    }, 1000);
  }

  /** Starts a worker on the sources in `base` and opens its Python; throws WorkerLost or an Error with the worker's reason. */
  static async start(base: string, settings: WorkerSettings, env: NodeJS.ProcessEnv = {}): Promise<SabotageWorker> {
    const worker = new SabotageWorker(base, env);
    try {
      await worker.#ask({ kind: 'open', ...settings }, startTimeout);
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  /** The cases of a tree. */
  async list(tree: string): Promise<readonly ListedCase[]> {
    const reply = await this.#ask({ kind: 'list', tree }, startTimeout);
    return reply.kind === 'listed' ? reply.cases : [];
  }

  /** Runs a case of a tree; throws WorkerLost if the process dies or takes longer than `timeoutMs`. */
  async run(tree: string, one: CaseName, timeoutMs: number, hits?: string): Promise<CaseResult> {
    const reply = await this.#ask({ kind: 'run', tree, one, hits }, timeoutMs);
    if (reply.kind !== 'ran') throw new Error(`the worker answered ${reply.kind} to a case`);
    return reply.result;
  }

  /** Ends the process, and Python with it. Safe to call twice. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #ask(request: Request, timeoutMs: number): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      const clock = setTimeout(
        () => this.#lose('hang', `no answer within ${Math.round(timeoutMs / 1000)} s`),
        timeoutMs,
      );
      this.#waiting = {
        resolve: (reply) => {
          clearTimeout(clock);
          if (reply.kind === 'error') reject(new Error(reply.message));
          else resolve(reply);
        },
        reject: (error) => {
          clearTimeout(clock);
          reject(error);
        },
      };
      this.#child.send(request, (error) => error && this.#lose('crash', error.message));
    });
  }

  #lose(how: 'crash' | 'hang', message: string): void {
    this.#lost ??= new WorkerLost(how, message);
    this.#child.kill('SIGKILL');
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#lost);
  }
}

function residentBytes(pid: number | undefined): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
