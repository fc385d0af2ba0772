import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseChoice } from '../compare/choose.ts';
import { publishedFolder, requireCollections } from '../compare/data.ts';
import { formatReport, formatSummary, resultAsJson, runSabotage, succeeded } from '../compare/sabotage/index.ts';
import { InputError, messageOf } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { codeOfSignal, heedSignals } from '../lib/ending_signals.ts';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print, printError } from '../output.ts';
import { isCheckout, pythonExecutable, root, workFolder } from '../setup/environment.mjs';
import { wholeNumber } from './whole_number.ts';

export const help = `npm run compare -- --sabotage [options]

Damages copies of the port's source, one small error at a time, and shows whether the comparison notices. The project stays as it is.

  --count N        errors made by rules, beside those made by hand (200)
  --seed N         seed of their choice and of the cases (2021)
  --suite NAME     only the cases of some suites (NAME,NAME) and the errors made by hand that they have to notice
  --all            all cases of the suites, not only the quick ones
  --seconds N      cases that one error may cost, in seconds on the undamaged port, the fastest first (300)
  --minutes N      begin no further error after N minutes
  --workers N      processes that work at the same time, each with a Python (1)
  --data DIR       real recordings, as for a comparison; without it recordings are generated, in data/generated
  --published DIR  results of the DL4H reproduction, for the suite published
  --original DIR   a checkout of the Python code (ORIGINAL_DIR; original/)
  --job-dir DIR    folder for sabotage.md, sabotage.json and the journal; a run that was stopped goes on there (jobs/sabotage)
  --report FILE    write sabotage.md there too

Ctrl-C stops at once; what is done is kept.
Ends with 0 if every error made by hand and 95 % of the others that are not equivalent to the port are noticed, else with 1; with 2 if it
could not run.
`;

const optionTypes = {
  count: { type: 'string', default: '200' },
  seed: { type: 'string', default: '2021' },
  suite: { type: 'string', multiple: true },
  all: { type: 'boolean', default: false },
  seconds: { type: 'string', default: '300' },
  minutes: { type: 'string' },
  workers: { type: 'string', default: '1' },
  data: { type: 'string' },
  published: { type: 'string' },
  original: { type: 'string', default: process.env.ORIGINAL_DIR ?? join(root, 'original') },
  'job-dir': { type: 'string', default: join(workFolder, 'jobs', 'sabotage') },
  report: { type: 'string' },
} as const;

/** `ecg-transplant compare --sabotage`. */
export async function run(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const ignoreSignals = heedSignals((name, again) => (again ? process.exit(codeOfSignal(name)) : stop.abort()));
  try {
    const { values } = parseArgs({ args: [...args], options: optionTypes });
    if (!isCheckout) {
      throw new InputError('sabotage changes copies of the TypeScript sources', {
        got: 'the installed package, which holds compiled code alone',
        expected: 'a clone of the project',
        next: 'In the clone: npm run compare -- --sabotage',
      });
    }
    const seed = wholeNumber('--seed', values.seed, 1, 2 ** 32 - 1);
    const published = publishedFolder(
      values.data && resolve(values.data),
      values.published && resolve(values.published),
    );
    const folder = resolve(values['job-dir']);
    checkOutputFolder(folder, { flag: '--job-dir' });
    if (values.report !== undefined) checkOutputFile(values.report, { flag: '--report', replace: true });
    mkdirSync(folder, { recursive: true });
    const result = await runSabotage(
      {
        project: root,
        folder,
        count: wholeNumber('--count', values.count, 0, 100_000),
        seed,
        workers: wholeNumber('--workers', values.workers, 1, availableParallelism()),
        seconds: wholeNumber('--seconds', values.seconds, 1, 100_000),
        ...(values.minutes === undefined ? {} : { minutes: wholeNumber('--minutes', values.minutes, 1, 10_000) }),
        all: values.all,
        only: parseChoice({ suite: values.suite }).suites,
        suites: 'compare/suites/index.ts',
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
    if (error instanceof TypeError && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS')) {
      printError(`\n${help}`);
    }
    return 2;
  } finally {
    ignoreSignals();
  }
}

function dataIn(folder: string | undefined): { kind: 'real' | 'generated'; folder: string } {
  if (folder === undefined) return { kind: 'generated', folder: join(workFolder, 'data', 'generated', 'compare') };
  return { kind: 'real', folder: requireCollections(resolve(folder)).folder };
}
