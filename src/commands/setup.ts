import { parseArgs } from 'node:util';
import { setUp } from '../../scripts/setup.mjs';
import { print } from '../output.ts';

export { help } from '../../scripts/setup.mjs';

/** `ecg-transplant setup`: the same work as `npm run setup` of a checkout. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { wheelhouse: { type: 'string' } } });
  await setUp(values);
  print('Ready: ecg-transplant doctor shows what both languages run on.\n');
  return 0;
}
