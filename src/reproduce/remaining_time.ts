import type { Step } from './step.ts';

/**
 * How long a run will still take. Steps say what they cost on a machine of two cores; what the finished ones took says how fast this one
 * is.
 */
export class RemainingTime {
  #expected = 0;
  #taken = 0;

  /** A step took so many seconds. */
  finished({ seconds }: Pick<Step, 'seconds'>, taken: number): void {
    this.#expected += seconds;
    this.#taken += taken;
  }

  /** Seconds for the steps that are left. */
  of(left: readonly Pick<Step, 'seconds'>[]): number {
    const expected = left.reduce((sum, { seconds }) => sum + seconds, 0);
    // A few seconds say nothing about hours.
    const speed = this.#expected >= 10 ? this.#taken / this.#expected : 1;
    return expected * speed;
  }
}
