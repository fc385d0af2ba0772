import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from '../../../scripts/lib/read_options.ts';
import { listOf, oneOf, positive, wholeNumber } from '../../../src/lib/argparse/types.ts';
import { bounds, fuzz, readerNames, summary } from './fuzz.ts';
import { mutantOf, type ReaderName, readerOf } from './readers.ts';

const { values } = readOptions({
  program: 'npm run fuzz --',
  about: `Damages sound files of every format and reads them, in processes of their own. A damaged file is kept, with the command that reads it again,
if it ends its process, takes more than ${bounds.ms / 1000} s or ${bounds.bytes / 2 ** 30} GiB, or is refused with an error that does not name the fault.`,
  flags: {
    Options: {
      reader: {
        value: 'LIST',
        type: listOf(oneOf(readerNames)),
        help: `readers to try:\n${readerNames.join(', ')}\n`,
        defaultText: 'all',
      },
      minutes: { value: 'N', type: positive, default: 1, help: 'time for each reader' },
      count: { value: 'N', type: wholeNumber(1), help: 'damaged files for each reader, instead of a time' },
      seed: { value: 'N', type: wholeNumber(0), help: 'seed of the damage', defaultText: 'drawn' },
      replay: {
        value: 'INDEX',
        type: wholeNumber(0),
        help: 'read only the damaged file with this number, in this process, and print the result',
      },
    },
  },
  examples: 'npm run fuzz -- --reader pickle --minutes 5',
});

process.exitCode = await main();

async function main(): Promise<number> {
  const { reader: names = readerNames, minutes, count, replay: index } = values;
  const seed = values.seed ?? Math.floor(Math.random() * 1e9);
  if (index !== undefined) return await replay(names[0], seed, index);
  const keep = mkdtempSync(join(tmpdir(), 'fuzz-faults-'));
  let faults = 0;
  let total = 0;
  for (const name of names) {
    let told = Date.now();
    const outcome = await fuzz(name, {
      seed,
      count: count ?? Number.MAX_SAFE_INTEGER,
      minutes: count === undefined ? minutes : undefined,
      keep,
      onProgress: (so_far) => {
        if (Date.now() - told < 5000) return;
        told = Date.now();
        process.stderr.write(`${summary(so_far)}\n`);
      },
    });
    process.stdout.write(`${summary(outcome)}\n`);
    for (const { index, what, file } of outcome.faults) {
      process.stdout.write(
        `  ${what.split('\n').slice(0, 4).join('\n  ')}\n  kept as ${file}; again: npm run fuzz -- --reader ${name} --seed ${seed} --replay ${index}\n`,
      );
    }
    faults += outcome.faults.length;
    total += outcome.mutants;
  }
  process.stdout.write(`${total} mutants, seed ${seed}: ${faults} faults\n`);
  return faults > 0 ? 1 : 0;
}

async function replay(name: ReaderName, seed: number, index: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-replay-'));
  const reader = readerOf(name);
  const seeds = await reader.seeds(folder);
  const path = join(folder, reader.file);
  writeFileSync(path, mutantOf(reader, seeds, seed, index));
  process.stdout.write(`${path}\n`);
  try {
    console.log(await reader.read(path));
  } catch (error) {
    console.log(error);
  }
  return 0;
}
