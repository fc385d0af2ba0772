import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { positive } from '../lib/argparse/types.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print } from '../output.ts';

const line = {
  program: 'ecg-transplant unpack',
  about: `Unpacks an archive made by pack, and checks the checksum of every file. An archive that is damaged, holds anything else, or would write
outside its folder is refused and leaves nothing behind. Nothing is overwritten.`,
  words: { name: 'FILE', help: 'archive to unpack' },
  flags: {
    Options: {
      target: { value: 'DIR', default: 'jobs', help: "folder in which the run's folder is made" },
      maxSize: { value: 'GB', type: positive, default: 16, help: 'refuse an archive that unpacks to more' },
    },
  },
  examples: `ecg-transplant unpack af.tar.gz
ecg-transplant predict --job-dir jobs/af data/cinc2017/A00001`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant unpack`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { target, maxSize } = values;
  const { unpack } = await import('../pack/unpack.ts');
  checkOutputFolder(target, { flag: '--target' });
  const { folder, files, records } = await unpack({ archive: words[0], target, maxBytes: maxSize * 2 ** 30 });
  const without = records ? '' : ', without data on single patients';
  print(`${folder}: ${files.length} files, every checksum is right${without}\n`);
  return 0;
}
