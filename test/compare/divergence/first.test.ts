import { expect, it } from 'vitest';
import { exactly } from '../../../src/compare/closeness.ts';
import { withFirst } from '../../../src/compare/divergence/first.ts';
import { int64 } from '../../../src/compare/suites/shared/data_cases.ts';

const rows = [exactly('files', 'some numbers', [{ name: 'x', port: int64([1, 2]), original: int64([1, 3]) }])];
const first = { what: 'the second number', agreeing: [], port: 'a.ts', original: 'a.py' };

it('adds to failed rows where the sides begin to differ', async () => {
  expect(await withFirst({}, rows, async () => first)).toMatchObject([{ passed: false, first }]);
});

it('does not search if the context asks not to', async () => {
  const search = (): never => {
    throw new Error('searched');
  };
  expect(await withFirst({ locate: false }, rows, search)).toEqual(rows);
});
