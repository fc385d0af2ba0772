import { parseArgs } from 'node:util';
import { print } from '../output.ts';
import { setUp } from '../setup/set_up.mjs';

export { help } from '../setup/set_up.mjs';

/** `ecg-transplant setup`: the same work as `npm run setup` of a checkout. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { wheelhouse: { type: 'string' } } });
  await setUp(values);
  print('Ready: ecg-transplant doctor shows what both languages run on.\n');
  return 0;
}
