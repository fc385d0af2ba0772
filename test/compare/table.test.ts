import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/compare/closeness.ts';
import { formatRows, formatVerdict } from '../../src/compare/report/table.ts';
import { type Tolerance, tolerances } from '../../src/compare/tolerances.ts';

const row: Row = {
  suite: 's',
  name: 'n',
  rung: 'bits',
  passed: true,
  values: 1234,
  difference: 0,
  limit: 0,
  kind: 'exact',
};

describe('the table of a verdict', () => {
  it('shows values, the worst difference, its limit and its place', () => {
    const worst = { array: 'w', index: [1, 2], port: '1', original: '2', ulps: 7 };
    const text = formatRows([row, { ...row, kind: 'close', passed: false, difference: 3e-5, limit: 2e-5, worst }]);
    expect(text).toContain('| ok   | s     | n        |  1,234 |           0 bits | 0 bits |');
    expect(text).toContain('|           3.0e-5 | 2.0e-5 | 150 % | w[1, 2]: 1 against 2, 7 ulp |');
    expect(text).toContain('| FAIL |');
  });

  it('counts the rows, and fails without any', () => {
    expect(formatVerdict([row, row])).toBe('PASSED: 2 rows, 2,468 values compared');
    expect(formatVerdict([row, { ...row, passed: false }])).toMatch(/^FAILED: 1 of 2 rows differ/);
    expect(formatVerdict([])).toBe('FAILED: nothing was compared');
  });
});

describe('tolerances', () => {
  it.each(Object.entries<Tolerance>(tolerances))(
    '%s: limit at most ten times the measured noise, with a reason',
    (_name, { limit, noise, reason }) => {
      expect(limit).toBeGreaterThan(0);
      expect(limit).toBeLessThanOrEqual(10 * noise);
      expect(reason.length).toBeGreaterThan(10);
    },
  );
});
