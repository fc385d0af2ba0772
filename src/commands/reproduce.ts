import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { identifyOriginal } from '../bridge/witness.ts';
import { exitCodeOf } from '../compare/comparison.ts';
import { formatComparison, readReport } from '../compare/report/index.ts';
import { messageOf, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { experiments } from '../experiments.ts';
import { JobPaused } from '../jobs/job.ts';
import { precisions } from '../jobs/progress.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { isUserFault } from '../lib/python/errors.ts';
import { print, printError } from '../output.ts';
import { identifyGiven } from '../reproduce/port_steps.ts';
import { checkCollections } from '../reproduce/recordings.ts';
import { readScoreText, scoresFile } from '../reproduce/report_step.ts';
import { listSteps, runSteps, StepFailed } from '../reproduce/run.ts';
import { RunFolder, type SideName } from '../reproduce/run_folder.ts';
import { type GivenWeights, given, type RunSettings } from '../reproduce/settings.ts';
import { type StageName, stageNames, titleOf } from '../reproduce/step.ts';
import { lockFile, pythonExecutable, root, workFolder } from '../setup/environment.mjs';
import { formatDuration, shellCommand } from '../text.ts';
import { wholeNumber } from './whole_number.ts';

const profiles = Object.values(experiments);
const width = Math.max(...profiles.map(({ name }) => name.length));

export const help = `npx zx scripts/reproduce.mjs [options]        (also: npm run reproduce -- [options])

The paper's experiment in TypeScript and in the Python original, and a verdict: pretraining on Icentia11k, finetuning from pretrained and from
random weights, predictions, metrics, the same in Python, comparison, report. Sets up what is missing first. Needs no data to begin with.

  --profile NAME      which experiment (quick)
${profiles.map(({ name, summary }) => `                        ${name.padEnd(width)}  ${summary}`).join('\n')}
  --data DIR          real recordings, one folder a collection (cinc2017, ptbxl, icentia11k), as scripts/fetch-data.mjs gets them
  --weights-file FILE pretrained weights of yours, for the profile transfer: a Keras file or a TensorFlow checkpoint
  --side SIDE         port, original or both (both)
  --trials N          trials of each finetuning job (as the profile says)
  --seed N            seed of everything that is drawn (2021)
  --precision P       float32, bfloat16 (half the time where the processor has it) or float64, of the port's training (float32)
  --original DIR      another checkout of the Python original: a folder with transplant/, pretraining/ and finetuning/ (ORIGINAL_DIR; original/)
  --job-dir DIR       folder of the run (jobs/reproduce/PROFILE)

Stages: ${stageNames.join(', ')}
  --from STAGE        begin with this stage; those before it must be complete
  --only STAGE        only this stage
  --force             do the chosen stages again, also where they are complete
  --list              show the steps, what is done and how long the rest will take, and end

What is done is not done again: after Ctrl-C, a power failure or an error the same command goes on where it was. Changed options run
again what they change. Results: report.html, scores.md, report.json, junit.xml, the jobs of both sides and logs/ in the folder.
Ends with 0 if every row of the comparison passes (or with one side only, if it ran), 1 if one does not, 2 if something could not run,
75 after Ctrl-C.
`;

export const pauses = true;

/** `ecg-transplant reproduce`. */
export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      profile: { type: 'string', default: 'quick' },
      data: text,
      'weights-file': text,
      side: { type: 'string', default: 'both' },
      trials: text,
      seed: { type: 'string', default: '2021' },
      precision: { type: 'string', default: 'float32' },
      original: { type: 'string', default: process.env.ORIGINAL_DIR || join(root, 'original') },
      'job-dir': text,
      from: text,
      only: text,
      force: { type: 'boolean' },
      list: { type: 'boolean' },
    },
  });
  const pause = new PauseSignals(undefined);
  try {
    const settings = settingsOf(values, args);
    const from = stageOf('--from', values.from);
    const only = stageOf('--only', values.only);
    if (values.list) return list(settings);
    checkOutputFolder(settings.folder.root, { flag: '--job-dir' });
    await runSteps(settings, { from, only, force: values.force }, { report: reporterFor(), signal: pause.signal });
    return conclude(settings, only);
  } catch (error) {
    if (error instanceof JobPaused) {
      printError(`paused; what is done is kept. Go on with the same command: ${commandOf(args)}\n`);
      return pausedCode;
    }
    printError(`reproduce: ${messageOf(error)}\n`);
    const isExpected = isUserFault(error) || error instanceof StepFailed;
    if (!isExpected || process.env.ECG_TRANSPLANT_DEBUG === '1') {
      printError(`${error instanceof Error ? error.stack : ''}\n`);
    }
    return 2;
  } finally {
    pause.dispose();
  }
}

