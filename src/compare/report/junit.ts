import junit, { type Builder } from 'junit-report-builder';
import { plain } from '../../page/plain.ts';
import { commandOf, formatDifference, formatLimit, formatWorst } from './figures.ts';
import type { Comparison } from './model.ts';
import { suitesOf } from './verdict.ts';

/**
 * The comparison as JUnit XML: a test suite per suite, a test per row. A row that differs is a failure. A case that this original cannot
 * run is skipped, with its reason in `system-out`. A case that broke off is an error.
 */
export function toJunit(comparison: Comparison): string {
  // The package's types declare a default export, but it exports the builder itself.
  const builder = (junit as unknown as Builder).newBuilder().name(plain(comparison.title));
  for (const { suite, rows, notRunnable, notApplicable, broken, seconds } of suitesOf(comparison.findings)) {
    const tests = builder.testSuite().name(plain(suite)).time(seconds).timestamp(comparison.begun);
    tests.property('witness', plain(comparison.witness.title));
    const test = (name: string) =>
      tests
        .testCase()
        .className(plain(`compare.${suite}`))
        .name(plain(name));
    for (const row of rows) {
      const result = test(`${row.case}: ${row.name}`);
      if (row.passed) continue;
      result
        .failure(`${formatDifference(row)}, limit ${formatLimit(row)}: ${formatWorst(row)}`, 'difference')
        .stacktrace(long(`${formatWorst(row)} – repeat it with: ${commandOf(comparison, suite, row.case)}`));
    }
    for (const { case: name, because } of [...notRunnable, ...notApplicable])
      test(name).skipped().standardOutput(long(because));
    for (const { case: name, because } of broken) test(name).error(plain(because), 'broken off', long(because));
  }
  return `${builder.build()}\n`;
}

/** Text for a CDATA section. The builder escapes only the first end mark in it. */
function long(text: string): string {
  return plain(text, 2000).replaceAll(']]>', ']] >');
}
