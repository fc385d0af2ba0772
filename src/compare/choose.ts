import { UsageError } from '../errors.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import { ownCommand } from '../text.ts';
import type { Chosen } from './comparison.ts';
import { type ComparisonData, collections, type DataSetName } from './data.ts';
import { type Suite, type SuiteName, suiteNames, type TaskName, taskNames } from './suite.ts';

const archs: readonly Arch[] = ['resnet18', 'resnet34', 'resnet50'];

/** Which cases to run; an absent field chooses all. */
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

/** Suites that run only when they are named: a statement on whole trainings takes many of them. */
const onRequest: readonly SuiteName[] = ['outcome'];

/** Words of the command line as a choice; throws an InputError that lists what there is. */
export function parseChoice(words: {
  readonly suite?: readonly string[];
  readonly 'data-set'?: readonly string[];
  readonly arch?: readonly string[];
  readonly task?: readonly string[];
  readonly case?: string;
  readonly quick?: boolean;
}): Choice {
  return {
    suites: oneOf('--suite', words.suite, suiteNames),
    dataSets: oneOf('--data-set', words['data-set'], Object.keys(collections) as DataSetName[]),
    archs: oneOf('--arch', words.arch, archs),
    tasks: oneOf('--task', words.task, taskNames),
    text: words.case,
    quick: words.quick,
  };
}

/**
 * The cases of a choice, in the order of the suites. A case that is not about a data set, architecture or task is left out as soon as one
 * is asked for. Throws an InputError if nothing remains.
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
  throw new UsageError('no case is left of this choice', { next: `See: ${ownCommand('compare', '--list')}` });
}

/**
 * Divides cases into those that these recordings allow and the names of what is lacking for the others: a collection, or the
 * reproduction's results.
 */
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

function oneOf<T extends string>(
  flag: string,
  given: readonly string[] | undefined,
  known: readonly T[],
): T[] | undefined {
  const words = given?.flatMap((word) => word.split(','));
  const strange = words?.find((word) => !known.includes(word as T));
  if (strange === undefined) return words as T[] | undefined;
  throw new UsageError(`${flag} does not know this name`, { got: strange, expected: known.join(', ') });
}
