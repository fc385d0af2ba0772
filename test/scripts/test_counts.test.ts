import { describe, expect, test } from 'vitest';
import { addCounts, closingLine, countPytest, countVitest, isSuccess } from '../../scripts/lib/test_counts.mjs';

/** A vitest report with the given states of tests, one file per list. */
function report(...files: string[][]): string {
  const all = files.flat();
  const count = (state: string) => all.filter((other) => other === state).length;
  return JSON.stringify({
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    numTodoTests: 0,
    testResults: files.map((states) => ({
      status: states.length === 0 || states.includes('failed') ? 'failed' : 'passed',
      assertionResults: states.map((status) => ({ status })),
    })),
  });
}

describe('vitest', () => {
  test.each([
    { what: 'a good run', text: report(['passed', 'skipped'], ['passed']), code: 0, counts: [2, 0, 1] },
    { what: 'a failed test', text: report(['passed', 'failed']), code: 1, counts: [1, 1, 0] },
    { what: 'a file that cannot be imported', text: report(['passed'], []), code: 1, counts: [1, 1, 0] },
    { what: 'an error outside of tests', text: report(['passed']), code: 1, counts: [1, 1, 0] },
    { what: 'a crash before the report', text: undefined, code: 'SIGSEGV', counts: [0, 1, 0] },
    { what: 'half a report', text: '{"numPassedTests": 3', code: 0, counts: [0, 1, 0] },
  ])('$what', ({ text, code, counts: [passed, failed, skipped] }) => {
    expect(countVitest(text, code)).toEqual({ passed, failed, skipped });
  });
});

describe('pytest', () => {
  const suite = (attributes: string) =>
    `<?xml version="1.0"?><testsuites><testsuite name="pytest" ${attributes} time="1">`;
  test.each([
    { what: 'a good run', text: suite('errors="0" failures="0" skipped="1" tests="4"'), code: 0, counts: [3, 0, 1] },
    {
      what: 'failures and errors',
      text: suite('errors="1" failures="2" skipped="0" tests="4"'),
      code: 1,
      counts: [1, 3, 0],
    },
    {
      what: 'nothing collected',
      text: suite('errors="0" failures="0" skipped="0" tests="0"'),
      code: 5,
      counts: [0, 0, 0],
    },
    {
      what: 'an internal error',
      text: suite('errors="0" failures="0" skipped="0" tests="2"'),
      code: 3,
      counts: [2, 1, 0],
    },
    { what: 'a crash before the report', text: undefined, code: 'SIGKILL', counts: [0, 1, 0] },
  ])('$what', ({ text, code, counts: [passed, failed, skipped] }) => {
    expect(countPytest(text, code)).toEqual({ passed, failed, skipped });
  });
});

test('the closing line adds up; a run without tests is no success', () => {
  const sum = addCounts([
    { passed: 2, failed: 0, skipped: 1 },
    { passed: 3, failed: 1, skipped: 0 },
  ]);
  expect(closingLine(sum)).toBe('5 passed, 1 failed, 1 skipped');
  expect(closingLine({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed');
  expect(isSuccess(sum)).toBe(false);
  expect(isSuccess({ passed: 1, failed: 0, skipped: 0 })).toBe(true);
  expect(isSuccess({ passed: 0, failed: 0, skipped: 7 })).toBe(false);
});
