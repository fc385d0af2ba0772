import { object } from 'valibot';
import { InputError } from '../../errors.ts';
import { type Described, faultOf, readJson } from '../../lib/json/file.ts';
import type { JsonFault } from '../../lib/json/text.ts';
import { ownCommand } from '../../text.ts';
import type { Findings } from '../comparison.ts';
import type { Observation } from '../observations.ts';
import type { Comparison } from './model.ts';
import { reportSchema } from './schema.ts';
import { formatVerdict, verdictOf } from './verdict.ts';

/** `report.json`: the comparison and its verdict. Infinities and NaN become null. */
export function toJson(comparison: Comparison): string {
  const { title, witness, shims, findings, ...rest } = comparison;
  const { rows, notRunnable, notApplicable, broken, observations, seconds: secondsBySuite } = findings;
  const verdict = { ...verdictOf(findings), line: formatVerdict(comparison) };
  const shown = observations.map(withTextCells);
  const found = { rows, notRunnable, notApplicable, broken, observations: shown, secondsBySuite };
  return `${JSON.stringify({ schema: reportSchema.entries.schema.literal, title, verdict, witness, shims, ...found, ...rest }, null, 1)}\n`;
}

/**
 * Reads a `report.json` back. Throws an InputError that names the first field that does not match the schema, the first row that claims to
 * have passed with a difference beyond its limit or without a value, or a verdict that does not follow from the rows.
 */
export function readReport(file: string): Comparison {
  const report: ReportFile = readJson(file, reportSchema, { ...limits, what: 'the report', next: again });
  const { schema: _, verdict, rows, observations, secondsBySuite, ...others } = report;
  const { notRunnable, notApplicable = [], broken, ...rest } = others;
  const findings = {
    rows: rows.map((row) => ({ ...row, difference: row.difference ?? Number.POSITIVE_INFINITY })),
    notRunnable,
    notApplicable,
    broken,
    observations: observations.map(withNumbers),
    seconds: secondsBySuite,
    // The file may name suites of another version.
  } as Findings;
  for (const [i, { passed, values, difference, limit }] of findings.rows.entries()) {
    if (!passed || (values > 0 && difference <= limit)) continue;
    throw new InputError('a row claims to have passed, but it did not', {
      file,
      where: `rows[${i}]`,
      got: `${values} values, difference ${difference}`,
      expected: `at least one value, difference at most ${limit}`,
      next: again,
    });
  }
  const { status } = verdictOf(findings);
  if (verdict.status !== status) {
    throw new InputError('the verdict does not follow from the rows', {
      file,
      where: 'verdict.status',
      got: verdict.status,
      expected: status,
      next: again,
    });
  }
  return { ...rest, findings } as Comparison;
}

/** Room for the curves and pictures of all suites. */
const limits = { maxBytes: 2 ** 28, maxValues: 2e7 };

const { rows, notRunnable, notApplicable, broken, observations, secondsBySuite: seconds } = reportSchema.entries;
const findingsSchema = object({
  rows,
  notRunnable,
  notApplicable: notApplicable.wrapped,
  broken,
  observations,
  seconds,
});

/** The first field of findings that does not match the schema of the report, if there is one. NaN and infinities count as numbers here. */
export function findingsFault(value: unknown): JsonFault | undefined {
  const list = (value as Partial<Findings> | null)?.observations;
  const asReport = Array.isArray(list) ? { ...(value as Findings), observations: list.map(withTextCells) } : value;
  return faultOf(JSON.parse(JSON.stringify(asReport)), findingsSchema, 'the result of the comparison');
}

const again = `Make it again: ${ownCommand('compare')}`;

type ReportFile = Described<typeof reportSchema>;

/** JSON has no NaN and no infinity: in a table they are text. */
function withTextCells<T extends Observation>(observation: T): T {
  // In a file that has not been checked yet, it can be anything.
  if (observation?.kind !== 'table' || !Array.isArray(observation.rows)) return observation;
  const text = (value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  const rows = observation.rows.map((row) => (Array.isArray(row) ? row.map(text) : row));
  return { ...observation, rows };
}

/** Puts NaN (for a difference: infinity) where JSON has null. */
function withNumbers(observation: ReportFile['observations'][number]) {
  const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);
  switch (observation.kind) {
    case 'curves':
    case 'roc':
      return {
        ...observation,
        series: observation.series.map((one) => ({ ...one, x: numbers(one.x), y: numbers(one.y) })),
      };
    case 'estimates':
      return {
        ...observation,
        series: observation.series.map((one) => ({
          ...one,
          y: numbers(one.y),
          low: numbers(one.low),
          high: numbers(one.high),
        })),
      };
    case 'layers':
      return {
        ...observation,
        layers: observation.layers.map(({ name, difference }) => ({
          name,
          difference: difference ?? Number.POSITIVE_INFINITY,
        })),
      };
    case 'strip':
      return {
        ...observation,
        leads: observation.leads.map((lead) => ({ ...lead, samples: numbers(lead.samples) })),
      };
    default:
      return observation;
  }
}
