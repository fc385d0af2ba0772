import { join, resolve } from 'node:path';
import { identifyOriginal } from '../bridge/witness.ts';
import { exitCodeOf } from '../compare/comparison.ts';
import { formatComparison, readReport } from '../compare/report/index.ts';
import { InputError, messageOf, UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import type { Experiment } from '../experiment_schema.ts';
import { experiments } from '../experiments.ts';
import { precisionChoices } from '../graph/precision.ts';
import { JobPaused } from '../jobs/job.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import { type FlagGroups, type FlagsIn, type FlagTable, flagOf, type Values } from '../lib/argparse/flags.ts';
import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { PauseSignals, pausedCode } from '../lib/ending_signals.ts';
import { lockFile, pythonExecutable, root, workFolder } from '../lib/installation.mjs';
import { FolderBusy } from '../lib/lock.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { isUserFault } from '../lib/python/errors.ts';
import { print, printError } from '../output.ts';
import { chosenPrecision } from '../reproduce/auto_precision.ts';
import { portOnlyOption } from '../reproduce/check_experiment.ts';
import { jobTables } from '../reproduce/job_tables.ts';
import { identifyGiven } from '../reproduce/port_steps.ts';
import { readExperiment } from '../reproduce/read_experiment.ts';
import { checkCollections } from '../reproduce/recordings.ts';
import { readScoreText, scoresFile, scoresPage } from '../reproduce/report_step.ts';
import { listSteps, runSteps } from '../reproduce/run.ts';
import { RunFolder } from '../reproduce/run_folder.ts';
import { StepFailed } from '../reproduce/run_task.ts';
import { archOf, type GivenWeights, given, type RunSettings } from '../reproduce/settings.ts';
import { SlurmClient } from '../reproduce/slurm/client.ts';
import { workUnderSlurm } from '../reproduce/slurm/work.ts';
import { type StageName, stageNames, titleOf } from '../reproduce/step.ts';
import { formatDuration, ownCommand, shellCommand } from '../text.ts';
import { originalFolder } from './flags.ts';
import { localWeights } from './remote_inputs.ts';
import { listSlurm, onSlurm, requireEquals, slurmFlags, slurmOnce, slurmRequest } from './reproduce_slurm.ts';
import { afterPause, checkTaskFlags, emitTasks, runOne, taskFlags, taskNamed } from './reproduce_tasks.ts';
import { warnOfMemory, workersHere } from './worker_memory.ts';

const profiles = Object.values(experiments);
const width = Math.max(...profiles.map(({ name }) => name.length));

const stageFlags = {
  stage: {
    value: 'DIR',
    help: `copy the inputs of each training into DIR first, a fast disk of the machine that runs it, such as '$TMPDIR'
(in single quotes, so that each machine looks it up); the copies are removed at the end`,
  },
} as const satisfies FlagTable;

const workerFlags = {
  workers: {
    value: 'N',
    type: wholeNumber(1, 64),
    help: `processes that work at the same time, each with a Python of its own: the first runs the jobs, the others suites of
the comparison and short trainings of the original. The results are the same. Each needs up to 4 GB of memory`,
    defaultText: 'one more than CPUs, at most 4, if there is the memory for them and no GPU; 1 on one CPU',
  },
} as const satisfies FlagTable;

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
        help: `built-in experiment:\n${profiles.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n')}\n`,
        defaultText: 'quick',
      },
      experiment: {
        value: 'FILE',
        help: 'your own experiment, in JSON: a grid of jobs, subsets, networks and trials (docs/reproduce.md, examples/data_efficiency.json)',
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
        defaultText: 'as in the experiment',
      },
      // Trials have the seeds after it; the trainers take 0 for none.
      seed: { value: 'N', type: wholeNumber(1, 2 ** 31), default: 2021, help: 'seed of everything that is drawn' },
      precision: {
        value: 'TYPE',
        type: oneOf(precisionChoices),
        default: 'float32',
        help: "number format of the port's training: float32, bfloat16, float64, or auto (the faster of the first two on this machine)",
      },
    },
    Input: {
      data: {
        value: 'DIR',
        help: 'real recordings, one folder per collection (cinc2017, ptbxl, icentia11k), as fetch-data downloads them',
      },
      weightsFile: {
        value: 'FILE',
        help: 'your pretrained weights, for the profile transfer: a Keras file, its address (https://…, hf://…), or a TensorFlow checkpoint',
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
      list: {
        help: 'show the jobs, the steps, which of them are done and how long the others will take, and exit',
      },
    },
    Output: {
      jobDir: { value: 'DIR', help: 'folder of the run', defaultText: 'jobs/reproduce/NAME of the experiment' },
    },
    'On this machine': workerFlags,
    Copies: stageFlags,
    Slurm: slurmFlags,
    'Several processes or machines': taskFlags,
  },
  notes: `Finished work is not repeated: after Ctrl-C, a power failure or an error, the same command continues. Changed options run again what they
affect. The folder gets report.html, scores.html, scores.md, report.json, junit.xml, the jobs of both sides, and
logs/. Exits with 0 if every row of the comparison passes (with one side only: if it ran), 1 if one does not, 2 if something could not run,
75 after Ctrl-C.`,
  examples: `npm run reproduce -- --profile quick
npm run reproduce -- --profile sample --data data --list
npm run reproduce -- --profile smallest --emit make
npm run reproduce -- --experiment examples/data_efficiency.json --side port`,
} as const satisfies CommandLine<FlagGroups>;

