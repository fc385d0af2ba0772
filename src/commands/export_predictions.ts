import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { typeOf, wholeNumber } from '../lib/argparse/types.ts';
import type { BenchmarkScore } from '../lib/benchmark_scores.ts';
import { print } from '../output.ts';
import { exportPredictions } from '../predict/benchmark_layout.ts';
import { force } from './flags.ts';

const folderName = typeOf('letters, digits, dots, hyphens and underscores', (text) =>
  /^\w[\w.-]*$/.test(text) ? text : undefined,
);

const line = {
  program: 'ecg-transplant export-predictions',
  about: `Writes the predictions of a finetuning job in the layout of the public PTB-XL benchmark (helme/ecg_ptbxl_benchmarking), and scores them as
it does: macro AUC and Fmax of the test records, each with its 90 % bootstrap interval.`,
  flags: {
    Input: { jobDir: { value: 'DIR', required: true, help: 'folder of the finished job' } },
    Output: {
      target: {
        value: 'DIR',
        required: true,
        help: 'folder of all experiments, output/ in the benchmark; created if missing',
      },
      experiment: {
        value: 'NAME',
        type: folderName,
        help: 'folder of the experiment',
        defaultText:
          'exp0 for --labels all, exp1 diagnostic, exp1.1 sub-, exp1.1.1 superdiagnostic, exp2 form, exp3 rhythm',
      },
      model: { value: 'NAME', type: folderName, default: 'ecg-transplant', help: 'folder of the network' },
      force,
    },
    Bootstrap: {
      resamples: { value: 'N', type: wholeNumber(1, 100_000), default: 100, help: 'samples of the test records' },
      seed: { value: 'N', type: wholeNumber(0, 2 ** 32 - 1), default: 0, help: 'seed of the draws' },
    },
  },
  notes: `Writes TARGET/EXPERIMENT/data/y_{train,val,test}.npy, classes.txt, and in TARGET/EXPERIMENT/models/MODEL y_{train,val,test}_pred.npy and
results/te_results.csv.`,
  examples: 'ecg-transplant export-predictions --job-dir jobs/ptbxl-all --target output',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant export-predictions`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const { folder, records, scores } = exportPredictions({ ...values, report: reporterFor() });
  const text = ({ point, lower, upper }: BenchmarkScore): string =>
    `${point.toFixed(3)} [${lower.toFixed(3)}, ${upper.toFixed(3)}]`;
  const scored = scores ? `macro AUC ${text(scores.macroAuc)}, Fmax ${text(scores.fMax)}` : 'not scored';
  print(`${folder}: ${records} test records, ${scored}\n`);
  return 0;
}
