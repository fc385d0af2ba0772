import { parseArgs } from 'node:util';
import { upstreamCommit } from '../bridge/witness.ts';
import { InputError, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { HttpClient, TemporaryFault } from '../fetch/http.ts';
import { fetchOriginal, upstream } from '../fetch/original.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { shellCommand } from '../text.ts';

export const help = `ecg-transplant fetch-original [options]

Fetches the code of the paper's authors, ${upstream.repository}
at commit ${upstreamCommit} (${upstream.licence}), for comparisons with the real thing. It stays on this machine: the folder is not part of this
project, git ignores it, and nothing of it is passed on.

  --target DIR       folder to put it in, default original/upstream
  --archive URL      another address of the archive (.tar.gz, as GitHub or git archive makes it)
  --digest SHA256    digest that the code must have, as this command prints it [that of ${upstreamCommit}]

Only code with the right digest is kept; nothing of the archive is run. HTTPS_PROXY and NO_PROXY are heeded. Run again, it checks what is
there.

Example:
  ecg-transplant fetch-original
  ecg-transplant compare --quick --original original/upstream
`;

/** `ecg-transplant fetch-original`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', default: 'original/upstream' },
      digest: { type: 'string' },
      archive: { type: 'string' },
    },
  });
  if (values.digest !== undefined && !/^[0-9a-f]{64}$/.test(values.digest)) {
    throw new UsageError('--digest', { got: values.digest, expected: '64 hexadecimal digits' });
  }
  if (values.archive !== undefined && !URL.canParse(values.archive)) {
    throw new UsageError('--archive is not an address', { got: values.archive, expected: upstream.archive });
  }
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
      printError('Stopped; nothing was left behind.\n');
      return 130;
    }
    if (!(error instanceof TemporaryFault)) throw error;
    throw new InputError(error.message, { next: 'Run the same command again later.' });
  } finally {
    ignoreSignals();
    client.close();
  }
}
