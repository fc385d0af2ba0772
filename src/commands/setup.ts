import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { print } from '../output.ts';
import { about, notes, setUp } from '../setup/set_up.mjs';

const line = {
  program: 'ecg-transplant setup',
  about,
  flags: {
    Options: {
      wheelhouse: { value: 'DIR', help: 'install Python packages from a folder of wheels', defaultText: 'from PyPI' },
    },
  },
  notes,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant setup`: the same work as `npm run setup` of a checkout. */
export async function run(args: readonly string[]): Promise<number> {
  await setUp(parse(line, args).values);
  print('Ready. See what both languages run on: ecg-transplant doctor\n');
  return 0;
}
