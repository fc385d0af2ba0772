import { join, resolve } from 'node:path';
import { identifyOriginal } from '../bridge/witness.ts';
import { exitCodeOf } from '../compare/comparison.ts';
import { formatComparison, readReport } from '../compare/report/index.ts';
import { messageOf, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { experiments } from '../experiments.ts';
import { precisions } from '../graph/precision.ts';
import { JobPaused } from '../jobs/job.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import { type FlagGroups, type FlagsIn, type FlagTable, flagOf, type Values } from '../lib/argparse/flags.ts';
import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { lockFile, pythonExecutable, workFolder } from '../lib/installation.mjs';
import { near } from '../lib/near.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { isUserFault } from '../lib/python/errors.ts';
import { print, printError } from '../output.ts';
import { identifyGiven } from '../reproduce/port_steps.ts';
import { checkCollections } from '../reproduce/recordings.ts';
import { readScoreText, scoresFile } from '../reproduce/report_step.ts';
import { listSteps, runSteps } from '../reproduce/run.ts';
import { RunFolder } from '../reproduce/run_folder.ts';
import { runTask, StepFailed } from '../reproduce/run_task.ts';
import { type GivenWeights, given, type RunSettings } from '../reproduce/settings.ts';
import { SlurmClient } from '../reproduce/slurm/client.ts';
import { workUnderSlurm } from '../reproduce/slurm/work.ts';
import { type StageName, stageNames, titleOf } from '../reproduce/step.ts';
import { planTasks } from '../reproduce/tasks.ts';
import { formatDuration, ownCommand, shellCommand } from '../text.ts';
import { originalFolder } from './flags.ts';
import { listSlurm, onSlurm, requireEquals, slurmFlags, slurmOnce, slurmRequest } from './reproduce_slurm.ts';

const profiles = Object.values(experiments);
const width = Math.max(...profiles.map(({ name }) => name.length));

const line = {
  program: 'npm run reproduce --',
  about: `Runs the paper's experiment in TypeScript and in the Python original and gives a verdict: pretraining on Icentia11k, finetuning from
pretrained and from random weights, predictions and metrics on both sides, comparison, report. It first sets up what is missing, and needs
no data to begin with. Also: npx zx scripts/reproduce.mjs [options]`,
  flags: {
    'What to run': {
      profile: {
        value: 'NAME',
        type: oneOf(profiles.map(({ name }) => name)),
        default: 'quick',
        help: `experiment:\n${profiles.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n')}\n`,
      },
      side: {
        value: 'SIDE',
        type: oneOf(['both', 'port', 'original']),
        default: 'both',
        help: 'port, original or both',
      },
      trials: {
        value: 'N',
        type: wholeNumber(1, 1000),
        help: 'trials of each finetuning job',
        defaultText: 'as in the profile',
      },
      // Trials have the seeds after it; the trainers take 0 for none.
      seed: { value: 'N', type: wholeNumber(1, 2 ** 31), default: 2021, help: 'seed of everything that is drawn' },
      precision: {
        value: 'TYPE',
        type: oneOf(precisions),
        default: 'float32',
        help: "number format of the port's training: float32, bfloat16 (half the time where the processor supports it) or float64",
      },
    },
    Input: {
      data: {
        value: 'DIR',
        help: 'real recordings, one folder per collection (cinc2017, ptbxl, icentia11k), as fetch-data downloads them',
      },
      weightsFile: {
        value: 'FILE',
        help: 'your pretrained weights, for the profile transfer: a Keras file or a TensorFlow checkpoint',
      },
      original: originalFolder,
    },
    Stages: {
      from: {
        value: 'STAGE',
        type: oneOf(stageNames),
        help: `start with this stage; those before it must be complete\n(${stageNames.join(', ')})`,
      },
      only: { value: 'STAGE', type: oneOf(stageNames), help: 'run only this stage' },
      force: { help: 'run the chosen stages again even if they are complete' },
      list: { help: 'show the steps, which are done and how long the others will take, and exit' },
    },
    Output: {
      jobDir: { value: 'DIR', help: 'folder of the run', defaultText: 'jobs/reproduce/PROFILE' },
    },
    Slurm: slurmFlags,
    'Several processes or machines': {
      runTask: {
        value: 'ID',
        help: 'for schedulers: run one task of the run in this process, with the same other options; exits with 0 if it is done,\n75 if it was paused, 2 if it failed',
      },
    },
  },
  notes: `Finished work is not repeated: after Ctrl-C, a power failure or an error, the same command continues. Changed options run again what they
affect. The folder gets report.html, scores.md, report.json, junit.xml, the jobs of both sides, and logs/.
Exits with 0 if every row of the comparison passes (with one side only: if it ran), 1 if one does not, 2 if something could not run,
75 after Ctrl-C.`,
  examples: `npm run reproduce -- --profile quick
npm run reproduce -- --profile sample --data data --list`,
} as const satisfies CommandLine<FlagGroups>;

type Options = Values<FlagsIn<typeof line.flags>>;

export const help = (): string => helpOf(line);

export const pauses = true;

/** `ecg-transplant reproduce`. */
export async function run(args: readonly string[]): Promise<number> {
  requireEquals(args);
  const { values } = parse(line, args);
  const pause = new PauseSignals(undefined);
  try {
    const settings = settingsOf(values, args);
    const { from, only } = values;
    if (values.runTask !== undefined) return await runOne(settings, values, pause.signal);
    const slurm = slurmRequest(values);
    if (slurm?.work === 'list') return listSlurm(settings, slurm);
    if (values.list) return list(settings);
    checkOutputFolder(settings.folder.root, { flag: '--job-dir' });
    if (slurm !== undefined) {
      const isDone = await onSlurm(settings, slurm, { selection: { from, only, force: values.force }, pause });
      return typeof isDone === 'number' ? isDone : conclude(settings, only);
    }
    await runSteps(settings, { from, only, force: values.force }, { report: reporterFor(), signal: pause.signal });
    return conclude(settings, only);
  } catch (error) {
    if (error instanceof JobPaused) {
      printError(`paused; finished work is kept. Continue with the same command: ${commandOf(args)}\n`);
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

/** Runs a task. The task that writes the report ends with the verdict's exit code. */
async function runOne(
  settings: RunSettings,
  { runTask: id, from, only, force, engine }: Options,
  signal: AbortSignal,
): Promise<number> {
  const stray = from ? '--from' : only ? '--only' : force ? '--force' : undefined;
  if (stray) throw new UsageError('--run-task: a task is run as a whole', { got: stray, next: `Leave ${stray} out.` });
  const tasks = planTasks(settings);
  const task = tasks.find((one) => one.id === id);
  if (task === undefined) {
    const names = tasks.map((one) => one.id);
    throw new UsageError('--run-task: the run has no such task', {
      got: id,
      expected: `one of its ${names.length} tasks, such as ${names[0]} or ${names.at(-2)}`,
      next: near(id ?? '', names),
    });
  }
  const report = reporterFor();
  const work = async (): Promise<number> => {
    const hadWork = await runTask(settings, task, { report, signal });
    if (task.kind === 'finish') return conclude(settings, undefined);
    print(hadWork ? `${task.id}: done\n` : `${task.id}: nothing to do, it is done already\n`);
    return 0;
  };
  if (engine !== 'slurm') return work();
  return workUnderSlurm(settings, task, { client: new SlurmClient(), report, signal, env: process.env, run: work });
}

/** Shows the result of a whole run; 0 for a single stage before the report. */
function conclude({ folder, sides }: RunSettings, only: StageName | undefined): number {
  if (only !== undefined && only !== 'report') {
    print(`${only}: done\n`);
    return 0;
  }
  const scores = join(folder.root, scoresFile);
  if (sides.length < 2) {
    print(`\n${readScoreText({ folder })}\nOnly the ${sides[0]} ran, so nothing was compared.\nScores: ${scores}\n`);
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

function settingsOf(values: Options, args: readonly string[]): RunSettings {
  const experiment = experiments[values.profile];
  const { name } = experiment;
  const data = values.data === undefined ? undefined : resolve(values.data);
  if (data === undefined && experiment.data === 'folder') {
    throw new UsageError(`the profile ${name} needs real recordings`, {
      expected: '--data DIR, a folder with the collections',
      next: `Download them: ${ownCommand('fetch-data', '--help')}. Or start without: ${ownCommand('reproduce')}`,
    });
  }
  if (data !== undefined && experiment.data === 'generated') {
    throw new UsageError(`the profile ${name} generates its own recordings`, {
      got: `--data ${values.data}`,
      next: `To use real recordings: --profile sample --data ${values.data}`,
    });
  }
  // A task checks what it reads: the machine that runs it may not have the other collections.
  if (data !== undefined && values.runTask === undefined) checkCollections(experiment, data);
  const original = resolve(values.original);
  identifyOriginal(original);
  const folder = new RunFolder(resolve(values.jobDir ?? join(workFolder, 'jobs', 'reproduce', name)));
  return {
    experiment,
    folder,
    ...(data !== undefined && { data }),
    ...weightsOf(
      name,
      experiment.finetuning.some(({ weights }) => weights === given),
      values.weightsFile,
    ),
    sides: values.side === 'both' ? ['port', 'original'] : [values.side],
    trials: values.trials ?? experiment.trials,
    seed: values.seed,
    precision: values.precision,
    original,
    python: pythonExecutable(),
    lock: lockFile(),
    command: commandOf(args),
    arguments: sameFromAnywhere(values, folder),
  };
}

function weightsOf(profile: string, wanted: boolean, file: string | undefined): { readonly given?: GivenWeights } {
  if (!wanted) {
    if (file === undefined) return {};
    throw new UsageError(`the profile ${profile} pretrains its own weights`, {
      got: `--weights-file ${file}`,
      next: 'To use your own weights: --profile transfer',
    });
  }
  if (file === undefined) {
    throw new UsageError(`the profile ${profile} needs pretrained weights`, {
      expected: '--weights-file FILE, a Keras file or the prefix of a TensorFlow checkpoint',
    });
  }
  return { given: identifyGiven(resolve(file)) };
}

/** The options that say what the run is, with absolute paths. */
function sameFromAnywhere(values: Options, folder: RunFolder): string[] {
  const flags: FlagTable = { ...line.flags['What to run'], ...line.flags.Input };
  const given: Readonly<Record<string, unknown>> = values;
  const words = Object.entries(flags).flatMap(([name, { value: kind }]) => {
    const value = given[name];
    if (value === undefined || value === false) return [];
    if (kind === undefined) return [flagOf(name)];
    const isPath = kind === 'DIR' || kind === 'FILE';
    return [flagOf(name), isPath ? resolve(String(value)) : String(value)];
  });
  return [...words, '--job-dir', folder.root];
}

/** The options as typed, in the form that works everywhere; those that belong to one call are left out. */
function commandOf(args: readonly string[]): string {
  const alone = new Set(['--force', '--list', ...slurmOnce]);
  const valued = ['--from', '--only', '--run-task'];
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (alone.has(args[i]) || valued.some((flag) => args[i].startsWith(`${flag}=`))) continue;
    if (valued.includes(args[i])) i++;
    else kept.push(args[i]);
  }
  return shellCommand(['npm', 'run', 'reproduce', '--', ...kept]);
}
