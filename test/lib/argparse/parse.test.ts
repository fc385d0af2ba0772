import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { type CommandLine, helpOf, parse } from '../../../src/lib/argparse/command_line.ts';
import { defaultsOf, type FlagGroups, flagsIn } from '../../../src/lib/argparse/flags.ts';
import { listOf, oneOf, positive, text, wholeNumber } from '../../../src/lib/argparse/types.ts';

const line = {
  program: 'ecg-transplant pack',
  about: 'Packs 100 % of a run.',
  words: { name: 'JOB', count: 'some', help: 'folders' },
  flags: {
    Input: {
      dataSet: { value: 'LIST', type: listOf(oneOf(['cinc2017', 'ptbxl'])), repeated: true, help: 'data sets' },
      rate: { value: 'HZ', type: positive, default: 250, help: 'rate, 100 % of it' },
      names: { value: 'LIST', type: listOf(text), help: 'names' },
    },
    Output: {
      target: { value: 'DIR', required: true, help: 'folder' },
      count: { value: 'N', type: wholeNumber(1, 9), help: 'number', defaultText: 'all' },
      force: { short: 'f', help: `replace ${'files '.repeat(20)}that exist` },
    },
  },
  examples: 'ecg-transplant pack a',
} as const satisfies CommandLine<FlagGroups>;

/** The message with which a command line is refused. */
function refusal(...args: readonly string[]): string {
  try {
    parse(line, args);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('a command line', () => {
  it('gives values by the names of the API, with their types and defaults, and words among flags', () => {
    const args = ['a', '--data-set', 'ptbxl,cinc2017', '--target=t', 'b', '--data-set', 'ptbxl', '-f'];
    expect(parse(line, args)).toEqual({
      values: { dataSet: [['ptbxl', 'cinc2017'], ['ptbxl']], rate: 250, target: 't', force: true },
      words: ['a', 'b'],
    });
    expect(parse(line, ['a', '--target', 't', '--names', ' x, ,y', '--', '-b']).values.names).toEqual(['x', 'y']);
    expect(parse(line, ['a', '--target', 't', '--', '-b']).words).toEqual(['a', '-b']);
  });

  it.each([
    [['a', '--target', 't', '--froce'], /unrecognized arguments: --froce\. Did you mean --force\?/],
    [['a', '--target', 't', '--forc'], /unrecognized arguments: --forc\. Did you mean --force\?/],
    [['a', '--tagret=t'], /unrecognized arguments: --tagret=t\. Did you mean --target\?/],
    [['a', '--target', 't', '-x'], /^unrecognized arguments: -x$/],
    [['a'], /the following arguments are required: --target/],
    [['--target', 't'], /the following arguments are required: JOB/],
    [['a', '--target'], /argument --target: expected one argument/],
    [['a', '--target', 't', '--count', '0'], /^--count: invalid value; got 0; expected a whole number from 1 to 9$/],
    [['a', '--target', 't', '--count', '1.5'], /--count: invalid value; got 1\.5/],
    [['a', '--target', 't', '--rate', '-1'], /--rate: invalid value; got -1; expected a number above 0/],
    [['a', '--target', 't', '--rate', 'nan'], /--rate: invalid value; got nan/],
    [
      ['a', '--target', 't', '--data-set', 'ptbxl,ptbx'],
      /--data-set: invalid value; got ptbx; expected cinc2017 or ptbxl\. Did you mean ptbxl\?/,
    ],
  ])('%j is refused', (args, message) => {
    expect(refusal(...args)).toMatch(message);
  });

  it('has a help: usage, groups, one line a flag with its default, wrapped in its column, examples', () => {
    expect(helpOf(line)).toBe(`usage: ecg-transplant pack JOB… --target DIR [options]

Packs 100 % of a run.

Input:
  JOB              folders
  --data-set LIST  data sets
  --rate HZ        rate, 100 % of it (default: 250)
  --names LIST     names

Output:
  --target DIR     folder (required)
  --count N        number (default: all)
  -f, --force      replace files files files files files files files files files files files files files
                   files files files files files files files that exist
  -h, --help       show this text and exit

Examples:
  ecg-transplant pack a
`);
  });

  it('has defaults by the names of the API', () => {
    expect(defaultsOf(flagsIn(line.flags))).toEqual({ rate: 250 });
  });
});
