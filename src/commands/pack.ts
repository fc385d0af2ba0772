import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { print } from '../output.ts';
import { pack } from '../pack/pack.ts';

export const help = `ecg-transplant pack JOB [options]

Packs a finished run (a job, or a reproduction) as one .tar.gz: settings, histories, predictions, weights, reports, and SHA256SUMS, which
sha256sum --check reads. Data, checkpoints, logs and whatever else lies in the folder stay behind. Absolute paths in texts are shortened to
their last name. The same run gives the same bytes (with the same version of Node).

  --output FILE    archive; default NAME.tar.gz in this folder
  --no-records     leave out what tells of single patients: predictions, the journal, report.html, stretches of recordings; names of
                   records in the other texts become "record"
  --force          replace an archive that is there

Example:
  ecg-transplant pack jobs/af --no-records
`;

/** `ecg-transplant pack`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { output: { type: 'string' }, 'no-records': { type: 'boolean' }, force: { type: 'boolean' } },
  });
  const [job, more] = positionals;
  if (job === undefined || more !== undefined) {
    throw new UsageError('one run at a time is packed', { got: `${positionals.length} names`, expected: 'pack JOB' });
  }
  const { output, force } = values;
  const records = values['no-records'] !== true;
  const { archive, files, leftOut } = await pack({ job, output, records, force, report: reporterFor() });
  const megabytes = (statSync(archive).size / 1e6).toFixed(1);
  print(`${archive}: ${files.length} files, ${megabytes} MB, SHA-256 ${await fileDigest(archive)}\n`);
  if (leftOut.length > 0) print(`Left out: ${leftOut.join(', ')}\n`);
  return 0;
}
