import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { enterGpuParityMode } from '../bridge/gpu.ts';
import { handshake } from '../bridge/handshake.ts';
import { Original } from '../bridge/original.ts';
import { identifyOriginal } from '../bridge/witness.ts';
import { chooseCases, divideByData, parseChoice } from '../compare/choose.ts';
import { type Chosen, exitCodeOf, runCases } from '../compare/comparison.ts';
import {
  type ComparisonData,
  collections,
  generatedCollections,
  publishedFolder,
  requireCollections,
} from '../compare/data.ts';
import {
  type Comparison,
  formatComparison,
  readReport,
  shimLines,
  sidesOf,
  writeReport,
} from '../compare/report/index.ts';
import { type SuiteContext, taskNames } from '../compare/suite.ts';
import { suites } from '../compare/suites/index.ts';
import { InputError, messageOf, UsageError } from '../errors.ts';
import { type Reporter, reporterFor } from '../events.ts';
import { runtime } from '../graph/runtime.ts';
import { heedSignals } from '../lib/ending_signals.ts';
import { machine } from '../lib/machine.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { lockFile, pythonExecutable, root, workFolder } from '../setup/environment.mjs';
import { shellCommand } from '../text.ts';
import { wholeNumber } from './whole_number.ts';

const defaults: { readonly [flag: string]: string } = {
  seed: '2021',
  trials: '5',
  original: process.env.ORIGINAL_DIR ?? join(root, 'original'),
  keras: '3',
};
const width = Math.max(...suites.map(({ name }) => name.length));

export const help = `npm run compare -- [options]

Runs the Python original beside the port and says, suite by suite, whether they are the same, by how much, and where not.

What to compare (without any: everything but the suite outcome; about an hour and a half on two cores)
  --quick            a small case of each suite; about three minutes
  --suite NAME       one or several suites (NAME,NAME)
${suites.map(({ name, summary }) => `                       ${name.padEnd(width)}  ${summary}`).join('\n')}
  --case TEXT        cases whose name contains the text
  --data-set NAME    ${Object.keys(collections).join(', ')}
  --arch NAME        resnet18, resnet34, resnet50
  --task NAME        ${taskNames.join(', ')}
  --first            stop at the first case that differs; rows say which layer, stage of preparation or random draw differs first
  --list             show the cases of the choice and end

What it is compared on
  --data DIR         real recordings, one folder a collection; without it recordings are generated once, in data/generated
  --published DIR    results of the DL4H reproduction, for the suite published (DIR/published of --data, if there)
  --seed N           seed of everything that is drawn (2021)
  --trials N         trainings a side of the suite outcome, at least 5 for a statement (5)

What it is compared with
  --original DIR     a checkout of the Python code: a folder with transplant/, pretraining/ and finetuning/ (ORIGINAL_DIR; original/)
  --keras VERSION    3, or legacy: the original on tf_keras (3)
  --gpu              parity mode of a GPU: TF32 off, deterministic operations, in both processes; never tried on one

Output
  --job-dir DIR      folder for report.html, report.md, report.json and junit.xml, overwritten (jobs/compare)

  --report FILE      instead: make the report anew from its report.json, without Python
  --sabotage         instead: damage the port's source, one small fault at a time, and see whether the suites notice. Takes
                     --suite, --seed, --data, --published, --original and --job-dir as above, and its own options:
  --count N          faults made by rules, beside those made by hand (200)
  --all              all cases of the suites, not only the quick ones
  --seconds N        cases that one fault may cost, in seconds, the fastest first (300)
  --minutes N        begin no further fault after N minutes; the same command goes on
  --workers N        processes that work at the same time, each with a Python (1)
  --report FILE      write the table of faults there too

Ctrl-C stops after the running case and reports what is done; once more ends at once.
Ends with 0 only if every row passes, 1 if one does not, 2 if something could not run.
`;

