import { type Arch, archs } from '../../port/finetuning/utils.ts';
import { counted } from '../../text.ts';
import type { Row } from '../closeness.ts';
import type { SuiteCase, SuiteContext, TaskName } from '../suite.ts';

/** A network that both sides build. */
export interface ComparedNetwork {
  readonly name: string;
  readonly task: TaskName;
  readonly arch: Arch;
  readonly stages?: number;
  readonly leads: 1 | 12;
  /** Finetuning only. */
  readonly multiLabel: boolean;
  /** Not a trainer's network but a whole `ResNet` with its own defaults and its own top, which no trainer builds. */
  readonly ownTop?: boolean;
  /** Is one of the quick cases. */
  readonly quick: boolean;
}

function finetuning(arch: Arch, leads: 1 | 12, multiLabel: boolean, stages?: number): ComparedNetwork {
  const width = counted(leads, 'lead');
  const name = `${titleOf(arch, stages)}, finetuning, ${width}, ${multiLabel ? 'multi-label' : 'single-label'}`;
  return { name, task: 'finetuning', arch, stages, leads, multiLabel, quick: stages === 1 };
}

function pretraining(arch: Arch, task: Exclude<TaskName, 'finetuning'>, stages?: number): ComparedNetwork {
  const name = `${titleOf(arch, stages)}, ${task}`;
  return { name, task, arch, stages, leads: 1, multiLabel: false, quick: stages === 1 };
}

function titleOf(arch: Arch, stages?: number): string {
  return stages === undefined ? arch : `${arch} with ${counted(stages, 'stage')}`;
}

/** Every architecture in every task, and some networks with fewer stages. */
export const networks: readonly ComparedNetwork[] = [
  ...archs.flatMap((arch) => [
    finetuning(arch, 1, false),
    finetuning(arch, 1, true),
    finetuning(arch, 12, false),
    finetuning(arch, 12, true),
    pretraining(arch, 'rhythm'),
    pretraining(arch, 'beat'),
    pretraining(arch, 'hr'),
  ]),
  pretraining('resnet18', 'cpc'),
  pretraining('resnet34', 'cpc'),
  // The whole network has 126 million parameters, most of them in its transformer, and would take 12 GB for both sides in float64.
  pretraining('resnet50', 'cpc', 3),
  finetuning('resnet18', 1, false, 1),
  finetuning('resnet50', 12, true, 1),
  pretraining('resnet18', 'cpc', 1),
];

/** A `ResNet` as its class makes it by itself, for the suites about single steps. */
export const wholeResNet: ComparedNetwork = {
  name: 'ResNet with its own defaults and top',
  task: 'finetuning',
  arch: 'resnet18',
  leads: 1,
  multiLabel: false,
  ownTop: true,
  quick: true,
};

/** The largest network, for suites that need it only once in float32. */
export const largest: ComparedNetwork = pretraining('resnet50', 'cpc');

/** A network with all its stages that is also a quick case of the suites that are fast with it. */
export const quickWhole = 'resnet18, hr';

/** A network whose convolutions have every width and stride that occurs in the networks, for kernels that a job can choose instead of the usual ones. */
export const otherKernels = pretraining('resnet18', 'hr');

/** A case of a suite for each network. `quick` names one more network for the quick cases. */
export function casesOf(
  run: (context: SuiteContext, network: ComparedNetwork) => Promise<readonly Row[]>,
  { chosen = networks, quick }: { chosen?: readonly ComparedNetwork[]; quick?: string } = {},
): SuiteCase[] {
  return chosen.map((network) => ({
    name: network.name,
    on: { arch: network.arch, task: network.task },
    ...(network.quick || network.name === quick ? { quick: true } : {}),
    run: (context) => run(context, network),
  }));
}
