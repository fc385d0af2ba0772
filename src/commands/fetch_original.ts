import { upstreamCommit } from '../bridge/witness.ts';
import { InputError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { HttpClient, TemporaryFault } from '../fetch/http.ts';
import { fetchOriginal, upstream } from '../fetch/original.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { typeOf } from '../lib/argparse/types.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { shellCommand } from '../text.ts';

const digest = typeOf('64 hexadecimal digits', (text) => (/^[0-9a-f]{64}$/.test(text) ? text : undefined));
const address = typeOf(`an address such as ${upstream.archive}`, (text) => (URL.canParse(text) ? text : undefined));

const line = {
  program: 'ecg-transplant fetch-original',
  about: `Downloads the code of the paper's authors, ${upstream.repository}
at commit ${upstreamCommit} (${upstream.licence}), to compare with. It stays on this machine: the folder is not part of
this project, git ignores it, and nothing of it is passed on.`,
  flags: {
    Options: {
      target: { value: 'DIR', default: 'original/upstream', help: 'folder to unpack into' },
      archive: {
        value: 'URL',
        type: address,
        help: 'another address of the archive (.tar.gz, as GitHub or git archive makes it)',
      },
      digest: {
        value: 'SHA256',
        type: digest,
        help: 'digest that the code must have, as this command prints it',
        defaultText: `that of commit ${upstreamCommit.slice(0, 7)}`,
      },
    },
  },
  notes: `Only code with the right digest is kept, and nothing in the archive is run. Run the command again to check the folder. HTTPS_PROXY and
NO_PROXY are respected.`,
  examples: `ecg-transplant fetch-original
ecg-transplant compare --quick --original original/upstream`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant fetch-original`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const report = reporterFor();
  checkOutputFolder(values.target, { flag: '--target' });
  const stop = new AbortController();
  const ignoreSignals = heedSignals((name, again) => (again ? process.exit(codeOfSignal(name)) : stop.abort()));
  const client = new HttpClient();
  try {
    const { title, digest, folder } = await fetchOriginal({
      target: values.target,
      client,
      digest: values.digest,
      address: values.archive,
      signal: stop.signal,
      onRetry: (text) => report({ kind: 'message', text }),
    });
    print(`${title}\ndigest  ${digest}\nfolder  ${folder}\n`);
    const command = ['npm', 'run', 'compare', '--', '--quick', '--original', values.target];
    print(`Compare with it: ${shellCommand(command)}\n`);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      printError('Stopped. Nothing was left behind.\n');
      return 130;
    }
    if (!(error instanceof TemporaryFault)) throw error;
    throw new InputError(error.message, { next: 'Run the same command again later.' });
  } finally {
    ignoreSignals();
    client.close();
  }
}
