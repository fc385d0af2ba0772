import { expect } from 'vitest';

/**
 * Accepts typed arrays with equal bytes at once: weights have millions of elements, and `toEqual` looks at each through an iterator. Everything else
 * is left to it, with its rules and messages.
 */
function equalBytes(a: unknown, b: unknown): boolean | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
  const [left, right] = [a, b].map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  return left.equals(right) || undefined;
}

expect.addEqualityTesters([equalBytes]);
