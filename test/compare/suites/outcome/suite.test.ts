import { describe, expect, it } from 'vitest';
import type { Original } from '../../../../src/bridge/original.ts';
import { NotRunnable } from '../../../../src/compare/suite.ts';
import { equivalence, margin, outcome } from '../../../../src/compare/suites/outcome/suite.ts';

const scores = [0.7, 0.8, 0.75, 0.72, 0.78];

describe('equivalence', () => {
  it('passes trials that differ by less than the margin, and says by how much', () => {
    const row = equivalence(
      scores.map((score, i) => score + (i % 2 ? 0.004 : -0.004)),
      scores,
    );
    expect(row).toMatchObject({ passed: true, rung: 'outcome', values: 10, limit: margin });
    expect(row.difference).toBeGreaterThan(0);
    expect(row.note).toMatch(/^difference -0\.0008 \[-0\.\d{4}, 0\.\d{4}\]$/);
  });

  it.each([1, -1])('fails a side that is better or worse by more than the margin (%i)', (sign) => {
    const row = equivalence(
      scores.map((score) => score + sign * (margin + 0.001)),
      scores,
    );
    expect(row).toMatchObject({ passed: false });
  });

  it('fails where the trials scatter too much to tell', () => {
    const row = equivalence(
      scores.map((score, i) => score + (i % 2 ? 0.15 : -0.1)),
      scores,
    );
    expect(row.passed).toBe(false);
    expect(row.difference).toBeGreaterThan(margin);
  });

  it('proves nothing with four trials a side, were they equal', () => {
    expect(equivalence(scores.slice(0, 4), scores.slice(0, 4)).passed).toBe(false);
  });
});

describe('the suite outcome', () => {
  it('does not run with fewer than five trainings per side', async () => {
    const [one] = outcome.cases;
    const nothing = { trials: 4, seed: 1, original: undefined as unknown as Original } as Parameters<typeof one.run>[0];
    await expect(one.run(nothing)).rejects.toThrow(NotRunnable);
    await expect(one.run(nothing)).rejects.toThrow('at least 5 trainings per side; got --trials 4');
  });
});