/** `ecg-transplant compare`. */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--sabotage'))
    return (await import('./sabotage.ts')).run(args.filter((arg) => arg !== '--sabotage'));
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      suite: { type: 'string', multiple: true },
      case: { type: 'string' },
      'data-set': { type: 'string', multiple: true },
      arch: { type: 'string', multiple: true },
      task: { type: 'string', multiple: true },
      first: { type: 'boolean' },
      list: { type: 'boolean' },
      data: { type: 'string' },
      published: { type: 'string' },
      seed: { type: 'string', default: defaults.seed },
      trials: { type: 'string', default: defaults.trials },
      original: { type: 'string', default: defaults.original },
      keras: { type: 'string', default: defaults.keras },
      gpu: { type: 'boolean' },
      report: { type: 'string' },
      'job-dir': { type: 'string', default: join(workFolder, 'jobs', 'compare') },
    },
  });
  const folder = resolve(values['job-dir']);
  try {
    if (!values.list) checkOutputFolder(folder, { flag: '--job-dir' });
    if (values.report !== undefined) return await finish(readReport(resolve(values.report)), folder);
    const seed = wholeNumber('--seed', values.seed, 1, 2 ** 32 - 1);
    const trials = wholeNumber('--trials', values.trials, 1, 1000);
    const choice = parseChoice(values);
    const chosen = chooseCases(suites, choice);
    if (values.list) return list(chosen);
    if (values.keras !== '3' && values.keras !== 'legacy') {
      throw new UsageError('--keras', { got: values.keras, expected: '3 or legacy' });
    }
    const report = reporterFor();
    const data = values.data === undefined ? await generated(seed, report) : requireCollections(resolve(values.data));
    const published = publishedFolder(data.folder, values.published && resolve(values.published));
    const settings = { seed, trials, data, ...(published ? { published } : {}) };
    const other = { folder: resolve(values.original), keras: values.keras, gpu: values.gpu ?? false } as const;
    const { possible, lacking } = divideByData(chosen, data, published);
    for (const lack of lacking) report({ kind: 'warning', text: `not compared, for want of data: ${lack}` });
    if (possible.length === 0) throw new InputError('no case is left of this choice: the data lack what it needs');
    const comparison = await compare(possible, settings, { ...other, untilFirst: values.first ?? false }, report);
    const command = shellCommand(['npm', 'run', 'compare', '--', ...args]);
    return await finish({ ...comparison, command, settings: repeatable(values) }, folder);
  } catch (error) {
    printError(`compare: could not run: ${messageOf(error)}\n`);
    if (process.env.ECG_TRANSPLANT_DEBUG === '1' && error instanceof Error) printError(`${error.stack}\n`);
    return 2;
  }
}

async function finish(comparison: Comparison, folder: string): Promise<number> {
  await writeReport(folder, comparison);
  print(`\n${formatComparison(comparison)}\nReport: ${join(folder, 'report.html')}\n`);
  return exitCodeOf(comparison.findings);
}

interface OtherSide {
  readonly folder: string;
  readonly keras: '3' | 'legacy';
  readonly gpu: boolean;
  readonly untilFirst: boolean;
}

async function compare(
  chosen: Chosen,
  settings: Pick<SuiteContext, 'seed' | 'trials' | 'data' | 'published'>,
  { folder, keras, gpu, untilFirst }: OtherSide,
  report: Reporter,
): Promise<Omit<Comparison, 'command' | 'settings'>> {
  const begun = new Date();
  report({ kind: 'message', text: 'Starting the Python original' });
  const witness = identifyOriginal(folder, keras);
  if (gpu) enterGpuParityMode();
  runtime();
  const stop = new StopSignal(report);
  const original = await Original.open({ python: pythonExecutable(), original: folder, keras, gpu });
  try {
    const facts = await handshake(original, lockFile());
    report({ kind: 'message', text: `${witness.title}; TensorFlow ${facts.tensorflow}, Keras ${facts.keras}` });
    const findings = await runCases(chosen, { original, ...settings }, report, { signal: stop.signal, untilFirst });
    return {
      title: 'Port and original',
      witness,
      shims: shimLines(await original.shims()),
      findings,
      sides: sidesOf(machine(root), facts),
      data: { kind: settings.data.kind, names: settings.data.names },
      seed: settings.seed,
      begun: begun.toISOString(),
      seconds: (Date.now() - begun.getTime()) / 1000,
    };
  } finally {
    stop.dispose();
    await original.close();
  }
}

/** The first Ctrl-C (or SIGTERM) stops after the running case, the second ends the process, which takes Python along. */
class StopSignal {
  readonly dispose: () => void;
  readonly #controller = new AbortController();

  constructor(report: Reporter) {
    this.dispose = heedSignals((_, again) => {
      if (again) process.exit(2);
      this.#controller.abort();
      report({ kind: 'warning', text: 'stopping after this case; once more ends at once' });
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
}

/** Words of the command line that do not choose cases, for the command that repeats one of them. */
function repeatable(values: { readonly [flag: string]: unknown }): string[] {
  const flags = ['data', 'published', 'seed', 'trials', 'original', 'keras', 'gpu'];
  return flags.flatMap((flag) => {
    const value = values[flag];
    if (value === undefined || value === defaults[flag]) return [];
    return value === true ? [`--${flag}`] : [`--${flag}`, String(value)];
  });
}

function generated(seed: number, report: Reporter): Promise<ComparisonData> {
  return generatedCollections(join(workFolder, 'data', 'generated', 'compare'), seed, report);
}

function list(chosen: Chosen): number {
  const rows = chosen.map(({ suite, case: { name, quick } }) => [suite.name, name, quick ? 'quick' : '']);
  print(`${markdownTable([['suite', 'case', ''], ...rows])}\n${chosen.length} cases\n`);
  return 0;
}
