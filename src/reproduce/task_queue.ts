import type { Task } from './tasks.ts';

/** The open tasks of a run, for several processes that take them one by one. */
export class TaskQueue {
  /** Tasks that nobody has taken, in the order of the run. */
  readonly #waiting: Task[];
  /** Tasks that are not done: waiting, running or failed. */
  readonly #open: Set<Task>;
  readonly #running = new Set<Task>();
  #failure: Error | undefined;
  #wake: (() => void)[] = [];

  /** @param tasks each after those that it needs. A need that is not among them counts as done. */
  constructor(tasks: readonly Task[]) {
    this.#waiting = [...tasks];
    this.#open = new Set(tasks);
  }

  /** The next task that can begin; a shareable one only if there is no other, because further processes can take those. */
  take(): Task | undefined {
    return this.#begin(this.#waiting.find((task) => !isShareable(task) && this.#isReady(task))) ?? this.takeShared();
  }

  /** The longest shareable task that can begin, so that no process is left alone with it at the end; trainings first, because others need them. */
  takeShared(): Task | undefined {
    const ready = this.#waiting.filter((task) => isShareable(task) && this.#isReady(task));
    const isSuite = ({ kind }: Task): number => Number(kind === 'suites');
    return this.#begin(ready.sort((a, b) => isSuite(a) - isSuite(b) || b.seconds - a.seconds)[0]);
  }

  finished(task: Task): void {
    this.#open.delete(task);
    this.#ended(task);
  }

  /** The process that had taken the task is gone. */
  giveBack(task: Task): void {
    this.#waiting.push(task);
    this.#ended(task);
  }

  /** What needs the task cannot run any more; everything else can. The first error is kept. */
  failed(task: Task, error: Error): void {
    this.#failure ??= error;
    this.#ended(task);
  }

  get isDone(): boolean {
    return this.#open.size === 0;
  }

  /** Whether a shareable task is waiting, for one before it. */
  get hasShared(): boolean {
    return this.#waiting.some(isShareable);
  }

  /** The first error of a task, if nothing can begin any more because of it. */
  get failure(): Error | undefined {
    const isStuck = this.#running.size === 0 && !this.#waiting.some((task) => this.#isReady(task));
    return isStuck ? this.#failure : undefined;
  }

  /** Resolves when a running task has ended, or after `signal`. */
  async change(signal: AbortSignal): Promise<void> {
    if (this.#running.size === 0) throw new Error('no task is running that could make way for another one');
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  }

  #begin(task: Task | undefined): Task | undefined {
    if (task === undefined) return undefined;
    this.#waiting.splice(this.#waiting.indexOf(task), 1);
    this.#running.add(task);
    return task;
  }

  #ended(task: Task): void {
    this.#running.delete(task);
    for (const wake of this.#wake.splice(0)) wake();
  }

  #isReady({ needs }: Task): boolean {
    return needs.every((need) => !this.#open.has(need));
  }
}

/** Estimated seconds of a training that keeps all CPUs busy and may need more memory than a further process should take. */
const longTraining = 60;

/** Whether a further process of a run may take a task: suites, and short trainings of the original. */
export function isShareable({ kind, seconds }: Pick<Task, 'kind' | 'seconds'>): boolean {
  return kind === 'suites' || (kind.startsWith('original-') && seconds < longTraining);
}
