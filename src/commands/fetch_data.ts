import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { InputError, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { type DataSet, dataSets, publisher } from '../fetch/data_sets.ts';
import { fetchData, gigabytes, type Plan } from '../fetch/fetch.ts';
import { HttpClient, TemporaryFault } from '../fetch/http.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { parseNumber } from '../lib/python/number.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { printError } from '../output.ts';
import { parseIds } from '../prepare/icentia11k/patient_ids.ts';

const width = Math.max(...dataSets.map(({ name }) => name.length)) + 2;
const table = dataSets
  .map(({ name, title, neededFor, licence }) => {
    const indent = ' '.repeat(width + 2);
    return `  ${name.padEnd(width)}${title}\n${indent}for ${neededFor}; ${licence.name}`;
  })
  .join('\n');

export const help = `ecg-transplant fetch-data SET… [options]

Fetches published ECGs from ${publisher}, each file with its published checksum. Says what it is about to
fetch, how large it is and under which licence, and asks. May be stopped at any time: run again, it goes on where it was, in the middle
of a file too, and does nothing when all is there.

${table}
  ${'all'.padEnd(width)}all of them

  --target DIR       folder that gets a folder for each set, default data
  --patients LIST    icentia11k: only these, for example 0-19,25 (about 100 MB each)
  --connections N    files fetched at once, 1 to 16, default 4
  --mirror URL       another server with the same files
  --force            replace files that are there with another content
  --yes              do not ask

HTTPS_PROXY and NO_PROXY are heeded.

Example:
  ecg-transplant fetch-data cinc2017 icentia11k --patients 0-9
`;

/** Exit code of a run that was stopped by Ctrl-C. */
const interrupted = 130;

/** `ecg-transplant fetch-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: 'string', default: 'data' },
      patients: { type: 'string' },
      connections: { type: 'string', default: '4' },
      mirror: { type: 'string' },
      force: { type: 'boolean' },
      yes: { type: 'boolean', short: 'y' },
    },
  });
  const { target, mirror, force } = values;
  checkOutputFolder(target, { flag: '--target' });
  const stop = new AbortController();
  const ignoreSignals = heedSignals((name, again) => (again ? process.exit(codeOfSignal(name)) : stop.abort()));
  const client = new HttpClient();
  try {
    const agreed = await fetchData({
      sets: setsOf(positionals),
      target,
      client,
      mirror,
      force,
      patients: values.patients === undefined ? undefined : parseIds(values.patients, '--patients'),
      connections: connectionsOf(values.connections),
      confirm: (plans) => ask(plans, target, values.yes === true, stop.signal),
      signal: stop.signal,
      report: reporterFor(),
    });
    return agreed ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) {
      printError('Stopped. Run the same command again to go on.\n');
      return interrupted;
    }
    if (!(error instanceof TemporaryFault)) throw error;
    throw new InputError(error.message, { next: 'Run the same command again later: it goes on where it was.' });
  } finally {
    ignoreSignals();
    client.close();
  }
}

function setsOf(names: readonly string[]): readonly DataSet[] {
  if (names.length === 0) {
    throw new UsageError('nothing to fetch', { expected: `${dataSets.map(({ name }) => name).join(', ')} or all` });
  }
  if (names.includes('all')) return dataSets;
  return [...new Set(names)].map((wanted) => {
    const set = dataSets.find(({ name }) => name === wanted);
    if (set) return set;
    const expected = `${dataSets.map(({ name }) => name).join(', ')} or all`;
    throw new UsageError('there is no such data set', { got: JSON.stringify(wanted), expected });
  });
}

function connectionsOf(text: string): number {
  const connections = parseNumber(text);
  if (Number.isInteger(connections) && connections! >= 1 && connections! <= 16) return connections!;
  throw new UsageError('--connections cannot be used', { got: text, expected: 'a whole number from 1 to 16' });
}

async function ask(plans: readonly Plan[], target: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  printError(`\n${plans.map(describe).join('\n')}\nFree in ${target}: ${gigabytes(freeBytes(target))}\n`);
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new UsageError('nobody is here to ask', { next: 'Add --yes to agree to the licences and the sizes above.' });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // A terminal that asks keeps Ctrl-C to itself.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    const answer = await terminal.question('Fetch this, and keep to the licences? [y/N] ', { signal });
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
