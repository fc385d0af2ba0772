import { UsageError } from '../../src/errors.ts';
import { type CommandLine, helpOf, parse } from '../../src/lib/argparse/command_line.ts';
import type { FlagGroups } from '../../src/lib/argparse/flags.ts';
import { print, printError } from '../../src/output.ts';

/** The command line of a script: as `parse`, but `--help` prints the help and exits with 0, and a wrong command line exits with 2. */
export function readOptions<const G extends FlagGroups>(line: CommandLine<G>): ReturnType<typeof parse<G>> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    print(helpOf(line));
    process.exit(0);
  }
  try {
    return parse(line, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printError(`${error.message}\n\n${helpOf(line)}`);
    process.exit(2);
  }
}
