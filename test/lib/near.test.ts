import { describe, expect, it } from 'vitest';
import { near } from '../../src/lib/near.ts';

describe('near', () => {
  it.each([
    ['finetun', 'finetune'],
    ['prep', 'prepare-data'],
    ['pedict', 'predict'],
  ])('finds what %s was meant to be', (word, expected) => {
    expect(near(word, ['pretrain', 'finetune', 'prepare-data', 'predict'])).toBe(`Did you mean ${expected}?`);
  });

  it.each(['', 'x', 'compare-everything'])('has no suggestion for %j', (word) => {
    expect(near(word, ['pretrain', 'finetune'])).toBeUndefined();
    expect(near(word, [])).toBeUndefined();
  });
});
