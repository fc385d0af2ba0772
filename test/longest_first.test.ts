import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { longest, longestFirst } from './longest_first.ts';
import { root } from './shared_data.ts';

it('the files that start first exist', () => {
  expect(longest.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it('the longest files start first, in their order; the others keep theirs', () => {
  const others = ['/clone/test/z.test.ts', '/clone/test/a.test.ts'];
  const [first, second] = longest.map((path) => `/clone/${path}`);
  expect(longestFirst([others[0], second, others[1], first], (file) => file)).toEqual([first, second, ...others]);
});
