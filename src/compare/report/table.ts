import { markdownTable } from 'markdown-table';
import type { Row, Worst } from '../closeness.ts';

/** Rows of a verdict as an aligned Markdown table, which reads well on a terminal too. */
export function formatRows(rows: readonly Row[]): string {
  return markdownTable(
    [
      ['', 'suite', 'compared', 'values', 'worst difference', 'limit', 'used', 'where it is worst'],
      ...rows.map((row) => [
        row.passed ? 'ok' : 'FAIL',
        row.suite,
        row.name,
        row.values.toLocaleString('en'),
        row.kind === 'exact' ? (row.passed ? '0 bits' : `${row.difference} differ`) : row.difference.toExponential(1),
        row.kind === 'exact' ? '0 bits' : row.limit.toExponential(1),
        row.kind === 'exact' ? '' : `${((100 * row.difference) / row.limit).toFixed(0)} %`,
        row.note ?? (row.worst && row.difference > 0 ? describeWorst(row.worst) : ''),
      ]),
    ],
    { align: ['l', 'l', 'l', 'r', 'r', 'r', 'r', 'l'] },
  );
}

/** One line that counts the rows. */
export function formatVerdict(rows: readonly Row[]): string {
  const failed = rows.filter((row) => !row.passed);
  const values = rows.reduce((sum, row) => sum + row.values, 0).toLocaleString('en');
  if (rows.length === 0) return 'FAILED: nothing was compared';
  return failed.length === 0
    ? `PASSED: ${rows.length} rows, ${values} values compared`
    : `FAILED: ${failed.length} of ${rows.length} rows differ (${values} values compared)`;
}

function describeWorst({ array, index, port, original, ulps }: Worst): string {
  const distance = ulps === undefined ? '' : `, ${ulps} ulp`;
  return `${array}[${index.join(', ')}]: ${port} against ${original}${distance}`;
}
