import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, onTestFinished } from 'vitest';
import { Evidence, noteRead, removeEvidence, requireProof, takeEvidence, watchBothSides } from './evidence.ts';
import { declaredIn, twinOf } from './twins.ts';

// What ran before the tests of a file, for instance in `beforeAll`, and what the running test has run.
const shared = new Evidence();
let own = new Evidence();

const proved = new Set<string>();

watchBothSides();
beforeEach(() => {
  shared.add(takeEvidence());
  own = new Evidence();
});
// The first of all hooks, so the last to end.
afterEach(() => own.add(takeEvidence()));
afterAll(() => {
  removeEvidence();
  const { testNamePattern } = (globalThis as unknown as WorkerGlobals).__vitest_worker__.config;
  if (testNamePattern) return;
  const declared = declaredIn(readFileSync(expect.getState().testPath as string, 'utf8'));
  const missing = declared.filter((name) => !proved.has(name));
  if (missing.length > 0) throw new Error(`proves(…) names ${missing.join(', ')}; no test of the file proved that`);
  const hidden = [...proved].filter((name) => !declared.includes(name));
  if (hidden.length > 0) throw new Error(`${hidden.join(', ')}: write the name as a string literal in proves(…)`);
});

/** Vitest's own state of a file's process. */
interface WorkerGlobals {
  readonly __vitest_worker__: { readonly config: { readonly testNamePattern?: RegExp } };
}

/**
 * Declares that the running test holds a function, class, method or constant of the original against its twin. The test fails unless it (or
 * what prepared the tests of its file) really called both. Names stand in the test's file as string literals: PARITY.md is made from them.
 */
export function proves(...names: readonly string[]): void {
  onTestFinished(async () => {
    const evidence = new Evidence();
    evidence.add(shared);
    evidence.add(own);
    await requireProof(names, evidence);
    for (const name of names) proved.add(name);
  });
}

/** Runs a case of a suite, and throws an Error unless it really called both sides of what it declares. */
export async function proving<Result>(names: readonly string[], run: () => Promise<Result>): Promise<Result> {
  own.add(takeEvidence());
  const result = await run();
  const evidence = takeEvidence();
  own.add(evidence);
  await requireProof(names, evidence);
  return result;
}

/** The twin of a constant of the original, as a read that {@link proves} sees. */
export async function constantOf(name: string): Promise<unknown> {
  noteRead(name);
  return (await twinOf(name)).value;
}
