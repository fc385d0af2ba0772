import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { readAnyJson } from '../../lib/json/file.ts';
import { ownCommand } from '../../text.ts';
import type { ComparedRow, Findings } from '../comparison.ts';
import type { Observation, Series } from '../observations.ts';
import type { Comparison } from './model.ts';
import { type Fault, faultOf } from './schema.ts';
import { formatVerdict, verdictOf } from './verdict.ts';

/** Version of `report.schema.json`; fields are added, never renamed or removed, within one. */
const version = 2;

/** `report.json`: the comparison and its verdict. Infinities and NaN become null. */
export function toJson(comparison: Comparison): string {
  const { title, witness, shims, findings, ...rest } = comparison;
  const { rows, notRunnable, notApplicable, broken, observations, seconds: secondsBySuite } = findings;
  const verdict = { ...verdictOf(findings), line: formatVerdict(comparison) };
  const shown = observations.map(withTextCells);
  const found = { rows, notRunnable, notApplicable, broken, observations: shown, secondsBySuite };
  return `${JSON.stringify({ schema: version, title, verdict, witness, shims, ...found, ...rest }, null, 1)}\n`;
}

/**
 * Reads a `report.json` back. Throws an InputError that names the first field which does not follow the schema, the first row that
 * claims to have passed with a difference beyond its limit or without a value, or a verdict that is not that of the rows.
 */
export function readReport(file: string): Comparison {
  const parsed = readAnyJson(file, { ...limits, what: 'the report', next: again });
  const schema = readSchema();
  const fault = faultOf(parsed, schema);
  if (fault) throw new InputError('this is no report of a comparison', { file, ...fault, next: again });
  const { schema: _, verdict, rows, observations, secondsBySuite, ...others } = parsed as ReportFile;
  const { notRunnable, notApplicable = [], broken, ...rest } = others;
  const findings: Findings = {
    rows: rows.map((row) => ({ ...row, difference: row.difference ?? Number.POSITIVE_INFINITY })),
    notRunnable,
    notApplicable,
    broken,
    observations: observations.map((one) => ({ ...withNumbers(one), suite: one.suite })),
    seconds: secondsBySuite,
  };
  for (const [i, { passed, values, difference, limit }] of findings.rows.entries()) {
    if (!passed || (values > 0 && difference <= limit)) continue;
    throw new InputError('a row says that it passed and did not', {
      file,
      where: `rows[${i}]`,
      got: `${values} values, difference ${difference}`,
      expected: `at least one value, difference at most ${limit}`,
      next: again,
    });
  }
  const { status } = verdictOf(findings);
  if (verdict.status !== status) {
    throw new InputError('the verdict is not that of the rows', {
      file,
      where: 'verdict.status',
      got: verdict.status,
      expected: status,
      next: again,
    });
  }
  return { ...rest, findings };
}

/** Room for the curves and pictures of all suites. */
const limits = { maxBytes: 2 ** 28, maxValues: 2e7 };

function readSchema(): ReportSchema {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'report.schema.json'), 'utf8')) as ReportSchema;
}

interface ReportSchema {
  readonly properties: Readonly<Record<string, object>>;
  readonly $defs: object;
}

/** The first field of findings that does not follow the schema of the report, if any; NaN and infinities are numbers here. */
export function findingsFault(value: unknown): Fault | undefined {
  const { properties, $defs } = readSchema();
  const { rows, notRunnable, notApplicable, broken, observations, secondsBySuite: seconds } = properties;
  const parts = { rows, notRunnable, notApplicable, broken, observations, seconds };
  const schema = { $defs, type: 'object', required: Object.keys(parts), properties: parts };
  const list = (value as Partial<Findings> | null)?.observations;
  const asReport = Array.isArray(list) ? { ...(value as Findings), observations: list.map(withTextCells) } : value;
  return faultOf(JSON.parse(JSON.stringify(asReport)), schema);
}

const again = `Make it again: ${ownCommand('compare')}`;

type ReportFile = Omit<Comparison, 'findings'> &
  Omit<Findings, 'seconds' | 'rows' | 'notApplicable'> & {
    /** Reports made before there was this outcome lack it. */
    readonly notApplicable?: Findings['notApplicable'];
    readonly schema: number;
    readonly verdict: { readonly status: string };
    readonly rows: readonly (Omit<ComparedRow, 'difference'> & { readonly difference: number | null })[];
    readonly secondsBySuite: Findings['seconds'];
  };

/** JSON has no NaN and no infinity: in a table they are text. */
function withTextCells<T extends Observation>(observation: T): T {
  // Of a file that nobody has checked yet, it may be anything.
  if (observation?.kind !== 'table' || !Array.isArray(observation.rows)) return observation;
  const text = (value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  const rows = observation.rows.map((row) => (Array.isArray(row) ? row.map(text) : row));
  return { ...observation, rows };
}

/** Puts NaN (for a difference: infinity) where JSON has null. */
function withNumbers(observation: Observation): Observation {
  const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);
  const curve = (one: Series): Series => ({ ...one, x: numbers(one.x), y: numbers(one.y) });
  switch (observation.kind) {
    case 'curves':
    case 'roc':
      return { ...observation, series: observation.series.map(curve) };
    case 'layers': {
      const layers = observation.layers.map((layer) => ({
        ...layer,
        difference: (layer.difference as number | null) ?? Number.POSITIVE_INFINITY,
      }));
      return { ...observation, layers };
    }
    case 'strip': {
      const leads = observation.leads.map((lead) => ({ ...lead, samples: numbers(lead.samples) }));
      return { ...observation, leads };
    }
    default:
      return observation;
  }
}
