import { PythonError } from '../bridge/errors.ts';
import type { Original } from '../bridge/original.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import { type PretrainingTask, pretrainingTasks } from '../port/pretraining/utils.ts';
import type { Row } from './closeness.ts';
import type { ComparisonData, DataSetName } from './data.ts';
import type { Observation } from './observations.ts';

/** The suites in the order of the data flow: the first failure is nearest to the cause. */
export const suiteNames = [
  'sampling',
  'preprocessing',
  'splits',
  'weights',
  'initialisers',
  'activations',
  'gradients',
  'optimiser',
  'training',
  'replicas',
  'resume',
  'predictions',
  'metrics',
  'files',
  'published',
  'outcome',
] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What a network is trained for. */
export type TaskName = 'finetuning' | PretrainingTask;
export const taskNames: readonly TaskName[] = ['finetuning', ...pretrainingTasks];

/** What a case is about, for selecting cases. */
export interface Subject {
  readonly dataSet?: DataSetName;
  readonly arch?: Arch;
  readonly task?: TaskName;
}

/** What the cases of a run share. */
export interface SuiteContext {
  /** The open Python original, which cases use one after the other. */
  readonly original: Original;
  readonly data: ComparisonData;
  /** Seed of everything a case draws. */
  readonly seed: number;
  /** Empty folder of the case, removed after it. */
  readonly scratch: string;
  /** Folder with the result files of the DL4H reproduction, `<job>_classification/*.csv`; the suite `published` needs it. */
  readonly published?: string;
  /** Trials per side in the suite `outcome`. */
  readonly trials: number;
  /** Whether failed rows are searched for the place where the sides begin to differ, which takes longer than the case itself. Default true. */
  readonly locate?: boolean;
  /** Shows a line of text. */
  say(text: string): void;
  /** Adds something to the report that is not a verdict: a curve, a confusion matrix, a noise floor. */
  observe(observation: Observation): void;
}

/** A comparison that can run on its own. */
export interface SuiteCase {
  /** Unique within its suite, such as `resnet18, 12 leads, multi-label`. */
  readonly name: string;
  readonly on: Subject;
  /** Is one of the quick cases (`--quick`). Every suite has one. */
  readonly quick?: boolean;
  /** Names of the original, such as `transplant.evaluation.f1`, that it holds against their twins; a test checks that it calls both. */
  readonly proves?: readonly string[];
  /** Returns at least one row. Throws {@link NotApplicable} or {@link NotRunnable} if this original does not support it. */
  run(context: SuiteContext): Promise<readonly Row[]>;
}

/** A suite: cases that compare one stage of the two sides. */
export interface Suite {
  readonly name: SuiteName;
  /** One line for `--help`. */
  readonly summary: string;
  readonly cases: readonly SuiteCase[];
}

/** This original (or this machine) cannot run the case. Reported with the reason, never counted as passed. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
}

/** The case does not apply to this original. Reported with the reason, without effect on the verdict. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** Why a case is exempt, if the error is a {@link NotRunnable} or {@link NotApplicable} of either side; else undefined. */
export function exemption(
  error: unknown,
): { readonly kind: 'notRunnable' | 'notApplicable'; readonly because: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const [name, because] = error instanceof PythonError ? [error.type, error.detail] : [error.name, error.message];
  if (name === 'NotRunnable') return { kind: 'notRunnable', because };
  return name === 'NotApplicable' ? { kind: 'notApplicable', because } : undefined;
}

/** Prefix of the names of cases that compare the files of a run of `npm run reproduce`. `npm run compare` cannot repeat them. */
export const ownCasePrefix = 'this run: ';
