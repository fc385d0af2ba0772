import { counted } from '../../text.ts';
import type { Row, Rung } from '../closeness.ts';
import { rungNames } from '../closeness.ts';
import { type ComparedRow, exitCodeOf, type Findings, type Unfinished } from '../comparison.ts';
import type { Observation } from '../observations.ts';
import { suiteNames } from '../suite.ts';
import type { Comparison } from './model.ts';

export type Status = 'PASSED' | 'FAILED' | 'COULD NOT RUN';

/** The verdict in figures. */
export interface Verdict {
  readonly status: Status;
  readonly rows: number;
  readonly failed: number;
  /** Single values compared. */
  readonly values: number;
  readonly notRunnable: number;
  /** Cases that do not apply to this original. */
  readonly notApplicable: number;
  readonly broken: number;
}

/** Summary of the rows of one suite or rung. */
export interface Summary {
  readonly rows: readonly ComparedRow[];
  readonly failed: readonly ComparedRow[];
  readonly values: number;
  /** The row that uses the largest share of its limit; absent where every row is exact. */
  readonly tightest?: ComparedRow;
}

/** What one suite found. */
export interface SuiteFindings extends Summary {
  readonly suite: string;
  readonly notRunnable: readonly Unfinished[];
  readonly notApplicable: readonly Unfinished[];
  readonly broken: readonly Unfinished[];
  readonly observations: readonly Observation[];
  readonly seconds: number;
}

/** The verdict of what was found: {@link exitCodeOf} in words. */
export function verdictOf(findings: Findings): Verdict {
  const { rows, notRunnable, notApplicable, broken } = findings;
  const { failed, values } = summaryOf(rows);
  return {
    status: (['PASSED', 'FAILED', 'COULD NOT RUN'] as const)[exitCodeOf(findings)],
    rows: rows.length,
    failed: failed.length,
    values,
    notRunnable: notRunnable.length,
    notApplicable: notApplicable.length,
    broken: broken.length,
  };
}

/** One line: the witness, the verdict, the counts. */
export function formatVerdict({ witness, findings }: Comparison): string {
  return `Against ${witness.title}: ${describeVerdict(verdictOf(findings))}`;
}

/** The verdict without the witness. */
export function describeVerdict(verdict: Verdict): string {
  const { status, rows, failed, values, notApplicable } = verdict;
  const left = describeUnfinished(verdict);
  const aside = notApplicable > 0 ? `; ${counted(notApplicable, 'case')} not applicable` : '';
  const compared = `${counted(values, 'value')} compared${aside}`;
  if (failed > 0) {
    return `${status}: ${counted(failed, 'row')} of ${rows.toLocaleString('en')} ${failed === 1 ? 'differs' : 'differ'}${left ? `; ${left}` : ''}; ${compared}`;
  }
  if (rows === 0) return `${status}: nothing was compared${left ? `; ${left}` : ''}${aside}`;
  if (left) return `${status}: ${left}; the other ${counted(rows, 'row')} passed; ${compared}`;
  return `${status}: ${counted(rows, 'row')}; ${compared}`;
}

function describeUnfinished({ notRunnable, broken }: Verdict): string {
  const parts = [
    notRunnable > 0 ? `${counted(notRunnable, 'case')} not runnable` : '',
    broken > 0 ? `${counted(broken, 'case')} broken off` : '',
  ];
  return parts.filter(Boolean).join(', ');
}

/** `3 of 4`; a dash where nothing was compared. */
export function passedOf({ rows, failed }: Pick<Summary, 'rows' | 'failed'>): string {
  if (rows.length === 0) return '–';
  return `${(rows.length - failed.length).toLocaleString('en')} of ${rows.length.toLocaleString('en')}`;
}

/** Row counts, failed rows first. */
function summaryOf(rows: readonly ComparedRow[]): Summary {
  let tightest: ComparedRow | undefined;
  for (const row of rows) {
    if (row.kind === 'close' && shareOf(row) > (tightest ? shareOf(tightest) : -1)) tightest = row;
  }
  return {
    rows,
    failed: rows.filter(({ passed }) => !passed),
    values: rows.reduce((sum, { values }) => sum + values, 0),
    ...(tightest ? { tightest } : {}),
  };
}

/** Share of its limit that a close row uses; above 1 it fails. Infinite if nothing could be compared, or if there was NaN. */
export function shareOf({ difference, limit }: Row): number {
  if (difference === 0) return 0;
  const share = difference / limit;
  return Number.isNaN(share) ? Number.POSITIVE_INFINITY : share;
}

/** The rungs with the findings on each, strongest first. A rung without rows has an empty summary. */
export function ladderOf({ rows }: Findings): readonly (Summary & { readonly rung: Rung })[] {
  return rungNames.map((rung) => ({ rung, ...summaryOf(rows.filter((row) => row.rung === rung)) }));
}

/** Findings by suite, in the order of the suites; only suites that the comparison touched. */
export function suitesOf(findings: Findings): readonly SuiteFindings[] {
  const { rows, notRunnable, notApplicable, broken, seconds } = findings;
  const observations = findings.observations.filter((one) => !isHeadline(one));
  const named = [...rows, ...notRunnable, ...notApplicable, ...broken, ...observations].map(({ suite }) => suite);
  const order = [...new Set<string>([...suiteNames, ...named])].filter((suite) => named.includes(suite));
  const of = <T extends { readonly suite: string }>(all: readonly T[], suite: string): T[] =>
    all.filter((one) => one.suite === suite);
  return order.map((suite) => ({
    suite,
    ...summaryOf(of(rows, suite)),
    notRunnable: of(notRunnable, suite),
    notApplicable: of(notApplicable, suite),
    broken: of(broken, suite),
    observations: of(observations, suite),
    seconds: seconds[suite] ?? 0,
  }));
}

/** Tables and pictures that stand at the beginning. */
export function headlinesOf({ observations }: Findings): readonly Headline[] {
  return observations.flatMap((one) => (isHeadline(one) ? [one] : []));
}

type Headline = Extract<Observation, { readonly kind: 'table' | 'estimates' }>;

export type ObservedTable = Extract<Observation, { readonly kind: 'table' }>;

function isHeadline(observation: Observation): observation is Headline {
  return 'headline' in observation && observation.headline === true;
}
