import type { Step, StepMarks } from './step.ts';

/**
 * Estimates how long a run will still take. Each step states its cost on a machine with two cores; the time of the finished steps shows how
 * fast this machine is.
 */
export class RemainingTime {
  #expected = 0;
  #taken = 0;

  /** Records those of these steps that are done. */
  learn(steps: readonly Step[], marks: StepMarks): void {
    for (const step of steps) {
      if (marks.state(step) === 'done') this.finished(step, marks.seconds(step) ?? step.seconds);
    }
  }

  /** Records how many seconds a step took. */
  finished({ seconds }: Pick<Step, 'seconds'>, taken: number): void {
    this.#expected += seconds;
    this.#taken += taken;
  }

  /** Seconds for the steps that are left. */
  of(left: readonly Pick<Step, 'seconds'>[]): number {
    const expected = left.reduce((sum, { seconds }) => sum + seconds, 0);
    // A few seconds are not enough to estimate hours.
    const speed = this.#expected >= 10 ? this.#taken / this.#expected : 1;
    return expected * speed;
  }
}
