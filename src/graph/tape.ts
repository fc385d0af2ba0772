import type { Tensor } from './executor.ts';

/** Gradient of the loss with respect to one input of an operation, from the gradient with respect to its output. */
export type Backward = (outputGradient: Tensor) => Tensor;

interface Step {
  readonly output: Tensor;
  readonly inputs: readonly (readonly [Tensor, Backward])[];
}

/**
 * The differentiable operations of one forward pass in order, each with its hand-written gradients. Only operations that depend on a watched
 * tensor are kept, so no gradients are computed for data.
 */
export class Tape {
  readonly #steps: Step[] = [];
  readonly #tracked = new Set<Tensor>();

  /** Marks a tensor whose gradient may be asked for. */
  watch(tensor: Tensor): void {
    this.#tracked.add(tensor);
  }

  /** Records that `output` was computed from `inputs`; each input comes with the function that computes its gradient. */
  record(output: Tensor, inputs: readonly (readonly [Tensor, Backward])[]): void {
    const tracked = inputs.filter(([tensor]) => this.#tracked.has(tensor));
    if (tracked.length === 0) return;
    this.#tracked.add(output);
    this.#steps.push({ output, inputs: tracked });
  }

  /**
   * Gradients of `loss` with respect to `sources` (undefined where it does not depend on one). `seed` is the gradient of the loss
   * with respect to itself; `sum` adds the gradients of a tensor that was used more than once, in the order in which they are found.
   */
  gradients(
    loss: Tensor,
    seed: Tensor,
    sources: readonly Tensor[],
    sum: (parts: readonly Tensor[]) => Tensor,
  ): (Tensor | undefined)[] {
    const parts = new Map<Tensor, Tensor[]>([[loss, [seed]]]);
    const total = (tensor: Tensor): Tensor | undefined => {
      const found = parts.get(tensor);
      return found && (found.length === 1 ? found[0] : sum(found));
    };
    for (const { output, inputs } of this.#steps.toReversed()) {
      const outputGradient = total(output);
      if (outputGradient === undefined) continue;
      for (const [input, backward] of inputs) {
        const found = parts.get(input);
        const part = backward(outputGradient);
        if (found) found.push(part);
        else parts.set(input, [part]);
      }
    }
    return sources.map(total);
  }
}
