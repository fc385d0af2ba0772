import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bounds, fuzz, readerNames, summary } from './fuzz.ts';
import { mutantOf, type ReaderName, readerOf } from './readers.ts';

const help = `npm run fuzz -- [--reader NAME,...] [--minutes N | --count N] [--seed N] [--replay INDEX]

Damages sound files of every format and reads them, in processes of their own. A mutant that ends its process, takes more than ${bounds.ms / 1000} s
or ${bounds.bytes / 2 ** 30} GiB, or is refused with an error that does not name the fault, is kept, with the command that reads it again.

  --reader   readers to try [all]: ${readerNames.join(', ')}
  --minutes  time for each reader [1]
  --count    mutants of each reader, in place of a time
  --seed     seed of the damage [a random one]
  --replay   read only the mutant of this number, in this process, and print what comes of it
`;

const { values } = parseArgs({
  options: {
    reader: { type: 'string' },
    minutes: { type: 'string' },
    count: { type: 'string' },
    seed: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean' },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const names = values.reader?.split(',') ?? readerNames;
  const unknown = names.find((name) => !(readerNames as string[]).includes(name));
  const numbers = [values.minutes ?? '1', values.count ?? '1', values.seed ?? '0', values.replay ?? '0'].map(Number);
  if (unknown !== undefined || numbers.some((number) => !(number >= 0))) {
    process.stderr.write(
      `fuzz: ${unknown === undefined ? 'a number is not one' : `there is no reader ${unknown}`}\n\n${help}`,
    );
    return 2;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
  if (values.replay !== undefined) return await replay(names[0] as ReaderName, seed, Number(values.replay));
  const keep = mkdtempSync(join(tmpdir(), 'fuzz-faults-'));
  let faults = 0;
  let total = 0;
  for (const name of names as ReaderName[]) {
    let told = Date.now();
    const outcome = await fuzz(name, {
      seed,
      count: values.count === undefined ? Number.MAX_SAFE_INTEGER : Number(values.count),
      minutes: values.count === undefined ? Number(values.minutes ?? 1) : undefined,
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
