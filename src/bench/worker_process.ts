import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { oneDevice } from '../bridge/gpu.ts';
import { pythonExecutable, root } from '../lib/installation.mjs';
import { ownProgram } from '../lib/own_module.ts';
import { isolated, isolatedEnvironment } from '../lib/python/isolated.mjs';
import { peersPython } from '../setup/peers.mjs';

/** Which implementation a process runs. */
export type Language = 'port' | 'original' | 'pytorch';

/** A work, by its name in `port_works.ts`, `original_worker.py` or `torch_worker.py`, with its settings. */
export interface Work {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What a worker answers. */
export interface RoundResult {
  /** Result of the round: seconds, unless the work says otherwise. */
  readonly value: number;
  /** Peak resident memory of the process so far (`VmHWM`), null where the system does not tell. */
  readonly peakBytes: number | null;
}

/** How a worker is run. */
export interface WorkerOptions {
  /** Milliseconds that one answer may take; default 20 minutes. */
  readonly timeoutMs?: number;
  /** Program and arguments; default the worker of the language. */
  readonly command?: readonly [program: string, ...args: string[]];
}

/**
 * A process that runs one work. It reads JSON requests, one per line: first `{"work", "settings"}`, then any number of `{"round": true}`.
 * It answers each with one line: a {@link RoundResult} or `{"error"}`. It is idle in between, so that two processes can take turns.
 */
export class BenchWorker {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #timeoutMs: number;
  #stderr = '';
  #waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  #ended: string | undefined;

  private constructor(language: Language, work: Work, { timeoutMs = 1_200_000, command }: WorkerOptions) {
    const [program, ...args] = command ?? workerCommand(language);
    this.#name = `${language}, ${work.name}`;
    this.#timeoutMs = timeoutMs;
    this.#child = spawn(program, args, { cwd: root, env: { ...isolatedEnvironment(), ...oneDevice() } });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-4000);
    });
    // A worker that has ended is reported by its `close` event. Writing to it must not throw.
    this.#child.stdin?.on('error', () => {});
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        const waiting = this.#waiting;
        this.#waiting = undefined;
        waiting?.resolve(line);
      });
    }
    this.#child.on('error', (error) => this.#end(`could not be started: ${error.message}`));
    this.#child.on('close', (code, signal) => this.#end(`ended with ${signal ?? `code ${code}`}`));
  }

  /** Starts a process, which prepares the work and runs it once. Throws an Error with the worker's message if that fails. */
  static async start(language: Language, work: Work, options: WorkerOptions = {}): Promise<BenchWorker> {
    const worker = new BenchWorker(language, work, options);
    try {
      await worker.#ask({ work: work.name, settings: work.settings });
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  /** Runs one round. */
  round(): Promise<RoundResult> {
    return this.#ask({ round: true });
  }

  /** Ends the process; safe to call twice. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stdin?.end();
    const clock = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(clock);
  }

  async #ask(request: object): Promise<RoundResult> {
    const line = await new Promise<string>((resolve, reject) => {
      const clock = setTimeout(() => {
        this.#child.kill('SIGKILL');
        this.#end(`gave no answer within ${this.#timeoutMs / 1000} s`);
      }, this.#timeoutMs);
      const settled = (act: () => void): void => {
        clearTimeout(clock);
        act();
      };
      this.#waiting = {
        resolve: (text) => settled(() => resolve(text)),
        reject: (error) => settled(() => reject(error)),
      };
      if (this.#ended !== undefined) this.#end(this.#ended);
      else this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
    const answer = parse(line);
    if (answer === undefined)
      throw new Error(`${this.#name}: the worker printed ${JSON.stringify(line)}, which is not an answer`);
    if (answer.error !== undefined) throw new Error(`${this.#name}: ${answer.error}`);
    if (typeof answer.value !== 'number' || !Number.isFinite(answer.value)) {
      throw new Error(`${this.#name}: the worker measured ${answer.value}, which is not a number`);
    }
    return { value: answer.value, peakBytes: answer.peakBytes ?? null };
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const tail = this.#stderr.trim();
    waiting?.reject(new Error(`${this.#name}: the worker ${this.#ended}${tail ? `. It printed last:\n${tail}` : ''}`));
  }
}

function parse(line: string): { value?: number; peakBytes?: number | null; error?: string } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function workerCommand(language: Language): [string, ...string[]] {
  const folder = import.meta.dirname;
  switch (language) {
    case 'port':
      return [process.execPath, ...ownProgram(new URL('./port_worker.ts', import.meta.url))];
    case 'original':
      return [pythonExecutable(), ...isolated(`${folder}/original_worker.py`, folder, `${root}/original`)];
    case 'pytorch':
      return [peersPython, ...isolated(`${folder}/torch_worker.py`, folder)];
  }
}