type Options = Values<FlagsIn<typeof line.flags>>;

export const help = (): string => helpOf(line);

export const pauses = true;

/** `ecg-transplant reproduce`. */
export async function run(args: readonly string[]): Promise<number> {
  requireEquals(args);
  const { values: typed } = parse(line, args);
  // Tasks on other machines read the file, not the address.
  const values =
    typed.weightsFile === undefined ? typed : { ...typed, weightsFile: await localWeights(typed.weightsFile) };
  const pause = new PauseSignals(undefined);
  try {
    checkTaskFlags(values);
    const settings = await settingsOf(values, args);
    const { from, only } = values;
    if (values.runTask !== undefined) return await runTaskOf(settings, values, pause.signal);
    const slurm = slurmRequest(values);
    if (slurm?.work === 'list') return listSlurm(settings, slurm);
    if (values.list) return list(settings);
    checkOutputFolder(settings.folder.root, { flag: '--job-dir' });
    if (values.emit !== undefined) {
      emitTasks(settings, values);
      return 0;
    }
    if (slurm !== undefined) {
      const isDone = await onSlurm(settings, slurm, { selection: { from, only, force: values.force }, pause });
      return typeof isDone === 'number' ? isDone : conclude(settings, only);
    }
    const report = reporterFor();
    warnOfMemory(values.workers ?? 1, report);
    const workers = values.workers ?? (settings.sides.length < 2 ? 1 : workersHere(4));
    await runSteps(settings, { from, only, force: values.force }, { report, signal: pause.signal, workers });
    return conclude(settings, only);
  } catch (error) {
    if (error instanceof JobPaused) {
      if (values.runTask !== undefined) {
        printError(afterPause(values.runTask));
        return pausedCode;
      }
      printError(`paused; finished work is kept. Continue with the same command: ${commandOf(args)}\n`);
      return pausedCode;
    }
    printError(`reproduce: ${messageOf(error)}\n`);
    // A scheduler may have started the task again before the other process was known to be gone.
    if (error instanceof FolderBusy && values.runTask !== undefined) return pausedCode;
    const isExpected = isUserFault(error) || error instanceof StepFailed;
    if (!isExpected || process.env.ECG_TRANSPLANT_DEBUG === '1') {
      printError(`${error instanceof Error ? error.stack : ''}\n`);
    }
    return 2;
  } finally {
    pause.dispose();
  }
}

