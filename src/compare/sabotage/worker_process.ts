import { join } from 'node:path';
import { WorkerProcess } from '../workers/process.ts';
import type { CaseName, CaseResult, ListedCase, Reply, Request, WorkerSettings } from './messages.ts';

const startTimeout = 180_000;
/** Resident memory at which a worker is ended, so that a mutant cannot exhaust the machine. */
const memoryLimit = 10 * 2 ** 30;

/** A worker process (`worker.ts`) with its own Python; it answers one request at a time. */
export class SabotageWorker {
  readonly #process: WorkerProcess<Request, Reply>;

  private constructor(base: string, env: NodeJS.ProcessEnv) {
    const module = join(base, 'src/compare/sabotage/worker.ts');
    this.#process = new WorkerProcess({ module, cwd: base, env, memoryLimit });
  }

  /** Starts a worker on the sources in `base` and opens its Python; throws WorkerLost or an Error with the worker's reason. */
  static async start(base: string, settings: WorkerSettings, env: NodeJS.ProcessEnv = {}): Promise<SabotageWorker> {
    const worker = new SabotageWorker(base, env);
    try {
      await worker.#process.ask({ kind: 'open', ...settings }, startTimeout);
      return worker;
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  /** The cases of a tree. */
  async list(tree: string): Promise<readonly ListedCase[]> {
    const reply = await this.#process.ask({ kind: 'list', tree }, startTimeout);
    return reply.kind === 'listed' ? reply.cases : [];
  }

  /** Runs a case of a tree; throws WorkerLost if the process dies or takes longer than `timeoutMs`. */
  async run(tree: string, one: CaseName, timeoutMs: number, hits?: string): Promise<CaseResult> {
    const reply = await this.#process.ask({ kind: 'run', tree, one, hits }, timeoutMs);
    if (reply.kind !== 'ran') throw new Error(`the worker answered ${reply.kind} to a case`);
    return reply.result;
  }

  /** Ends the process, and Python with it. Safe to call twice. */
  close(): Promise<void> {
    return this.#process.close();
  }
}
