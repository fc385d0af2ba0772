import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ownCommand } from '../text.ts';
import { BridgeLostError, BridgeStartError, PythonError } from './errors.ts';
import { makeExchange, removeExchange } from './exchange.ts';
import { gpuParityEnvironment, oneDevice } from './gpu.ts';
import { type Channel, type Pythonia, startPython } from './pythonia.ts';
import { decode, encode, type Wire } from './wire.ts';

/** How the Python side is started. */
export interface BridgeOptions {
  /** Python interpreter of the locked environment. */
  readonly python: string;
  /** Folder that holds the packages `transplant`, `pretraining` and `finetuning`. */
  readonly original: string;
  /** Which Keras `tf.keras` is: Keras 3, or the old one (tf_keras). Default `3`. */
  readonly keras?: '3' | 'legacy';
  /** Whether the Python process runs in GPU parity mode (`gpu.ts`). */
  readonly gpu?: boolean;
  /** Extra environment variables of the Python process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds that Python may take to start. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** Milliseconds that a call may take if it sets no limit of its own. Default 600,000. */
  readonly callTimeoutMs?: number;
  /** Bytes that Python may print before it is stopped. Default 64 MiB. */
  readonly maxLogBytes?: number;
}

interface ProbeProxy {
  request$(name: string, args: string, options: { $timeout: number }): Promise<string>;
}

const logName = 'python.log';
const probePath = join(import.meta.dirname, 'probe.py');
let current: PythonSession | undefined;

/**
 * One Python process behind pythonia. Each call is one JSON text; arrays travel as `.npy` files in {@link exchange}. What Python prints
 * goes to a log in that folder. The process ends on {@link close}, together with this process, or when it exceeds its limits. There is at
 * most one at a time.
 */
export class PythonSession {
  /** Folder for arrays, in shared memory where there is one; removed by {@link close}. */
  readonly exchange: string;
  readonly #options: BridgeOptions;
  readonly #pythonia: Pythonia;
  readonly #child: ChildProcess;
  readonly #channel: Channel;
  #probe: ProbeProxy | undefined;
  #lost: BridgeLostError | undefined;
  #closed = false;
  readonly #waiting = new Set<(error: BridgeLostError) => void>();
  readonly #watch: NodeJS.Timeout;
  readonly #onExit = (): void => this.#release();

