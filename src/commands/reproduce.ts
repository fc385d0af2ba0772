import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lockFile, pythonExecutable, root } from '../../scripts/lib/environment.mjs';
import type { Row } from '../compare/closeness.ts';
import { formatRows, formatVerdict } from '../compare/report/table.ts';
import { writeReport } from '../compare/report/write.ts';
import { reporterFor } from '../events.ts';
import { runThread } from '../reproduce/thread.ts';

export const help = `npx zx scripts/reproduce.mjs --data DIR [options]        (also: npm run reproduce -- --data DIR)

One finetuning job on real recordings, in TypeScript and in the Python original, and a verdict: takes Challenge 2017 records,
prepares, splits, trains and predicts them on both sides and compares every stage. Sets up what is missing first.

  --data DIR       folder with the collection cinc2017 (RECORDS, REFERENCE.csv, *.hea, *.mat)
  --records N      records to take, with the shares of the classes kept (60)
  --seed N         seed of the choice, the splits, the weights and the order of training (2021)
  --job-dir DIR    output folder, overwritten (jobs/reproduce)
  --original DIR   another checkout of the Python original: a folder with transplant/, pretraining/ and finetuning/

The table is also written to report.md and report.json in the output folder.
Ends with 0 only if every row passes, with 1 if one does not, with 2 if the comparison could not run.
`;

/** `ecg-transplant reproduce`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      records: { type: 'string', default: '60' },
      seed: { type: 'string', default: '2021' },
      original: { type: 'string', default: join(root, 'original') },
      'job-dir': { type: 'string', default: join(root, 'jobs', 'reproduce') },
    },
  });
  const data = values.data && resolve(values.data);
  const records = Number(values.records);
  const seed = Number(values.seed);
  const fault = faultOf(data, values.records, values.seed);
  if (fault !== undefined || !data) {
    process.stderr.write(`reproduce: ${fault}\nSee: npx zx scripts/reproduce.mjs --help\n`);
    return 2;
  }
  const jobDir = resolve(values['job-dir']);
  const begun = Date.now();
  const python = { python: pythonExecutable(), original: resolve(values.original), lock: lockFile() };
  let rows: Row[];
  try {
    rows = await runThread({ data, jobDir, records, seed, ...python }, reporterFor());
  } catch (error) {
    process.stderr.write(
      `reproduce: the comparison could not run: ${error instanceof Error ? error.message : error}\n`,
    );
    return 2;
  }
  writeReport(jobDir, 'One finetuning job in two languages', rows);
  process.stdout.write(
    `\n${formatRows(rows)}\n\n${formatVerdict(rows)}, ${((Date.now() - begun) / 1000).toFixed(0)} s\n`,
  );
  process.stdout.write(`Report: ${join(jobDir, 'report.md')}\n`);
  return rows.every((row) => row.passed) ? 0 : 1;
}

/** What is wrong with the options, if anything. */
function faultOf(data: string | undefined, records: string, seed: string): string | undefined {
  if (!data) return 'give it a folder of real recordings: --data DIR, where DIR/cinc2017 holds Challenge 2017 records';
  if (!(Number.isInteger(Number(records)) && Number(records) >= 40)) {
    return `--records: got ${records}, expected a whole number from 40 on`;
  }
  if (!(Number.isInteger(Number(seed)) && Number(seed) > 0 && Number(seed) < 2 ** 32)) {
    return `--seed: got ${seed}, expected a whole number from 1 to 4294967295`;
  }
  const index = join(data, 'cinc2017', 'RECORDS');
  if (existsSync(index)) return undefined;
  return `${index} does not exist; expected the collection of the PhysioNet/CinC Challenge 2017 there`;
}
