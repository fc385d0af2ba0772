import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { type RowResult, runBench } from '../bench/bench.ts';
import { BenchInputs } from '../bench/inputs.ts';
import { peerRows } from '../bench/peer_rows.ts';
import { formatResults, formatSetting, resultsAsJson } from '../bench/report.ts';
import { type BenchRow, benchRows } from '../bench/rows.ts';
import { probeBoth } from '../doctor/probes.ts';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { listOf, oneOf, text, wholeNumber } from '../lib/argparse/types.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { root } from '../lib/installation.mjs';
import { machine } from '../lib/machine.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print } from '../output.ts';
import { setUpPeers } from '../setup/peers.mjs';
import { force } from './flags.ts';

const line = {
  program: 'ecg-transplant bench',
  about: `Measures the port and the Python original in turn (A B A B …), each in its own process with the same number of threads, and shows
medians, the ratio port / original, and the range of the ratio over the rounds. Smaller is better in every row.`,
  flags: {
    'What to measure': {
      rows: {
        value: 'LIST',
        type: listOf(text),
        help: 'measure only these rows, such as step,frames',
        defaultText: 'all',
      },
      peers: {
        help: 'the rows against PyTorch and ONNX Runtime instead of those against the original; the first time, downloads 3 GB into .venv-peers',
      },
      list: { help: 'show the rows and exit' },
      rounds: {
        value: 'N',
        type: wholeNumber(1, 1000),
        help: 'rounds of every row',
        defaultText: "each row's own number",
      },
      data: {
        value: 'DIR',
        help: 'folder that holds cinc2017, for the rows on Challenge 2017',
        defaultText: 'generated recordings',
      },
      quick: { help: 'run every row on tiny data, as a check that it runs; the figures mean nothing' },
    },
    Output: {
      json: {
        value: 'FILE',
        help: 'write the figures as JSON, updated row by row: {machine, rows: [{name, port, original, unit, ratio, goal, …}]}',
      },
      force,
    },
  },
  notes: `All rows take about half an hour on two CPUs and up to 10 GB of memory. Run nothing else on the machine meanwhile.
Exits with 0 if every row ran, whether or not it met its goal, and with 1 if one could not run.`,
  examples: `ecg-transplant bench --list
ecg-transplant bench --rows step --json step.json
ecg-transplant bench --peers --rows predict-onnx`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant bench`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const { quick = false, rounds } = values;
  const others = values.peers ? [] : peerRows(quick).filter(({ name }) => values.rows?.includes(name));
  if (others.length > 0) {
    const next = `ecg-transplant bench --peers --rows ${others.map(({ name }) => name).join(',')}`;
    throw new UsageError('--rows: rows against other programs need --peers', { got: others[0].name, next });
  }
  const rows = chooseRows(values.peers ? peerRows(quick) : benchRows(quick), values.rows);
  if (values.list) {
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, title } of rows) print(`${name.padEnd(width)}  ${title}\n`);
    return 0;
  }
  const file = values.json && resolve(values.json);
  if (file) checkOutputFile(file, { flag: '--json', replace: values.force });
  if (rows.some(({ pytorch }) => pytorch)) await setUpPeers();
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
        if (file) writeFileAtomic(file, resultsAsJson(results, setting));
      },
    });
    print(`\n${formatSetting(setting)}\n\n${formatResults(results, { quick })}\n`);
    return results.every(({ error }) => error === undefined) ? 0 : 1;
  } finally {
    ignoreSignals();
    inputs.dispose();
  }
}

/** The rows with the wanted names, in the order of the table; all without names. */
export function chooseRows(rows: readonly BenchRow[], wanted: readonly string[] | undefined): readonly BenchRow[] {
  if (wanted === undefined) return rows;
  const known = oneOf(rows.map(({ name }) => name));
  for (const name of wanted) known.read(name, '--rows');
  return rows.filter(({ name }) => wanted.includes(name));
}
