import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { typescriptArguments } from '../../lib/own_module.ts';

/** The process has ended: by itself, or because it took too long or too much memory. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
  readonly how: 'crash' | 'hang';

  constructor(how: 'crash' | 'hang', message: string) {
    super(message);
    this.how = how;
  }
}

/** How a worker process is started. */
export interface WorkerPlace {
  /** Path of its module, which calls `answerRequests`. */
  readonly module: string;
  readonly cwd: string;
  /** What is added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Resident bytes at which it is ended; default no limit. */
  readonly memoryLimit?: number;
  /** Receives what the process says with `tell` while it works. */
  readonly heard?: (event: unknown) => void;
}

/** What a worker sends besides its replies: why a request failed, and what it says meanwhile. */
export type WorkerMessage =
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'event'; readonly event: unknown };

/** A reply names its kind, by which it differs from a `WorkerMessage`. */
interface AnyReply {
  readonly kind: string;
}

/**
 * A worker in a process of its own, which answers one request at a time. Values travel as by `structuredClone`, so NaN, infinities and typed
 * arrays arrive as they are.
 */
export class WorkerProcess<Request extends object, Reply extends AnyReply> {
  readonly #child: ChildProcess;
  readonly #watch: NodeJS.Timeout | undefined;
  readonly #onExit = (): void => void this.#child.kill('SIGKILL');
  #printed = '';
  #lost: WorkerLost | undefined;
  #waiting: { resolve(reply: Reply | WorkerMessage): void; reject(error: WorkerLost): void } | undefined;

  constructor({ module, cwd, env = {}, memoryLimit, heard }: WorkerPlace) {
    this.#child = fork(module, {
      cwd,
      env: { ...process.env, ...env },
      execArgv: module.endsWith('.ts') ? typescriptArguments() : [],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // A worker that is busy would not notice that this process has ended.
    process.once('exit', this.#onExit);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#printed = (this.#printed + chunk.toString('utf8')).slice(-1000);
      });
    }
    this.#child.on('message', (message: Reply | WorkerMessage) => {
      if (isEvent(message)) return heard?.(message.event);
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(message);
    });
    this.#child.on('error', (error) => this.#lose('crash', `the process failed: ${error.message}`));
    this.#child.on('exit', (code, signal) => {
      const last = this.#printed.trim().split('\n').at(-1);
      this.#lose('crash', `the process ended with ${signal ?? `code ${code}`}${last ? `: ${last}` : ''}`);
    });
    if (memoryLimit === undefined) return;
    this.#watch = setInterval(() => {
      if (residentBytes(this.#child.pid) > memoryLimit) this.#lose('hang', `took more than ${memoryLimit} bytes`);
    }, 1000);
  }

  /** Asks the worker; throws WorkerLost if the process dies or does not answer within `timeoutMs`, or an Error with the worker's reason. */
  ask(request: Request, timeoutMs?: number): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      const late = (limit: number): void => this.#lose('hang', `no answer within ${Math.round(limit / 1000)} s`);
      const clock = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs, timeoutMs);
      this.#waiting = {
        resolve: (message) => {
          clearTimeout(clock);
          if (isFailure(message)) reject(new Error(message.message));
          else resolve(message as Reply);
        },
        reject: (error) => {
          clearTimeout(clock);
          reject(error);
        },
      };
      this.#child.send(request, (error) => error && this.#lose('crash', error.message));
    });
  }

  /** Ends the process, and Python with it: asks it to end, and kills it after so many milliseconds. Safe to call twice. */
  async close(patience = 0): Promise<void> {
    clearInterval(this.#watch);
    process.off('exit', this.#onExit);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    if (patience > 0 && this.#child.connected) this.#child.disconnect();
    const clock = setTimeout(() => this.#child.kill('SIGKILL'), patience);
    await ended;
    clearTimeout(clock);
  }

  #lose(how: 'crash' | 'hang', message: string): void {
    this.#lost ??= new WorkerLost(how, message);
    this.#child.kill('SIGKILL');
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#lost);
  }
}

function isEvent(message: AnyReply): message is Extract<WorkerMessage, { kind: 'event' }> {
  return message.kind === 'event';
}

function isFailure(message: AnyReply): message is Extract<WorkerMessage, { kind: 'error' }> {
  return message.kind === 'error';
}

function residentBytes(pid: number | undefined): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