/** Shows the result of a whole run; 0 for a single stage before the report. */
function conclude({ folder, sides }: RunSettings, only: StageName | undefined): number {
  if (only !== undefined && only !== 'report') {
    print(`${only}: done\n`);
    return 0;
  }
  const scores = join(folder.root, scoresFile);
  if (sides.length < 2) {
    print(`\n${readScoreText({ folder })}\nOnly the ${sides[0]} ran: nothing was compared.\nScores: ${scores}\n`);
    return 0;
  }
  const comparison = readReport(join(folder.root, 'report.json'));
  print(
    `\n${formatComparison(comparison)}\n\n${formatDuration(comparison.seconds)} of work\nReport: ${join(folder.root, 'report.html')}\nScores: ${scores}\n`,
  );
  return exitCodeOf(comparison.findings);
}

function list(settings: RunSettings): number {
  const steps = listSteps(settings);
  const marks = { done: 'done ', begun: 'begun', open: '  -  ' } as const;
  for (const { step, state } of steps) {
    print(`${marks[state]}  ${titleOf(step)}${state === 'done' ? '' : `  (${formatDuration(step.seconds)})`}\n`);
  }
  const left = steps.filter(({ state }) => state !== 'done').reduce((sum, { step }) => sum + step.seconds, 0);
  print(left === 0 ? 'Everything is done.\n' : `About ${formatDuration(left)} left on two cores.\n`);
  return 0;
}

function settingsOf(
  values: {
    readonly profile: string;
    readonly data?: string;
    readonly 'weights-file'?: string;
    readonly side: string;
    readonly trials?: string;
    readonly seed: string;
    readonly precision: string;
    readonly original: string;
    readonly 'job-dir'?: string;
  },
  args: readonly string[],
): RunSettings {
  const experiment = Object.hasOwn(experiments, values.profile) ? experiments[values.profile] : undefined;
  if (!experiment) {
    throw new UsageError('--profile', { got: values.profile, expected: Object.keys(experiments).join(', ') });
  }
  const { name } = experiment;
  const data = values.data === undefined ? undefined : resolve(values.data);
  if (data === undefined && experiment.data === 'folder') {
    throw new UsageError(`the profile ${name} runs on real recordings`, {
      expected: '--data DIR, a folder with the collections',
      next: 'Get them: node scripts/fetch-data.mjs --help. Or begin without: npm run reproduce',
    });
  }
  if (data !== undefined && experiment.data === 'generated') {
    throw new UsageError(`the profile ${name} makes its own recordings`, {
      got: `--data ${values.data}`,
      next: `Real recordings: --profile sample --data ${values.data}`,
    });
  }
  if (data !== undefined) checkCollections(experiment, data);
  const precision = precisions.find((one) => one === values.precision);
  if (!precision) throw new UsageError('--precision', { got: values.precision, expected: precisions.join(', ') });
  const original = resolve(values.original);
  identifyOriginal(original);
  return {
    experiment,
    folder: new RunFolder(resolve(values['job-dir'] ?? join(workFolder, 'jobs', 'reproduce', name))),
    ...(data !== undefined && { data }),
    ...weightsOf(
      name,
      experiment.finetuning.some(({ weights }) => weights === given),
      values['weights-file'],
    ),
    sides: sidesOf(values.side),
    trials: wholeNumber('--trials', values.trials ?? String(experiment.trials), 1, 1000),
    // Trials have the seeds after it; the trainers take 0 for none.
    seed: wholeNumber('--seed', values.seed, 1, 2 ** 31),
    precision,
    original,
    python: pythonExecutable(),
    lock: lockFile(),
    command: commandOf(args),
  };
}

function weightsOf(profile: string, wanted: boolean, file: string | undefined): { readonly given?: GivenWeights } {
  if (!wanted) {
    if (file === undefined) return {};
    throw new UsageError(`the profile ${profile} pretrains its own weights`, {
      got: `--weights-file ${file}`,
      next: 'With weights of yours: --profile transfer',
    });
  }
  if (file === undefined) {
    throw new UsageError(`the profile ${profile} needs pretrained weights`, {
      expected: '--weights-file FILE, a Keras file or the prefix of a TensorFlow checkpoint',
    });
  }
  return { given: identifyGiven(resolve(file)) };
}

function sidesOf(side: string): readonly SideName[] {
  if (side === 'both') return ['port', 'original'];
  if (side === 'port' || side === 'original') return [side];
  throw new UsageError('--side', { got: side, expected: 'port, original or both' });
}

function stageOf(option: string, value: string | undefined): StageName | undefined {
  if (value === undefined) return undefined;
  const stage = stageNames.find((name) => name === value);
  if (!stage) throw new UsageError(option, { got: value, expected: stageNames.join(', ') });
  return stage;
}

/** The options as typed, in the form that works everywhere; those that choose stages are left out. */
function commandOf(args: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--force' || args[i] === '--list' || /^--(from|only)=/.test(args[i])) continue;
    if (args[i] === '--from' || args[i] === '--only') i++;
    else kept.push(args[i]);
  }
  return shellCommand(['npm', 'run', 'reproduce', '--', ...kept]);
}
