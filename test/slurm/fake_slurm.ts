import { type Limits, parseQueue, type QueuedJob, type Slurm, SlurmError } from '../../src/reproduce/slurm/client.ts';

/** A Slurm that notes what it is asked. Its answers are fields to set. */
export class FakeSlurm implements Slurm {
  /** Arrays that it takes. */
  room: number | undefined;
  /** MaxArraySize. */
  size = 1001;
  /** Why it does not accept options. */
  refusal: string | undefined;
  /** Whether `scontrol requeue` works. */
  requeues = true;
  #queue: QueuedJob[] = [];
  #calls: string[][] = [];
  #submitted = 0;

  /** Sets what `squeue` prints. */
  setQueue(text: string): void {
    this.#queue = parseQueue(text);
  }

  /** Calls since the last look, each with its words. */
  takeCalls(): string[][] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  async limits(): Promise<Limits> {
    return { arraySize: this.size };
  }

  async queue(prefix: string): Promise<QueuedJob[]> {
    return this.#queue.filter(({ name }) => name.startsWith(prefix));
  }

  async check(): Promise<void> {
    if (this.refusal !== undefined) throw new SlurmError('sbatch refused', { got: this.refusal });
  }

  async submit(options: readonly string[], script: string): Promise<number> {
    if (this.room !== undefined && this.#submitted >= this.room) {
      const got = 'AssocMaxSubmitJobLimit; Batch job submission failed: Job violates accounting/QOS policy';
      throw new SlurmError('sbatch refused', { got });
    }
    this.#calls.push(['sbatch', ...options, script]);
    return 101 + this.#submitted++;
  }

  async cancel(jobs: readonly string[]): Promise<void> {
    this.#calls.push(['scancel', ...jobs]);
  }

  async requeue(job: string): Promise<void> {
    this.#calls.push(['requeue', job]);
    if (!this.requeues) throw new SlurmError('there is no scontrol here', {});
  }
}
