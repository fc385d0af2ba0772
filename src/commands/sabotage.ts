import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { choiceFlags, choiceOf } from '../compare/choose.ts';
import { publishedFolder, requireCollections } from '../compare/data.ts';
import { formatReport, formatSummary, resultAsJson, runSabotage, succeeded } from '../compare/sabotage/index.ts';
import { messageOf } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { wholeNumber } from '../lib/argparse/types.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { pythonExecutable, root, workFolder } from '../lib/installation.mjs';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print, printError } from '../output.ts';
import { originalFolder, publishedResults, seed } from './flags.ts';

const line = {
  program: 'npm run compare -- --sabotage',
  about: `Damages copies of the port's source, one small fault at a time, and shows whether the comparison notices. The project itself stays as it is.`,
  flags: {
    Faults: {
      count: {
        value: 'N',
        type: wholeNumber(0, 100_000),
        default: 200,
        help: 'faults made by rules, beside those made by hand; most of them in the core, and most of them changes of a value',
      },
      seed: { ...seed, help: 'seed of the choice of faults and of the cases' },
    },
    Cases: {
      suite: {
        ...choiceFlags.suite,
        help: 'run only these suites (NAME,NAME), and of the faults made by hand those that they must notice',
      },
      all: { help: 'run all cases of the suites, not only the quick ones' },
      seconds: {
        value: 'N',
        type: wholeNumber(1, 100_000),
        default: 300,
        help: 'seconds of cases per fault, timed on the undamaged port; the fastest cases come first',
      },
      data: {
        value: 'DIR',
        help: 'real recordings, one folder per collection',
        defaultText: 'recordings generated once in data/generated',
      },
      published: publishedResults,
      original: originalFolder,
    },
    Run: {
      minutes: { value: 'N', type: wholeNumber(1, 10_000), help: 'start no further fault after N minutes' },
      workers: {
        value: 'N',
        type: wholeNumber(1, availableParallelism()),
        default: 1,
        help: 'processes that work at the same time, each with its own Python',
      },
      jobDir: {
        value: 'DIR',
        help: 'folder for sabotage.md, sabotage.json and the journal, from which an interrupted run continues',
        default: join(workFolder, 'jobs', 'sabotage'),
        defaultText: 'jobs/sabotage',
      },
      report: { value: 'FILE', help: 'write sabotage.md to this file, too' },
    },
  },
  notes: `Ctrl-C stops at once and keeps what is done.
Exits with 0 if the suites notice every fault made by hand and, because a value differs, 95 % of the faults made by rules that change what
the port does and that a case runs to its end; else with 1; with 2 if it could not run.`,
  examples: 'npm run compare -- --sabotage --count 20 --minutes 60',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant compare --sabotage`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const stop = new AbortController();
  const ignoreSignals = heedSignals((name, again) => (again ? process.exit(codeOfSignal(name)) : stop.abort()));
  try {
    const { count, seed, workers, seconds, minutes } = values;
    const published = publishedFolder(
      values.data && resolve(values.data),
      values.published && resolve(values.published),
    );
    const folder = resolve(values.jobDir);
    checkOutputFolder(folder, { flag: '--job-dir' });
    if (values.report !== undefined) checkOutputFile(values.report, { flag: '--report', replace: true });
    mkdirSync(folder, { recursive: true });
    const result = await runSabotage(
      {
        project: root,
        folder,
        count,
        seed,
        workers,
        seconds,
        ...(minutes === undefined ? {} : { minutes }),
        all: values.all ?? false,
        only: choiceOf({ suite: values.suite }).suites,
        bridge: { python: pythonExecutable(), original: resolve(values.original), callTimeoutMs: 300_000 },
        settings: { data: dataIn(values.data), seed, trials: 5, ...(published ? { published } : {}) },
      },
      reporterFor(),
      stop.signal,
    );
    const report = formatReport(result, `npm run compare -- --sabotage ${args.join(' ')}`.trim());
    writeFileAtomic(join(folder, 'sabotage.md'), report);
    writeFileAtomic(join(folder, 'sabotage.json'), resultAsJson(result));
    if (values.report !== undefined) writeFileAtomic(resolve(values.report), report);
    print(`\n${formatSummary(result)}\n\nReport: ${join(folder, 'sabotage.md')}\n`);
    return succeeded(result) ? 0 : 1;
  } catch (error) {
    printError(`compare --sabotage: could not run: ${messageOf(error)}\n`);
    return 2;
  } finally {
    ignoreSignals();
  }
}

function dataIn(folder: string | undefined): { kind: 'real' | 'generated'; folder: string } {
  if (folder === undefined) return { kind: 'generated', folder: join(workFolder, 'data', 'generated', 'compare') };
  return { kind: 'real', folder: requireCollections(resolve(folder)).folder };
}
