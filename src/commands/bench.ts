import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type RowResult, runBench } from '../bench/bench.ts';
import { BenchInputs } from '../bench/inputs.ts';
import { formatResults, formatSetting, toJson } from '../bench/report.ts';
import { type BenchRow, benchRows } from '../bench/rows.ts';
import { probeBoth } from '../doctor/probes.ts';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { machine } from '../lib/machine.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { parseNumber } from '../lib/python/number.ts';
import { print } from '../output.ts';
import { root } from '../setup/environment.mjs';

export const help = `ecg-transplant bench [options]        (also: npm run bench -- [options])

Measures the port and the Python original in turn (A B A B …), each in a process of its own with the same number of threads, and shows
medians, the ratio port / original and its range over the rounds. Smaller is better in every row.

  --rows LIST     only these rows, such as step,frames
  --list          show the rows
  --rounds N      rounds of every row, in place of its own number
  --data DIR      folder with the collection cinc2017, for the rows on Challenge 2017; without it they run on generated recordings
  --json FILE     write the figures: {machine, rows: [{name, port, original, unit, ratio, goal, …}]}; kept up to date row by row
  --force         replace a file of --json that is there
  --quick         every row on tiny data, to see that it runs; the figures mean nothing

All rows take about 25 minutes on two CPUs and up to 10 GB of memory. Nothing else should run on the machine meanwhile.
Ends with 0 if every row ran, whether or not its goal is met, with 1 if one could not.
`;

/** `ecg-transplant bench`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      list: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      data: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const rows = chooseRows(benchRows(quick), values.rows);
  if (values.list) {
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, title } of rows) print(`${name.padEnd(width)}  ${title}\n`);
    return 0;
  }
  const rounds = values.rounds === undefined ? undefined : (parseNumber(values.rounds) ?? Number.NaN);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000)) {
    throw new UsageError('--rounds cannot be used', { got: values.rounds, expected: 'a whole number of 1 to 1000' });
  }
  const file = values.json && resolve(values.json);
  if (file) checkOutputFile(file, { flag: '--json', replace: values.force });
  const report = reporterFor();
  const inputs = new BenchInputs({ data: values.data && resolve(values.data), quick, report });
  const ignoreSignals = heedSignals((name) => {
    inputs.dispose();
    process.exit(codeOfSignal(name));
  });
  try {
    const here = machine(root);
    if ((loadavg()[0] ?? 0) > 0.5 * here.cpus) {
      report({
        kind: 'warning',
        text: `the machine is busy (load ${loadavg()[0].toFixed(1)}): ratios will be unsteady`,
      });
    }
    const setting = { machine: here, ...(await probeBoth()), challenge17: inputs.challenge17Source, quick };
    const results: RowResult[] = [];
    await runBench(rows, inputs, {
      rounds,
      report,
      onResult: (result) => {
        results.push(result);
        if (file) writeFileAtomic(file, toJson(results, setting));
      },
    });
    print(`\n${formatSetting(setting)}\n\n${formatResults(results, { quick })}\n`);
    return results.every(({ error }) => error === undefined) ? 0 : 1;
  } finally {
    ignoreSignals();
    inputs.dispose();
  }
}

/** The rows of a list such as `step,frames`, in the order of the table; all without a list. */
export function chooseRows(rows: readonly BenchRow[], list: string | undefined): readonly BenchRow[] {
  if (list === undefined) return rows;
  const wanted = list.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new UsageError('--rows names a row that there is not', {
      got: JSON.stringify(unknown),
      expected: rows.map(({ name }) => name).join(', '),
    });
  }
  return rows.filter(({ name }) => wanted.includes(name));
}
