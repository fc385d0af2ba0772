import { statSync } from 'node:fs';
import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { print } from '../output.ts';
import { force } from './flags.ts';

const line = {
  program: 'ecg-transplant pack',
  about: `Packs a finished run (a job or a reproduction) as one .tar.gz: settings, histories, predictions, weights, reports, and SHA256SUMS, which
sha256sum --check reads. Data, checkpoints, logs and other files are left out. Absolute paths in texts are cut to their last name. With the
same version of Node, the same run gives the same bytes.`,
  words: { name: 'JOB', help: 'folder of the run' },
  flags: {
    Options: {
      output: { value: 'FILE', help: 'archive to write', defaultText: 'NAME.tar.gz in the current folder' },
      noRecords: {
        help: 'leave out what concerns single patients: predictions, the journal, report.html, parts of recordings; names of records in other texts become "record"',
      },
      force,
    },
  },
  examples: 'ecg-transplant pack jobs/af --no-records',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant pack`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { pack } = await import('../pack/pack.ts');
  const { output, noRecords, force: replace } = values;
  const { archive, files, leftOut } = await pack({
    job: words[0],
    output,
    records: !noRecords,
    force: replace,
    report: reporterFor(),
  });
  const megabytes = (statSync(archive).size / 1e6).toFixed(1);
  print(`${archive}: ${files.length} files, ${megabytes} MB, SHA-256 ${await fileDigest(archive)}\n`);
  if (leftOut.length > 0) print(`Left out: ${leftOut.join(', ')}\n`);
  return 0;
}
