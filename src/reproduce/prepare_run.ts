import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { lockFolder } from '../lib/lock.ts';
import { describeRun } from './description.ts';
import { planRun } from './plan.ts';
import type { RunSettings } from './settings.ts';
import { type StageName, type Step, StepMarks, stageNames, titleOf } from './step.ts';
import { type Task, tasksOf } from './tasks.ts';

/** Which steps of a run are wanted. */
export interface StepSelection {
  /** Begin with this stage; those before it must be complete. */
  readonly from?: StageName;
  /** Only this stage; those before it must be complete. */
  readonly only?: StageName;
  /** Repeat the chosen stages even if they are complete. */
  readonly force?: boolean;
}

/** The steps of the chosen stages. */
export function chosenSteps(steps: readonly Step[], { from, only }: StepSelection): Step[] {
  const [first, last] = bounds(from, only);
  return steps.filter((step) => within(step, first, last));
}

/**
 * Begins a run or the submission of one: describes it in the folder, and forgets the results that are made from what is to be repeated. The processes that
 * run its tasks forget nothing, because others work at the same time.
 *
 * @returns the tasks with something to do, each after those that it needs.
 * @throws InputError if the folder holds another experiment, an earlier stage is not complete, or results would be forgotten while a process works in the folder.
 */
export function prepareRun(
  run: RunSettings,
  selection: StepSelection = {},
  steps: readonly Step[] = planRun(run),
): Task[] {
  describeRun(run);
  const marks = new StepMarks(run.folder.steps);
  requireEarlier(run, steps, marks, bounds(selection.from, selection.only)[0]);
  const changes = changesIn(steps, marks, selection);
  forgetAll(run, marks, changes.outdated);
  return changes.tasks;
}

/** The tasks with something to do, each after those that it needs; among them those whose results {@link prepareRun} would forget. Changes nothing. */
export function tasksToDo(
  run: RunSettings,
  selection: StepSelection = {},
  steps: readonly Step[] = planRun(run),
): Task[] {
  return changesIn(steps, new StepMarks(run.folder.steps), selection).tasks;
}

/** Locks a task: only one process at a time works on it. Returns what gives it back. Throws an InputError that names the holder. */
export function lockTask({ folder }: Pick<RunSettings, 'folder'>, id: string): () => void {
  const name = folder.lock(id);
  mkdirSync(join(folder.root, dirname(name)), { recursive: true });
  return lockFolder(folder.root, { name, work: 'works in this run folder' });
}

/** What a run changes: its tasks with something to do, and the steps whose marks must go. `steps` are in order. */
function changesIn(
  steps: readonly Step[],
  marks: StepMarks,
  selection: StepSelection,
): { readonly tasks: Task[]; readonly outdated: Step[] } {
  const chosen = new Set(chosenSteps(steps, selection));
  const force = selection.force ?? false;
  // Steps that will run, and what is made, directly or not, from one of them.
  const changing = new Set<Step>();
  const outdated = steps.filter((step) => {
    const state = marks.state(step);
    const willRun = chosen.has(step) && (force || state !== 'done');
    const isStale = step.needs.some((need) => changing.has(need));
    if (willRun || isStale) changing.add(step);
    // A step that was interrupted keeps its half.
    return marks.exists(step) && (isStale || (willRun && (force || state === 'open')));
  });
  const tasks = tasksOf(steps).filter((task) => task.steps.some((step) => chosen.has(step) && changing.has(step)));
  return { tasks, outdated };
}

/** While a process works in the folder, nothing that it may read is given up. */
function forgetAll({ folder }: RunSettings, marks: StepMarks, steps: readonly Step[]): void {
  if (steps.length === 0) return;
  const locks = join(folder.root, dirname(folder.lock('any')));
  const tasks = existsSync(locks)
    ? readdirSync(locks).flatMap((name) => /^([a-z0-9-]+)\.lock$/.exec(name)?.[1] ?? [])
    : [];
  const unlocks: (() => void)[] = [];
  try {
    for (const task of tasks) unlocks.push(lockTask({ folder }, task));
    for (const step of steps) marks.forget(step);
  } finally {
    for (const unlock of unlocks) unlock();
  }
}

function bounds(from: StageName | undefined, only: StageName | undefined): [first: number, last: number] {
  if (only !== undefined) return [stageNames.indexOf(only), stageNames.indexOf(only)];
  return [from === undefined ? 0 : stageNames.indexOf(from), stageNames.length - 1];
}

function within({ stage }: Step, first: number, last: number): boolean {
  const position = stageNames.indexOf(stage);
  return position >= first && position <= last;
}

function requireEarlier(run: RunSettings, steps: readonly Step[], marks: StepMarks, first: number): void {
  const open = steps.find((step) => stageNames.indexOf(step.stage) < first && marks.state(step) !== 'done');
  if (open === undefined) return;
  throw new InputError('an earlier stage is not complete', {
    file: run.folder.root,
    where: titleOf(open),
    got: { begun: 'an interrupted step', open: 'a step that has not run with these settings', done: '' }[
      marks.state(open)
    ],
    next: 'Leave out --from and --only: finished steps are not repeated.',
  });
}
