import { join } from 'node:path';
import { root } from '../lib/installation.mjs';
import { planRun } from './plan.ts';
import type { RunSettings } from './settings.ts';
import type { Step, StepMarks, StepState, TaskKind } from './step.ts';

export type { TaskKind } from './step.ts';

/** Steps that one process does in one go. Schedulers start tasks; the ordinary command runs them one after the other. */
export interface Task {
  /** Unique in the run. Lower-case letters, digits and hyphens, at most 63 of them. */
  readonly id: string;
  readonly kind: TaskKind;
  /** In order. */
  readonly steps: readonly Step[];
  /** Tasks that must be done before. Every task needs the task `check`. */
  readonly needs: readonly Task[];
  /** Whether a GPU makes it faster. */
  readonly gpu: boolean;
  /** Rough number of seconds on two cores. */
  readonly seconds: number;
  /** Whether it goes on where it was paused or killed. Otherwise it starts again, so it has to fit into one time limit. */
  readonly resumes: boolean;
}

const traits: Readonly<Record<TaskKind, { readonly gpu: boolean; readonly resumes: boolean }>> = {
  check: { gpu: false, resumes: false },
  data: { gpu: false, resumes: false },
  pretraining: { gpu: true, resumes: true },
  finetuning: { gpu: true, resumes: true },
  'original-pretraining': { gpu: true, resumes: false },
  'original-finetuning': { gpu: true, resumes: false },
  checks: { gpu: false, resumes: false },
  suites: { gpu: false, resumes: false },
  finish: { gpu: false, resumes: false },
};

/** All tasks of a run, each after those that it needs. */
export function planTasks(run: RunSettings): Task[] {
  return tasksOf(planRun(run));
}

/** The tasks of these steps, each after those that it needs. */
export function tasksOf(steps: readonly Step[]): Task[] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const group = groups.get(step.task.id);
    if (group) group.push(step);
    else groups.set(step.task.id, [step]);
  }
  const made = new Map<string, Task>();
  const taskOf = (id: string): Task => {
    const known = made.get(id);
    if (known) return known;
    const own = groups.get(id)!;
    const { kind } = own[0].task;
    const wanted = new Set(own.flatMap(({ needs }) => needs.map(({ task }) => task.id)));
    wanted.delete(id);
    if (kind !== 'check') wanted.add('check');
    const needs = [...wanted].filter((need) => groups.has(need)).map(taskOf);
    const seconds = own.reduce((sum, step) => sum + step.seconds, 0);
    const task: Task = { id, kind, steps: own, needs, seconds, ...traits[kind] };
    made.set(id, task);
    return task;
  };
  for (const id of groups.keys()) taskOf(id);
  return [...made.values()];
}

/** State of a task: `begun` if it has done a part of its work with these settings. */
export function taskState({ steps }: Pick<Task, 'steps'>, marks: StepMarks): StepState {
  const states = steps.map((step) => marks.state(step));
  if (states.every((state) => state === 'done')) return 'done';
  return states.every((state) => state === 'open') ? 'open' : 'begun';
}

/** Tasks that a scheduler can start as one array: same kind, same resources, and all need tasks of the same arrays. */
export interface TaskArray {
  /** Unique in the run: the kind, with a number if it has several arrays. */
  readonly name: string;
  readonly kind: TaskKind;
  readonly gpu: boolean;
  readonly resumes: boolean;
  readonly tasks: readonly Task[];
  /** Arrays with tasks that its tasks need. */
  readonly needs: readonly TaskArray[];
}

/**
 * Arrays of tasks, each after those that it needs.
 *
 * @param tasks each after those that it needs. A need that is not among them counts as done.
 */
export function arraysOf(tasks: readonly Task[]): TaskArray[] {
  const arrays: (TaskArray & { readonly tasks: Task[] })[] = [];
  const homes = new Map<Task, TaskArray>();
  for (const task of tasks) {
    const { kind, gpu, resumes } = task;
    const found = new Set(task.needs.flatMap((need) => homes.get(need) ?? []));
    const needs = arrays.filter((array) => found.has(array));
    const equal = arrays.find((array) => array.kind === kind && sameArrays(array.needs, needs));
    if (equal) {
      equal.tasks.push(task);
      homes.set(task, equal);
      continue;
    }
    const number = arrays.filter((array) => array.kind === kind).length + 1;
    const array = { name: number === 1 ? kind : `${kind}-${number}`, kind, gpu, resumes, tasks: [task], needs };
    arrays.push(array);
    homes.set(task, array);
  }
  return arrays;
}

function sameArrays(a: readonly TaskArray[], b: readonly TaskArray[]): boolean {
  return a.length === b.length && a.every((array, i) => array === b[i]);
}

/**
 * Command line that runs a task, from any folder: program and arguments. Nothing stands between the scheduler and Node, so signals and exit codes get
 * through.
 */
export function taskCommand(run: Pick<RunSettings, 'arguments'>, { id }: Pick<Task, 'id'>): string[] {
  return [process.execPath, join(root, 'bin', 'ecg-transplant.mjs'), 'reproduce', ...run.arguments, '--run-task', id];
}
