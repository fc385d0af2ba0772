import { systemFault, UsageError } from './errors.ts';
import { codeOfSignal } from './lib/ending_signals.ts';
import { keptSignals } from './lib/first_signals.mjs';
import { pythonExecutable } from './lib/installation.mjs';
import { cpuLimit } from './lib/machine.ts';
import { near } from './lib/near.ts';
import { isUserFault } from './lib/python/errors.ts';
import { print, printError } from './output.ts';

/** What the module of a subcommand exports. */
export interface CommandModule {
  /** Text of `ecg-transplant <command> --help`; `args` is what else was typed. */
  help(args: readonly string[]): string | Promise<string>;
  /** The command saves its work when a signal tells it to end, even one that came while it was loading. Signals end the other commands. */
  readonly pauses?: boolean;
  /** Runs with the arguments after the command's name; resolves to the exit code. */
  run(args: readonly string[]): Promise<number>;
}

interface Command {
  /** One line for the table of `--help`. */
  readonly summary: string;
  /** Imports the module, so that a command costs only what it uses. */
  load(): Promise<CommandModule>;
}

/** Every subcommand, in the order of `--help`. */
const commands: { readonly [name: string]: Command } = {
  setup: {
    summary: 'install the Python environment and the TensorFlow binding (run this first)',
    load: () => import('./commands/setup.ts'),
  },
  doctor: {
    summary: 'check what both languages run on, and say how to repair what is wrong',
    load: () => import('./commands/doctor.ts'),
  },
  reproduce: {
    summary: 'reproduce the paper in both languages and compare the results',
    load: () => import('./commands/reproduce.ts'),
  },
  compare: {
    summary: 'run the Python original beside the port and say where they differ',
    load: () => import('./commands/compare.ts'),
  },
  'fetch-data': {
    summary: 'download the published data sets: Icentia11k, Challenge 2017, CPSC 2018, PTB-XL',
    load: () => import('./commands/fetch_data.ts'),
  },
  'fetch-original': {
    summary: "download the code of the paper's authors, to compare with",
    load: () => import('./commands/fetch_original.ts'),
  },
  'make-data': {
    summary: 'generate ECG recordings in the file formats of all data sets',
    load: () => import('./commands/make_data.ts'),
  },
  'convert-icentia': {
    summary: "convert PhysioNet's Icentia11k to the files that pretraining reads",
    load: () => import('./commands/convert_icentia.ts'),
  },
  'prepare-data': {
    summary: 'make training and test data from a folder of recordings',
    load: () => import('./commands/prepare_data.ts'),
  },
  pretrain: {
    summary: 'train a network on frames of Icentia11k',
    load: () => import('./commands/pretrain.ts'),
  },
  finetune: {
    summary: 'train a classifier on labelled ECGs, and predict its records',
    load: () => import('./commands/finetune.ts'),
  },
  predict: {
    summary: 'predict recordings with a finetuned network (for research, not for diagnosis)',
    load: () => import('./commands/predict.ts'),
  },
  export: {
    summary: 'write a finetuned network as a SavedModel or an ONNX file for other programs',
    load: () => import('./commands/export.ts'),
  },
  publish: {
    summary: 'write a finetuned network with a model card into a folder that others can use by its address',
    load: () => import('./commands/publish.ts'),
  },
  evaluate: {
    summary: 'score predictions against the truth: tables, curves, and the records that are most surely wrong',
    load: () => import('./commands/evaluate.ts'),
  },
  'export-predictions': {
    summary: 'write the predictions of a job in the layout of the public PTB-XL benchmark, with its scores',
    load: () => import('./commands/export_predictions.ts'),
  },
  weights: {
    summary: 'extract a pretrained backbone from a checkpoint, or convert weights between Keras and TensorFlow',
    load: () => import('./commands/weights.ts'),
  },
  'adjust-network': {
    summary: 'fit one-lead weights to several leads',
    load: () => import('./commands/adjust_network.ts'),
  },
  inspect: {
    summary: 'show what a file holds: weights and the network they fit, a prepared set, a recording, a job',
    load: () => import('./commands/inspect.ts'),
  },
  pack: {
    summary: 'pack a finished run as one archive',
    load: () => import('./commands/pack.ts'),
  },
  unpack: {
    summary: 'unpack such an archive and check it',
    load: () => import('./commands/unpack.ts'),
  },
  bench: {
    summary: 'compare speed and memory with the Python original',
    load: () => import('./commands/bench.ts'),
  },
};

