import { createInterface } from 'node:readline/promises';
import { InputError, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { type DataSet, dataSets, publisher } from '../fetch/data_sets.ts';
import { fetchData, type Plan } from '../fetch/fetch.ts';
import { HttpClient, TemporaryFault } from '../fetch/http.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { printError } from '../output.ts';
import { gigabytes } from '../text.ts';
import { ids } from './flags.ts';

const width = Math.max(...dataSets.map(({ name }) => name.length)) + 2;
const table = dataSets
  .map(({ name, title, neededFor, licence }) => {
    const indent = ' '.repeat(width + 2);
    return `  ${name.padEnd(width)}${title}\n${indent}for ${neededFor}; ${licence.name}`;
  })
  .join('\n');

const line = {
  program: 'ecg-transplant fetch-data',
  about: `Downloads published ECG data sets from ${publisher} and checks each file against its published checksum. It first
shows what it will download, how large it is and under which licence, and asks. Run it again to continue after an interruption, even in the
middle of a file; it does nothing when everything is there.

${table}
  ${'all'.padEnd(width)}all of them`,
  words: { name: 'SET', count: 'some', help: 'data sets to download, or all' },
  flags: {
    Options: {
      target: { value: 'DIR', default: 'data', help: 'folder in which each set gets its own folder' },
      patients: {
        value: 'LIST',
        type: ids,
        help: 'only these patients of icentia11k, such as 0-19,25; about 100 MB each',
        defaultText: 'all',
      },
      connections: { value: 'N', type: wholeNumber(1, 16), default: 4, help: 'files to download at the same time' },
      mirror: { value: 'URL', help: 'download the same files from another server' },
      force: { help: 'replace files that exist with other content' },
      yes: { short: 'y', help: 'do not ask' },
    },
  },
  notes: 'HTTPS_PROXY and NO_PROXY are respected.',
  examples: 'ecg-transplant fetch-data cinc2017 icentia11k --patients 0-9',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** Exit code of a run that was stopped by Ctrl-C. */
const interrupted = 130;

/** `ecg-transplant fetch-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { target, mirror, force, patients, connections } = values;
  checkOutputFolder(target, { flag: '--target' });
  const stop = new AbortController();
  const ignoreSignals = heedSignals((name, again) => (again ? process.exit(codeOfSignal(name)) : stop.abort()));
  const client = new HttpClient();
  try {
    const agreed = await fetchData({
      sets: setsOf(words),
      target,
      client,
      mirror,
      force,
      patients,
      connections,
      confirm: (plans) => ask(plans, target, values.yes === true, stop.signal),
      signal: stop.signal,
      report: reporterFor(),
    });
    return agreed ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) {
      printError('Stopped. Run the same command again to continue.\n');
      return interrupted;
    }
    if (!(error instanceof TemporaryFault)) throw error;
    throw new InputError(error.message, { next: 'Run the same command again later to continue.' });
  } finally {
    ignoreSignals();
    client.close();
  }
}

function setsOf(words: readonly string[]): readonly DataSet[] {
  const known = oneOf([...dataSets.map(({ name }) => name), 'all']);
  const names = words.map((word) => known.read(word, 'SET'));
  if (names.includes('all')) return dataSets;
  return [...new Set(names)].flatMap((name) => dataSets.filter((set) => set.name === name));
}

async function ask(plans: readonly Plan[], target: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  printError(`\n${plans.map(describe).join('\n')}\nFree in ${target}: ${gigabytes(freeBytes(target))}\n`);
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new UsageError('cannot ask for confirmation, because this is not a terminal', {
      next: 'Pass --yes to agree to the licences and sizes above.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // A terminal that asks keeps Ctrl-C to itself.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    const answer = await terminal.question('Download this, and comply with the licences? [y/N] ', { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

function describe({ set, folder, address, files, missing, bytes }: Plan): string {
  const { name, address: licence, note } = set.licence;
  const here = files.length - missing.length;
  const counts = `${missing.length} to fetch${here > 0 ? `, ${here} are here` : ''}`;
  return `${set.name}: ${set.title}
  from     ${address}
  to       ${folder}
  files    ${counts}
  size     ${missing.length > 0 ? `about ${gigabytes(bytes)}` : 'nothing to fetch'}
  licence  ${name}, ${licence}${note ? `\n           ${note}` : ''}
  cite     as ${set.page} says
`;
}
