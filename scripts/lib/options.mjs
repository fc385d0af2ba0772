import { parseArgs } from 'node:util';

/**
 * The options of a script that must run before any package is installed. Prints the help and exits with 0 for `--help`; prints what is wrong and
 * the help, and exits with 2, for a wrong command line.
 *
 * @template {import('node:util').ParseArgsOptionsConfig} T
 * @param {string} help
 * @param {T} options
 * @param {{ words?: boolean }} [settings] whether words that are not options are allowed; they are returned as `words`
 */
export function optionsOf(help, options, { words = false } = {}) {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: words,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
    if (!values.help) return { ...values, words: positionals };
    process.stdout.write(help);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${help}`);
    process.exit(2);
  }
}
