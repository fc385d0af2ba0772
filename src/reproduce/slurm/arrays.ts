import type { Task } from '../tasks.ts';

/** Tasks that are submitted with one sbatch. */
export interface JobArray {
  /** The kind of its tasks; `trainings` if they are of several. */
  readonly kind: string;
  readonly gpu: boolean;
  readonly tasks: readonly Task[];
  /** Tasks of other arrays that it waits for. */
  readonly needs: readonly Task[];
  /** Whether those have to succeed, or only to end. */
  readonly waitsFor: 'success' | 'end';
}

/** How to divide tasks into arrays. */
export interface Division {
  /** Tasks that an earlier submission has put into the queue. They are not submitted again, but waited for. */
  readonly queued: ReadonlySet<Task>;
  /** Largest number of tasks of an array. */
  readonly arraySize: number;
  /** Largest number of trainings at a time; default: no limit. */
  readonly maxParallel?: number;
}

/**
 * Divides tasks into arrays, each after those that it waits for. Tasks of one array are of one kind and need the same tasks, so none waits for a
 * task that it does not need. Slurm can limit how many tasks of one array run at a time, but not of several: with `maxParallel`, all trainings that
 * need no other training make one array, those that need one of these the next, and such arrays run one after the other.
 *
 * @param tasks tasks to submit, each after those that it needs. A need that is neither among them nor queued counts as done.
 */
export function divide(tasks: readonly Task[], { queued, arraySize, maxParallel }: Division): JobArray[] {
  const chosen = new Set(tasks);
  const awaited = (task: Task): Task[] => task.needs.filter((need) => chosen.has(need) || queued.has(need));
  const isCapped = (task: Task): boolean => maxParallel !== undefined && task.gpu;
  const level = levels(tasks);
  const keyOf = (task: Task): string =>
    isCapped(task) ? `level ${level(task)}` : JSON.stringify([task.kind, ...awaited(task).map(({ id }) => id)]);

  const groups = new Map<string, Task[]>();
  for (const task of tasks.filter(({ kind }) => kind !== 'finish')) {
    const group = groups.get(keyOf(task));
    if (group) group.push(task);
    else groups.set(keyOf(task), [task]);
  }
  const queuedTrainings = [...queued].filter(isCapped);
  const arrays = [...groups.values()].flatMap((group) => {
    const [first] = group;
    const before = isCapped(first)
      ? [...tasks.filter((task) => isCapped(task) && level(task) < level(first)), ...queuedTrainings]
      : [];
    const kinds = new Set(group.map(({ kind }) => kind));
    const array = {
      kind: kinds.size === 1 ? first.kind : 'trainings',
      gpu: first.gpu,
      needs: [...new Set([...group.flatMap(awaited), ...before])],
      // A training whose inputs are missing ends at once; the others of its array should run.
      waitsFor: isCapped(first) ? ('end' as const) : ('success' as const),
    };
    return chunks(group, arraySize).map((part, i, all): JobArray => {
      // The parts of an array that is too long run one after the other too.
      const earlier = isCapped(first) ? all.slice(0, i).flat() : [];
      return { ...array, tasks: part, needs: [...array.needs, ...earlier] };
    });
  });
  return [...inOrder(arrays), ...finishOf(tasks, queued)];
}

/** The last task waits for the end of all others, however they end: it says what is missing. */
function finishOf(tasks: readonly Task[], queued: ReadonlySet<Task>): JobArray[] {
  const finish = tasks.find(({ kind }) => kind === 'finish');
  if (finish === undefined) return [];
  const needs = [...tasks.filter((task) => task !== finish), ...queued];
  return [{ kind: finish.kind, gpu: finish.gpu, tasks: [finish], needs, waitsFor: 'end' }];
}

/** How many trainings of `tasks` must have ended before a task, one after the other. */
function levels(tasks: readonly Task[]): (task: Task) => number {
  const chosen = new Set(tasks);
  const known = new Map<Task, number>();
  const level = (task: Task): number => {
    const found = known.get(task);
    if (found !== undefined) return found;
    const needs = task.needs.filter((need) => chosen.has(need));
    const value = Math.max(0, ...needs.map((need) => level(need) + (need.gpu ? 1 : 0)));
    known.set(task, value);
    return value;
  };
  return level;
}

function inOrder(arrays: readonly JobArray[]): JobArray[] {
  const home = new Map(arrays.flatMap((array) => array.tasks.map((task) => [task, array] as const)));
  const ordered = new Set<JobArray>();
  const add = (array: JobArray): void => {
    if (ordered.has(array)) return;
    for (const need of array.needs) {
      const before = home.get(need);
      if (before !== undefined) add(before);
    }
    ordered.add(array);
  };
  for (const array of arrays) add(array);
  return [...ordered];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** The longest chain of tasks that wait for each other: no number of machines makes a run shorter. */
export function criticalPath(tasks: readonly Task[]): { readonly seconds: number; readonly tasks: readonly Task[] } {
  const chosen = new Set(tasks);
  const known = new Map<Task, { readonly seconds: number; readonly tasks: readonly Task[] }>();
  let longest: { readonly seconds: number; readonly tasks: readonly Task[] } = { seconds: 0, tasks: [] };
  for (const task of tasks) {
    const paths = task.needs.filter((need) => chosen.has(need)).map((need) => known.get(need)!);
    const before = paths.reduce((best, path) => (path.seconds > best.seconds ? path : best), { seconds: 0, tasks: [] });
    const path = { seconds: before.seconds + task.seconds, tasks: [...before.tasks, task] };
    known.set(task, path);
    if (path.seconds > longest.seconds) longest = path;
  }
  return longest;
}

/**
 * Seconds until the arrays are done if `places` trainings run at a time, each as fast as it is planned, and other tasks start as soon as they may.
 *
 * @param places number of GPUs.
 */
export function scheduledSeconds(arrays: readonly JobArray[], places: number): number {
  const ends = new Map<Task, number>();
  const free = Array.from({ length: places }, () => 0);
  for (const { tasks, needs, gpu } of arrays) {
    const ready = Math.max(0, ...needs.map((need) => ends.get(need) ?? 0));
    for (const task of tasks) {
      if (!gpu) {
        ends.set(task, ready + task.seconds);
        continue;
      }
      const place = free.indexOf(Math.min(...free));
      free[place] = Math.max(free[place], ready) + task.seconds;
      ends.set(task, free[place]);
    }
  }
  return Math.max(0, ...ends.values());
}
