import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { parseNumber } from '../lib/python/number.ts';
import { print } from '../output.ts';
import { unpack } from '../pack/unpack.ts';

export const help = `ecg-transplant unpack FILE [options]

Unpacks an archive that pack made, and checks every file by its checksum. Archives that are damaged, hold something else, or would write
outside of their folder are refused and leave nothing. Nothing is overwritten.

  --target DIR     folder that gets the run's folder; default jobs
  --max-size GB    refuse an archive that unpacks to more; default 16

Example:
  ecg-transplant unpack af.tar.gz
  ecg-transplant predict --job-dir jobs/af data/cinc2017/A00001
`;

/** `ecg-transplant unpack`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { target: { type: 'string', default: 'jobs' }, 'max-size': { type: 'string', default: '16' } },
  });
  const [archive, more] = positionals;
  if (archive === undefined || more !== undefined) {
    throw new UsageError('one archive at a time is unpacked', {
      got: `${positionals.length} names`,
      expected: 'unpack FILE',
    });
  }
  const size = parseNumber(values['max-size']) ?? 0;
  if (size <= 0) {
    throw new UsageError('--max-size cannot be used', { got: values['max-size'], expected: 'a number above 0' });
  }
  checkOutputFolder(values.target, { flag: '--target' });
  const { folder, files, records } = await unpack({ archive, target: values.target, maxBytes: size * 2 ** 30 });
  const without = records ? '' : ', without what tells of single patients';
  print(`${folder}: ${files.length} files, all as packed${without}\n`);
  return 0;
}
