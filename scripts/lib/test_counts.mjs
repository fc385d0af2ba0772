/**
 * Counts of a test run. A runner that ends badly without naming a failed test counts as one failure, so that no crash looks like success.
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/** Counts of vitest's JSON report (`text` undefined: it wrote none). */
export function countVitest(text, exitCode) {
  const report = parse(text);
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  // A file that cannot be imported has no tests of its own to fail.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return withExitCode(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + brokenFiles,
      skipped: report.numPendingTests + report.numTodoTests,
    },
    exitCode,
  );
}

/** Counts of pytest's JUnit report (`text` undefined: it wrote none). Exit code 5 means that no test was collected. */
export function countPytest(text, exitCode) {
  const suite = /<testsuite [^>]*>/.exec(text ?? '')?.[0];
  if (!suite) return { passed: 0, failed: 1, skipped: 0 };
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  return withExitCode({ passed: number('tests') - failed - skipped, failed, skipped }, exitCode === 5 ? 0 : exitCode);
}

/** Sum of several runs. */
export function addCounts(list) {
  return list.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The last line of a test run. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

/** A run succeeds if something passed and nothing failed. */
export function isSuccess({ passed, failed }) {
  return passed > 0 && failed === 0;
}

function withExitCode(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
