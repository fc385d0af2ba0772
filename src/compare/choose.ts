import { UsageError } from '../errors.ts';
import type { FlagTable, Values } from '../lib/argparse/flags.ts';
import { listOf, oneOf } from '../lib/argparse/types.ts';
import { type Arch, archs } from '../port/finetuning/utils.ts';
import { ownCommand } from '../text.ts';
import type { Chosen } from './comparison.ts';
import { type ComparisonData, collections, type DataSetName } from './data.ts';
import { type Suite, type SuiteName, suiteNames, type TaskName, taskNames } from './suite.ts';

/** Which cases to run. An absent field chooses all. */
export interface Choice {
  readonly suites?: readonly SuiteName[];
  readonly dataSets?: readonly DataSetName[];
  readonly archs?: readonly Arch[];
  readonly tasks?: readonly TaskName[];
  /** Part of a case's name. */
  readonly text?: string;
  /** Only the small selection. */
  readonly quick?: boolean;
}

/** Suites that run only if they are named, because they need many whole trainings. */
const onRequest: readonly SuiteName[] = ['outcome'];

/** Flags that choose cases. */
export const choiceFlags = {
  suite: {
    value: 'NAME',
    type: listOf(oneOf(suiteNames)),
    repeated: true,
    help: 'suites to run (NAME,NAME)',
    defaultText: `all but ${onRequest.join(', ')}`,
  },
  case: { value: 'TEXT', help: 'cases whose name contains the text' },
  dataSet: {
    value: 'NAME',
    type: listOf(oneOf(Object.keys(collections) as DataSetName[])),
    repeated: true,
    help: `cases on a data set: ${Object.keys(collections).join(', ')}`,
  },
  arch: {
    value: 'ARCH',
    type: listOf(oneOf(archs)),
    repeated: true,
    help: `cases on a network: ${archs.join(', ')}`,
  },
  task: {
    value: 'TASK',
    type: listOf(oneOf(taskNames)),
    repeated: true,
    help: `cases on a task: ${taskNames.join(', ')}`,
  },
  quick: { help: 'a small case of each suite; takes about three minutes' },
} as const satisfies FlagTable;

/** What the flags choose. */
export function choiceOf(values: Partial<Values<typeof choiceFlags>>): Choice {
  return {
    suites: values.suite?.flat(),
    dataSets: values.dataSet?.flat(),
    archs: values.arch?.flat(),
    tasks: values.task?.flat(),
    text: values.case,
    quick: values.quick,
  };
}

/**
 * The chosen cases, in the order of the suites. Choosing a data set, architecture or task leaves out the cases that are not about one.
 * Throws a UsageError if nothing remains.
 */
export function chooseCases(suites: readonly Suite[], choice: Choice): Chosen {
  const within = <T>(wanted: readonly T[] | undefined, has: T | undefined): boolean =>
    wanted === undefined || (has !== undefined && wanted.includes(has));
  const chosen = suites
    .filter(({ name }) => (choice.suites ? choice.suites.includes(name) : !onRequest.includes(name)))
    .flatMap((suite) => suite.cases.map((one) => ({ suite, case: one })))
    .filter(
      ({ case: { name, on, quick } }) =>
        within(choice.dataSets, on.dataSet) &&
        within(choice.archs, on.arch) &&
        within(choice.tasks, on.task) &&
        (choice.text === undefined || name.includes(choice.text)) &&
        (!choice.quick || quick === true),
    );
  if (chosen.length > 0) return chosen;
  throw new UsageError('no case matches this choice', { next: `See: ${ownCommand('compare', '--list')}` });
}

/** Separates the cases that can run on these recordings, and names what the others lack: a collection, or the reproduction's results. */
export function divideByData(
  chosen: Chosen,
  data: Pick<ComparisonData, 'names'>,
  published: string | undefined,
): { readonly possible: Chosen; readonly lacking: readonly string[] } {
  const lackOf = ({ suite, case: { on } }: Chosen[number]): string | undefined => {
    if (suite.name === 'published' && published === undefined) return 'published results (--published DIR)';
    return on.dataSet && !data.names.includes(on.dataSet) ? collections[on.dataSet] : undefined;
  };
  const lacks = chosen.map(lackOf);
  return {
    possible: chosen.filter((_, i) => lacks[i] === undefined),
    lacking: [...new Set(lacks)].filter((lack) => lack !== undefined),
  };
}
