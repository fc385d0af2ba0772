import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { chooseThreshold, ruleOr, thresholdRule } from '../../src/lib/thresholds.ts';

const truth = [0, 0, 1, 1];
const probabilities = [0.1, 0.4, 0.35, 0.8];

describe('thresholdRule', () => {
  it.each<readonly [string, unknown]>([
    ['f1', 'f1'],
    ['youden', 'youden'],
    ['sensitivity=0.95', { sensitivity: 0.95 }],
    ['sensitivity=1', { sensitivity: 1 }],
    ...['sensitivity=0', 'sensitivity=1.01', 'sensitivity=', 'sensitivity', 'sensitivity=x', 'F1', ''].map(
      (text) => [text, undefined] as const,
    ),
  ])('reads %j', (text, rule) => {
    expect(thresholdRule(text)).toEqual(rule);
  });

  it('is named with its forms by a flag that gets something else', () => {
    const read = () => ruleOr(['default']).read('sensitivity=95', '--threshold');
    expect(read).toThrow(UsageError);
    expect(read).toThrow('got sensitivity=95; expected default, f1, youden, sensitivity=S (S above 0, at most 1)');
  });
});

describe('chooseThreshold', () => {
  it('gives the highest F1, the largest Youden index, and the highest threshold that has a sensitivity', () => {
    expect(chooseThreshold('f1', truth, probabilities)).toBe(0.35);
    // 0.35 and 0.8 have the same index.
    expect(chooseThreshold('youden', truth, probabilities)).toBe(0.8);
    expect(chooseThreshold({ sensitivity: 0.5 }, truth, probabilities)).toBe(0.8);
    expect(chooseThreshold({ sensitivity: 0.51 }, truth, probabilities)).toBe(0.35);
  });

  it('takes records of equal probability together', () => {
    expect(chooseThreshold('youden', [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.2])).toBe(0.5);
  });

  it('knows no threshold for a class that no record has, or that all have', () => {
    expect(chooseThreshold('f1', [0, 0], [0.1, 0.2])).toBeUndefined();
    expect(chooseThreshold({ sensitivity: 0.9 }, [1, 1], [0.1, 0.2])).toBeUndefined();
  });

  it('takes many records', () => {
    const many = Array.from({ length: 300_000 }, (_, i) => i / 300_000);
    const labels = many.map((value) => (value >= 0.75 ? 1 : 0));
    expect(chooseThreshold('f1', labels, many)).toBe(0.75);
  });
});
