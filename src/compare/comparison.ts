import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BridgeLostError } from '../bridge/errors.ts';
import type { Reporter } from '../events.ts';
import type { Row } from './closeness.ts';
import { firstDraw } from './divergence/draw.ts';
import { withFirst } from './divergence/first.ts';
import type { Observation } from './observations.ts';
import { exemption, type Suite, type SuiteCase, type SuiteContext, type SuiteName } from './suite.ts';

/** A row with the case it comes from. */
export interface ComparedRow extends Row {
  readonly case: string;
}

/** A case that returned no rows. */
export interface Unfinished {
  readonly suite: SuiteName;
  readonly case: string;
  readonly because: string;
}

/** What a run of suites found. */
export interface Findings {
  readonly rows: readonly ComparedRow[];
  /** Cases that this original or this machine cannot run, with the reason. */
  readonly notRunnable: readonly Unfinished[];
  /** Cases that do not apply to this original, with the reason. They do not count. */
  readonly notApplicable: readonly Unfinished[];
  /** Cases that broke off: neither passed nor failed. */
  readonly broken: readonly Unfinished[];
  readonly observations: readonly (Observation & { readonly suite: SuiteName })[];
  /** Seconds by suite. */
  readonly seconds: { readonly [suite: string]: number };
}

/** The cases of a run, in order. */
export type Chosen = readonly { readonly suite: Suite; readonly case: SuiteCase }[];

/** When a run of cases stops early, and who is told how long they take. */
export interface Course {
  /** Stops the run after the current case. The remaining cases count as broken off. */
  readonly signal?: AbortSignal;
  /** Stop after the first case with a row that differs. The remaining cases are not part of the run. */
  readonly untilFirst?: boolean;
  /** Is told how long each case took. */
  readonly timed?: (one: { readonly suite: SuiteName; readonly case: string }, seconds: number) => void;
}

/** Runs cases one after the other. A case that throws is reported and the next one runs, unless Python has died. */
export async function runCases(
  chosen: Chosen,
  shared: Omit<SuiteContext, 'scratch' | 'say' | 'observe'>,
  report: Reporter,
  { signal, untilFirst = false, timed }: Course = {},
): Promise<Findings> {
  const rows: ComparedRow[] = [];
  const notRunnable: Unfinished[] = [];
  const notApplicable: Unfinished[] = [];
  const broken: Unfinished[] = [];
  const observations: (Observation & { suite: SuiteName })[] = [];
  const seconds: Record<string, number> = {};
  const task = 'Comparing';
  report({ kind: 'start', task, total: chosen.length, unit: 'cases' });
  let lost: string | undefined;
  for (const [done, { suite, case: one }] of chosen.entries()) {
    const place = { suite: suite.name, case: one.name };
    if (lost !== undefined || signal?.aborted) {
      broken.push({ ...place, because: lost ?? 'stopped before its turn' });
      continue;
    }
    report({ kind: 'progress', task, done, detail: `${suite.name}: ${one.name}` });
    const begun = performance.now();
    const scratch = mkdtempSync(join(tmpdir(), 'ecg-transplant-compare-'));
    const context = {
      ...shared,
      scratch,
      say: (text: string) => report({ kind: 'message', text }),
      observe: (observation: Observation) => void observations.push({ ...observation, suite: suite.name }),
    };
    try {
      const found = await withFirstDraw(suite, one, context, await one.run(context));
      if (found.length === 0) broken.push({ ...place, because: 'it did not compare anything' });
      rows.push(...found.map((row) => ({ ...row, case: one.name })));
    } catch (error) {
      const exempt = exemption(error);
      if (exempt) ({ notRunnable, notApplicable })[exempt.kind].push({ ...place, because: exempt.because });
      else broken.push({ ...place, because: error instanceof Error ? error.message : String(error) });
      if (error instanceof BridgeLostError) lost = error.message;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      const took = (performance.now() - begun) / 1000;
      seconds[suite.name] = (seconds[suite.name] ?? 0) + took;
      timed?.(place, took);
    }
    if (untilFirst && rows.some(({ passed }) => !passed)) break;
  }
  report({ kind: 'end', task });
  return { rows, notRunnable, notApplicable, broken, observations, seconds };
}

/** Adds to the failed rows of suites about random draws the first draw that differs, found by running the case again. */
async function withFirstDraw(
  { name }: Suite,
  one: SuiteCase,
  context: SuiteContext,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (name !== 'sampling' && name !== 'splits') return rows;
  return withFirst(context, rows, () => {
    const scratch = join(context.scratch, 'again');
    mkdirSync(scratch);
    return firstDraw(context.original, () => one.run({ ...context, scratch, observe: () => undefined }));
  });
}

/** All findings as one, in this order. */
export function joinFindings(all: readonly Findings[]): Findings {
  const seconds: Record<string, number> = {};
  for (const findings of all) {
    for (const [suite, value] of Object.entries(findings.seconds)) seconds[suite] = (seconds[suite] ?? 0) + value;
  }
  return {
    rows: all.flatMap(({ rows }) => rows),
    notRunnable: all.flatMap(({ notRunnable }) => notRunnable),
    notApplicable: all.flatMap(({ notApplicable }) => notApplicable),
    broken: all.flatMap(({ broken }) => broken),
    observations: all.flatMap(({ observations }) => observations),
    seconds,
  };
}

/** 0 only if every row passed and every applicable case ran; 1 if something differs; 2 if something could not run. */
export function exitCodeOf({ rows, notRunnable, broken }: Findings): 0 | 1 | 2 {
  if (rows.some((row) => !row.passed)) return 1;
  return rows.length > 0 && notRunnable.length === 0 && broken.length === 0 ? 0 : 2;
}
