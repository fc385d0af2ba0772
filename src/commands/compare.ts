import { join, resolve } from 'node:path';
import { markdownTable } from 'markdown-table';
import { identifyOriginal } from '../bridge/witness.ts';
import { choiceFlags, choiceOf, chooseCases, divideByData } from '../compare/choose.ts';
import { type Chosen, exitCodeOf } from '../compare/comparison.ts';
import { type ComparisonData, generatedCollections, publishedFolder, requireCollections } from '../compare/data.ts';
import { type Comparison, formatComparison, readReport, shimLines, writeReport } from '../compare/report/index.ts';
import type { SuiteContext } from '../compare/suite.ts';
import { suites } from '../compare/suites/index.ts';
import { KnownSeconds } from '../compare/workers/known_seconds.ts';
import { type CompareOptions, runHere, runSpread } from '../compare/workers/spread.ts';
import { InputError, messageOf, UsageError } from '../errors.ts';
import { type Reporter, reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import { type FlagGroups, type FlagsIn, type FlagTable, flagOf, flagsIn, type Values } from '../lib/argparse/flags.ts';
import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { heedSignals } from '../lib/ending_signals.ts';
import { isCheckout, lockFile, pythonExecutable, workFolder } from '../lib/installation.mjs';
import { checkOutputFolder } from '../lib/outputs.ts';
import { print, printError } from '../output.ts';
import { shellCommand } from '../text.ts';
import { originalFolder, publishedResults, seed } from './flags.ts';
import { warnOfMemory } from './worker_memory.ts';

const width = Math.max(...suites.map(({ name }) => name.length));
const summaries = suites.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`);

const line = {
  program: 'npm run compare --',
  about: `Runs the Python original beside the port and says, suite by suite, whether they are the same, by how much they differ, and where. Without
options it runs everything but the suite outcome, which takes about an hour and a half on two cores.`,
  flags: {
    'What to compare': {
      ...choiceFlags,
      suite: { ...choiceFlags.suite, help: `${choiceFlags.suite.help}:\n${summaries.join('\n')}\n` },
      first: {
        help: 'stop at the first case that differs; its rows say which layer, preparation step or random draw differs first',
      },
      list: { help: 'show the chosen cases and exit' },
    },
    'What to compare on': {
      data: {
        value: 'DIR',
        help: 'real recordings, one folder per collection',
        defaultText: 'recordings generated once in data/generated',
      },
      published: publishedResults,
      seed,
      trials: {
        value: 'N',
        type: wholeNumber(1, 1000),
        default: 5,
        help: 'trainings per side in the suite outcome; a statement takes at least 5',
      },
    },
    'What to compare with': {
      original: originalFolder,
      keras: {
        value: 'VERSION',
        type: oneOf(['3', 'legacy']),
        default: '3',
        help: '3, or legacy to run the original on tf_keras',
      },
      gpu: { help: 'GPU parity mode (TF32 off, deterministic operations) in both processes; not yet tried on a GPU' },
    },
    'How to compare': {
      workers: {
        value: 'N',
        type: wholeNumber(1, 256),
        default: 1,
        help: 'pairs of processes (the port and its own Python) that share the cases; the results are the same. Each pair needs up to 4 GB of memory',
      },
    },
    Output: {
      jobDir: {
        value: 'DIR',
        help: 'folder for report.html, report.md, report.json and junit.xml, which are replaced',
        default: join(workFolder, 'jobs', 'compare'),
        defaultText: 'jobs/compare',
      },
      report: { value: 'FILE', help: 'write the reports again from this report.json, without running Python' },
    },
    Sabotage: {
      sabotage: {
        help: "damage copies of the port's source, one small fault at a time, and see whether the suites notice;\nits options: npm run compare -- --sabotage --help",
      },
    },
  },
  notes: `Ctrl-C stops after the running case and reports what is done; a second Ctrl-C stops at once.
Exits with 0 only if every row passes, 1 if one does not, 2 if something could not run.`,
  examples: `npm run compare -- --quick
npm run compare -- --suite sampling --first`,
} as const satisfies CommandLine<FlagGroups>;

export async function help(args: readonly string[]): Promise<string> {
  return args.includes('--sabotage') ? (await sabotage()).help() : helpOf(line);
}

/** The command behind `--sabotage`, which changes sources and is no part of a published package. */
async function sabotage(): Promise<typeof import('./sabotage.ts')> {
  if (isCheckout) return import('./sabotage.ts');
  throw new UsageError('--sabotage changes copies of the TypeScript sources', {
    got: 'an installed package, which holds compiled code only',
    expected: 'a clone of the project',
    next: 'In a clone: npm run compare -- --sabotage',
  });
}

/** `ecg-transplant compare`. */
export async function run(args: readonly string[]): Promise<number> {
  if (args.includes('--sabotage')) return (await sabotage()).run(args.filter((arg) => arg !== '--sabotage'));
  const { values } = parse(line, args);
  const folder = resolve(values.jobDir);
  try {
    if (!values.list) checkOutputFolder(folder, { flag: '--job-dir' });
    if (values.report !== undefined) return await finish(readReport(resolve(values.report)), folder);
    const { seed, trials, keras } = values;
    const chosen = chooseCases(suites, choiceOf(values));
    if (values.list) return list(chosen);
    const report = reporterFor();
    const data = values.data === undefined ? await generated(seed, report) : requireCollections(resolve(values.data));
    const published = publishedFolder(data.folder, values.published && resolve(values.published));
    const settings = { seed, trials, data, ...(published ? { published } : {}) };
    const other = { folder: resolve(values.original), keras, gpu: values.gpu ?? false } as const;
    const { possible, lacking } = divideByData(chosen, data, published);
    for (const lack of lacking) report({ kind: 'warning', text: `not compared, because data are missing: ${lack}` });
    if (possible.length === 0)
      throw new InputError('none of the chosen cases can run: the data that they need are missing');
    warnOfMemory(values.workers, report);
    const how = { workers: values.workers, untilFirst: values.first ?? false, known: new KnownSeconds(folder) };
    const comparison = await compare(possible, settings, { ...other, ...how }, report);
    const command = shellCommand(['npm', 'run', 'compare', '--', ...args]);
    const code = await finish({ ...comparison, command, settings: repeatable(values) }, folder);
    how.known.write();
    return code;
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

interface Plan {
  readonly folder: string;
  readonly keras: '3' | 'legacy';
  readonly gpu: boolean;
  readonly workers: number;
  readonly untilFirst: boolean;
  readonly known: KnownSeconds;
}

async function compare(
  chosen: Chosen,
  {
    data: { kind, folder: recordings, names },
    ...others
  }: Pick<SuiteContext, 'seed' | 'trials' | 'data' | 'published'>,
  { folder, keras, gpu, workers, untilFirst, known }: Plan,
  report: Reporter,
): Promise<Omit<Comparison, 'command' | 'settings'>> {
  const begun = new Date();
  const witness = identifyOriginal(folder, keras);
  const stop = new StopSignal(report);
  report({ kind: 'message', text: 'Starting the Python original' });
  const bridge = { python: pythonExecutable(), original: folder, keras, gpu };
  const start = { bridge, lock: lockFile(), settings: { ...others, data: { kind, folder: recordings } } };
  const course: CompareOptions = {
    signal: stop.signal,
    untilFirst,
    timed: (one, seconds) => known.measured(one.suite, one.case, seconds),
    opened: ({ original: { tensorflow, keras: version } }) => {
      report({ kind: 'message', text: `${witness.title}; TensorFlow ${tensorflow}, Keras ${version}` });
    },
  };
  try {
    const { findings, sides, shims } =
      workers > 1
        ? await runSpread(chosen, start, { ...course, workers, secondsOf: (...one) => known.of(...one) }, report)
        : await runHere(chosen, start, course, report);
    return {
      title: 'Port and original',
      witness,
      shims: shimLines(shims),
      findings,
      sides,
      data: { kind, names },
      seed: others.seed,
      begun: begun.toISOString(),
      seconds: (Date.now() - begun.getTime()) / 1000,
    };
  } finally {
    stop.dispose();
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
      report({ kind: 'warning', text: 'stopping after this case; press Ctrl-C again to stop at once' });
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
}

/** Words of the command line that do not choose cases, for the command that repeats one of them. */
function repeatable(values: Values<FlagsIn<typeof line.flags>>): string[] {
  const table: FlagTable = flagsIn(line.flags);
  return (['data', 'published', 'seed', 'trials', 'original', 'keras', 'gpu'] as const).flatMap((name) => {
    const value = values[name];
    if (value === undefined || value === table[name].default) return [];
    return value === true ? [flagOf(name)] : [flagOf(name), String(value)];
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