/** Runs the task of `--run-task`. The task that writes the report ends with the verdict's exit code. */
async function runTaskOf(
  settings: RunSettings,
  { runTask: id = '', engine }: Options,
  signal: AbortSignal,
): Promise<number> {
  const task = taskNamed(settings, id);
  const report = reporterFor();
  const work = async (): Promise<number> => {
    await runOne(settings, task, { report, signal });
    return task.kind === 'finish' ? conclude(settings, undefined) : 0;
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
    print(
      `\n${readScoreText({ folder })}\nOnly the ${sides[0]} ran, so nothing was compared.\nScores: ${scores}, ${join(folder.root, scoresPage)}\n`,
    );
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
  print(
    `${jobTables(
      settings,
      steps.map(({ step }) => step),
    )}\n\n`,
  );
  const marks = { done: 'done ', begun: 'begun', open: '  -  ' } as const;
  for (const { step, state } of steps) {
    print(`${marks[state]}  ${titleOf(step)}${state === 'done' ? '' : `  (${formatDuration(step.seconds)})`}\n`);
  }
  const left = steps.filter(({ state }) => state !== 'done').reduce((sum, { step }) => sum + step.seconds, 0);
  print(left === 0 ? 'Everything is done.\n' : `About ${formatDuration(left)} left on two cores.\n`);
  return 0;
}

async function settingsOf(values: Options, args: readonly string[]): Promise<RunSettings> {
  const experiment = experimentOf(values);
  const { name } = experiment;
  requirePortAlone(experiment, values);
  const data = dataOf(experiment, values);
  // A task checks what it reads: the machine that runs it may not have the other collections.
  if (data !== undefined && values.runTask === undefined) checkCollections(experiment, data);
  const original = resolve(values.original);
  // The port alone needs no original.
  if (values.side !== 'port') identifyOriginal(original);
  const stage = stageOf(values.stage);
  const folder = new RunFolder(resolve(values.jobDir ?? join(workFolder, 'jobs', 'reproduce', name)));
  return {
    experiment,
    folder,
    ...(data !== undefined && { data }),
    ...weightsOf(experiment, values.weightsFile),
    sides: values.side === 'both' ? ['port', 'original'] : [values.side],
    trials: values.trials ?? experiment.trials,
    seed: values.seed,
    ...(await chosenPrecision(values.precision, folder)),
    original,
    python: pythonExecutable(),
    lock: lockFile(),
    command: commandOf(args),
    ...(stage !== undefined && { stage }),
    arguments: [...sameFromAnywhere(values, folder), ...(stage === undefined ? [] : ['--stage', stage])],
  };
}

/** Throws a UsageError if the original is to run an experiment with options of training that it does not have. */
function requirePortAlone(experiment: Experiment, { side }: Options): void {
  const option = side === 'port' ? undefined : portOnlyOption(experiment);
  if (option === undefined) return;
  throw new UsageError(`the experiment ${experiment.name} sets ${option}, which the Python original does not have`, {
    got: `--side ${side}`,
    expected: '--side port',
  });
}

/** The folder of `--stage`, the same from anywhere. Each machine has its own environment variables. */
function stageOf(folder: string | undefined): string | undefined {
  return folder === undefined || folder.startsWith('$') ? folder : resolve(folder);
}

function experimentOf({ profile, experiment }: Options): Experiment {
  if (experiment === undefined) return experiments[profile ?? 'quick'];
  if (profile === undefined) return readExperiment(experiment);
  throw new UsageError('--profile and --experiment both name an experiment', {
    got: `--profile ${profile} --experiment ${experiment}`,
    expected: 'one of them',
  });
}

function dataOf({ data, name }: Experiment, values: Options): string | undefined {
  if (values.data === undefined && data === 'folder') {
    throw new UsageError(`the experiment ${name} needs real recordings`, {
      expected: '--data DIR, a folder with the collections',
      next: `Download them: ${ownCommand('fetch-data', '--help')}. Or start without: ${ownCommand('reproduce')}`,
    });
  }
  if (values.data !== undefined && data === 'generated') {
    throw new UsageError(`the experiment ${name} generates its own recordings`, {
      got: `--data ${values.data}`,
      next: `To use real recordings: --profile sample --data ${values.data}`,
    });
  }
  return values.data === undefined ? undefined : resolve(values.data);
}

function weightsOf(experiment: Experiment, file: string | undefined): { readonly given?: GivenWeights } {
  const { name, finetuning } = experiment;
  const jobs = finetuning.filter(({ weights }) => weights === given);
  if (jobs.length === 0) {
    if (file === undefined) return {};
    throw new UsageError(`the experiment ${name} pretrains its own weights`, {
      got: `--weights-file ${file}`,
      next: 'To use your own weights: --profile transfer',
    });
  }
  if (file === undefined) {
    throw new UsageError(`the experiment ${name} needs pretrained weights`, {
      expected: '--weights-file FILE, a Keras file or the prefix of a TensorFlow checkpoint',
    });
  }
  const weights = identifyGiven(resolve(file));
  requireNetwork(experiment, weights);
  return { given: weights };
}

/** The jobs with the user's weights, and those that they are compared with, must have the network of the weights. */
function requireNetwork(experiment: Experiment, weights: GivenWeights): void {
  const { name, finetuning, contrasts } = experiment;
  const jobs = new Set(finetuning.filter((job) => job.weights === given).map((job) => job.name));
  for (const { pretrained, random } of contrasts) if (jobs.has(pretrained)) jobs.add(random);
  for (const job of finetuning.filter((one) => jobs.has(one.name))) {
    const arch = archOf({ experiment, given: weights }, job);
    if (arch === weights.arch) continue;
    throw new InputError(`the job ${job.name} of the experiment ${name} has another network than the weights`, {
      file: weights.file,
      got: weights.arch,
      expected: arch,
    });
  }
}

/** The options that say what the run is, with absolute paths. */
function sameFromAnywhere(values: Options, folder: RunFolder): string[] {
  const flags: FlagTable = { ...line.flags['What to run'], ...line.flags.Input };
  const given: Readonly<Record<string, unknown>> = values;
  const words = Object.entries(flags).flatMap(([name, { value: kind }]) => {
    const value = given[name];
    if (value === undefined || value === false) return [];
    if (kind === undefined) return [flagOf(name)];
    // Each checkout has its own.
    if (name === 'original' && resolve(String(value)) === join(root, 'original')) return [];
    const isPath = kind === 'DIR' || kind === 'FILE';
    return [flagOf(name), isPath ? resolve(String(value)) : String(value)];
  });
  return [...words, '--job-dir', folder.root];
}

/** The options as typed, in the form that works everywhere; those that belong to one call are left out. */
function commandOf(args: readonly string[]): string {
  const dropped = { ...line.flags.Stages, ...workerFlags, ...taskFlags } satisfies FlagTable;
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [flag] = args[i].split('=', 1);
    const entry = Object.entries<FlagTable[string]>(dropped).find(([name]) => flagOf(name) === flag);
    if (entry === undefined && !slurmOnce.includes(flag)) kept.push(args[i]);
    else if (entry?.[1].value !== undefined && flag === args[i]) i++;
  }
  return shellCommand(['npm', 'run', 'reproduce', '--', ...kept]);
}