  private constructor(
    options: BridgeOptions,
    { pythonia, child, channel }: ReturnType<typeof startPython>,
    exchange: string,
  ) {
    this.#options = options;
    this.#pythonia = pythonia;
    this.#child = child;
    this.#channel = channel;
    this.exchange = exchange;
    child.once('exit', (code, signal) => this.#lose(`Python ended (${signal ?? `exit code ${code}`})`));
    child.on('error', (error) => {
      this.#lose(`Python ${child.pid === undefined ? 'cannot be started' : 'failed'}: ${error.message}`);
    });
    // A process that ends closes its channel first. Wait for its exit code, which says more.
    channel.once('closed', () => setTimeout(() => this.#lose('Python closed its channel'), 1000).unref());
    channel.once('fault', ({ message }) => this.#lose(`Python sent a line that is not a message (${message})`));
    const limit = options.maxLogBytes ?? 64 * 2 ** 20;
    this.#watch = setInterval(() => {
      const size = this.#logSize();
      if (size > limit) this.#lose(`Python printed ${size} bytes, more than the ${limit} it may`);
    }, 500);
    this.#watch.unref();
    process.once('exit', this.#onExit);
  }

  /** Starts Python and loads the probe; throws {@link BridgeStartError} if that does not succeed in time. */
  static async open(options: BridgeOptions): Promise<PythonSession> {
    if (current) throw new BridgeStartError('A Python session is already open; close it first.');
    if (options.python.includes('/') && !existsSync(options.python)) {
      throw new BridgeStartError(`${options.python} does not exist. Run: ${ownCommand('setup')}`);
    }
    const exchange = makeExchange();
    const log = join(exchange, logName);
    const started = startPython(options.python, {
      folder: exchange,
      log,
      env: {
        TF_CPP_MIN_LOG_LEVEL: '2',
        ...oneDevice(),
        TF_USE_LEGACY_KERAS: options.keras === 'legacy' ? '1' : '0',
        ...(options.gpu ? gpuParityEnvironment : {}),
        ...options.env,
        ECG_BRIDGE_LOG: log,
      },
    });
    const session = new PythonSession(options, started, exchange);
    current = session;
    try {
      const limit = options.startTimeoutMs ?? 30_000;
      const { python } = started.pythonia;
      python.setFastMode(true);
      session.#probe = await session.#race(python<ProbeProxy>(probePath), limit, 'start of Python');
      await session.call('open', { original: resolve(options.original), exchange }, limit);
      return session;
    } catch (error) {
      await session.close();
      if (error instanceof PythonError) throw new BridgeStartError(error.message, { cause: error });
      if (!(error instanceof BridgeLostError)) throw error;
      const message = `${options.python}: ${error.message}\nSee what is wrong with it: ${ownCommand('doctor')}`;
      throw new BridgeStartError(message, { cause: error });
    }
  }

  /**
   * Calls a function of the probe. Throws a {@link PythonError} for an exception in Python. Throws a {@link BridgeLostError}, and closes
   * the session, if Python dies or does not answer within `timeoutMs`.
   */
  async call<T extends Wire>(
    name: string,
    args: { readonly [key: string]: Wire } = {},
    timeoutMs?: number,
  ): Promise<T> {
    if (this.#lost) throw this.#lost;
    if (this.#closed || !this.#probe) throw new BridgeLostError(`${name}: the Python session is closed`);
    const limit = timeoutMs ?? this.#options.callTimeoutMs ?? 600_000;
    // Pythonia's own time limit is off, because it cannot tell a death from a hang.
    const answer = this.#probe.request$(name, encode(args), { $timeout: Number.POSITIVE_INFINITY });
    const text = await this.#race(answer, limit, name);
    const reply = decode(text) as { ok?: T; error?: { type: string; detail: string; traceback: string } };
    if (reply.error) {
      // Keras colours its messages for a terminal.
      const { type, detail, traceback } = reply.error;
      const plain = stripVTControlCharacters;
      throw new PythonError(name, plain(type), plain(detail), plain(traceback));
    }
    return reply.ok as T;
  }

  /** The last `bytes` bytes that Python printed, without terminal escape codes. */
  logTail(bytes = 4000): string {
    const path = join(this.exchange, logName);
    if (!existsSync(path)) return '';
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, bytes));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return stripVTControlCharacters(buffer.toString('utf8'));
    } finally {
      closeSync(file);
    }
  }

  /** Ends Python and removes the exchange folder; calls that wait for an answer throw a BridgeLostError. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const ended =
      this.#child.exitCode !== null || this.#child.signalCode !== null
        ? Promise.resolve()
        : new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    for (const lose of this.#waiting) lose(new BridgeLostError('the Python session was closed'));
    this.#release();
    await ended;
  }

  #release(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    process.removeListener('exit', this.#onExit);
    this.#child.kill('SIGKILL');
    const { com, python } = this.#pythonia;
    if (com.proc) python.exit();
    this.#channel.close();
    // Callbacks that wait inside pythonia would keep this process alive for 100 s and then end it with an error that cannot be caught.
    for (const [request, answer] of Object.entries(com.handlers)) {
      if (Number.isNaN(Number(request))) continue;
      delete com.handlers[request];
      answer({ key: 'int', val: 0 });
    }
    removeExchange(this.exchange);
    if (current === this) current = undefined;
  }

  #lose(reason: string): void {
    if (this.#closed || this.#lost) return;
    const tail = this.logTail().trim();
    this.#lost = new BridgeLostError(tail ? `${reason}. It printed last:\n${tail}` : reason);
    for (const lose of this.#waiting) lose(this.#lost);
    this.#release();
  }

  #race<T>(answer: Promise<T>, limit: number, what: string): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const clock = setTimeout(() => this.#lose(`${what}: Python gave no answer within ${limit / 1000} s`), limit);
      const finish = (act: () => void): void => {
        // A pending timer would keep the process alive.
        clearTimeout(clock);
        this.#waiting.delete(lose);
        act();
      };
      const lose = (error: BridgeLostError): void => finish(() => reject(error));
      this.#waiting.add(lose);
      answer.then(
        (value) => finish(() => resolve(value)),
        (error: unknown) => finish(() => reject(error)),
      );
      if (this.#lost) finish(() => reject(this.#lost));
    });
  }

  #logSize(): number {
    try {
      const file = openSync(join(this.exchange, logName), 'r');
      const { size } = fstatSync(file);
      closeSync(file);
      return size;
    } catch {
      return 0;
    }
  }
}