/** Names of the subcommands. */
export const commandNames: readonly string[] = Object.keys(commands);

/** Exit codes: 0 success, 1 the work failed or its result is negative, 2 the command line is wrong. */
const failure = 1;
const usage = 2;

/** The command `ecg-transplant`; resolves to the exit code and never throws for bad input. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(await helpFor(rest[0]));
    return name === undefined ? usage : 0;
  }
  if (name === '--version') {
    const { version } = (await import('../package.json', { with: { type: 'json' } })).default;
    print(`${version}\n`);
    return 0;
  }
  const command = commandOf(name);
  if (!command) {
    const { message } = new UsageError(`there is no command ${name}`, { next: near(name, commandNames) });
    printError(`ecg-transplant: ${message}\nSee: ecg-transplant --help\n`);
    return usage;
  }
  shareSettings();
  try {
    const module = await command.load();
    if (rest.some((arg) => arg === '--help' || arg === '-h')) {
      print(await module.help(rest));
      return 0;
    }
    const signal = module.pauses ? undefined : keptSignals()[0];
    if (signal) return codeOfSignal(signal);
    return await module.run(rest);
  } catch (error) {
    return report(name, error);
  }
}

/**
 * Sets what must be the same in this process and in Python, which inherits it: one TensorFlow thread per CPU (the last bits of results depend on
 * their number), and no process may take the whole GPU. Values set by the user stay.
 */
function shareSettings(): void {
  // Relative to the folder where the user stands; children start in others.
  process.env.ECG_PYTHON = pythonExecutable();
  process.env.TF_NUM_INTRAOP_THREADS ??= String(cpuLimit());
  process.env.TF_NUM_INTEROP_THREADS ??= String(cpuLimit());
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}

function commandOf(name: string): Command | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

async function helpFor(name: string | undefined): Promise<string> {
  const command = name === undefined ? undefined : commandOf(name);
  if (command) return (await command.load()).help([]);
  const width = Math.max(...Object.keys(commands).map((key) => key.length));
  const table = Object.entries(commands).map(([key, { summary }]) => `  ${key.padEnd(width)}  ${summary}`);
  return `usage: ecg-transplant <command> [options]

"Transfer learning for ECG classification" in TypeScript and in Python, on one TensorFlow library.

${table.join('\n')}

  ecg-transplant <command> --help   options of one command
  ecg-transplant --version          version of this package

First time: ecg-transplant setup, then ecg-transplant doctor.
Errors say what to do next. ECG_TRANSPLANT_DEBUG=1 adds the stack trace.
`;
}

function report(name: string, thrown: unknown): number {
  const error = systemFault(thrown) ?? thrown;
  const isUsage = error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  printError(`ecg-transplant ${name}: ${message}\n`);
  if (isUsage) {
    printError(`See: ecg-transplant ${name} --help\n`);
    return usage;
  }
  // Input errors speak for themselves. Anything else is a fault of the program, and its stack is needed to repair it.
  const isExpected = isUserFault(error) || (error instanceof Error && error.name === 'SetupFailure');
  const wantsStack = process.env.ECG_TRANSPLANT_DEBUG === '1' || !isExpected;
  if (wantsStack && thrown instanceof Error) printError(`${thrown.stack}\n`);
  return failure;
}
