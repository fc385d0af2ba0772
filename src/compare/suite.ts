import { PythonError } from '../bridge/errors.ts';
import type { Original } from '../bridge/original.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import type { Row } from './closeness.ts';
import type { ComparisonData, DataSetName } from './data.ts';
import type { Observation } from './observations.ts';

/** The suites in the order of a value's way: what fails first is nearest to the cause. */
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
  'resume',
  'predictions',
  'metrics',
  'files',
  'published',
  'outcome',
] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What a network is trained for. */
export const taskNames = ['finetuning', 'rhythm', 'beat', 'hr', 'cpc'] as const;
export type TaskName = (typeof taskNames)[number];

/** What a case is about, for choosing among the cases of a suite. */
export interface Subject {
  readonly dataSet?: DataSetName;
  readonly arch?: Arch;
  readonly task?: TaskName;
}

/** What the cases of a run share. */
export interface SuiteContext {
  /** The Python original, open; cases use it one after the other. */
  readonly original: Original;
  readonly data: ComparisonData;
  /** Seed of everything a case draws. */
  readonly seed: number;
  /** Empty folder of the case, removed after it. */
  readonly scratch: string;
  /** Folder with the result files of the DL4H reproduction, `<job>_classification/*.csv`; the suite `published` needs it. */
  readonly published?: string;
  /** Trials a side of the suite `outcome`. */
  readonly trials: number;
  /** A line for the reader. */
  say(text: string): void;
  /** Something to show beside the rows that is no verdict: a curve, a confusion matrix, a noise floor. */
  observe(observation: Observation): void;
}

/** One comparison that can run alone. */
export interface SuiteCase {
  /** Unique within its suite, such as `resnet18, 12 leads, multi-label`. */
  readonly name: string;
  readonly on: Subject;
  /** Belongs to the small selection (`--quick`), in which every suite has a case. */
  readonly quick?: boolean;
  /** Names of the original, such as `transplant.evaluation.f1`, that it holds against their twins; a test checks that it calls both. */
  readonly proves?: readonly string[];
  /** Returns at least one row; throws {@link NotApplicable} or {@link NotRunnable} where this original cannot do it. */
  run(context: SuiteContext): Promise<readonly Row[]>;
}

/** A suite: cases that hold one stage of the two sides against each other. */
export interface Suite {
  readonly name: SuiteName;
  /** One line for `--help`. */
  readonly summary: string;
  readonly cases: readonly SuiteCase[];
}

/** This original (or this machine) cannot run the case: reported with its reason, never counted as passed. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
}

/** The case is about something that this original is not meant to have: reported with its reason, without influence on the verdict. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** What an error says of its case if it is a {@link NotRunnable} or {@link NotApplicable} of either side; else undefined. */
export function exemption(
  error: unknown,
): { readonly kind: 'notRunnable' | 'notApplicable'; readonly because: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  const [name, because] = error instanceof PythonError ? [error.type, error.detail] : [error.name, error.message];
  if (name === 'NotRunnable') return { kind: 'notRunnable', because };
  return name === 'NotApplicable' ? { kind: 'notApplicable', because } : undefined;
}

/** How the name of a case begins that compares the files of its own `npm run reproduce`: `npm run compare` cannot repeat it. */
export const ownCasePrefix = 'this run: ';
