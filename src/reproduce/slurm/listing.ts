import { markdownTable } from 'markdown-table';
import { counted, formatDuration } from '../../text.ts';
import { tasksToDo } from '../prepare_run.ts';
import type { RunSettings } from '../settings.ts';
import { criticalPath, divide, scheduledSeconds } from './arrays.ts';
import { defaultLimits } from './client.ts';

/** Seconds that a task takes beside its work: Node, TensorFlow, Python's start is counted in its steps. */
const overhead = 4;

/** The arrays that a submission makes of what is not done, and how long they take; asks Slurm nothing. */
export function formatPlan(run: RunSettings, maxParallel?: number): string {
  const open = tasksToDo(run);
  if (open.length === 0) return 'Everything is done.\n';
  const arrays = divide(open, { queued: new Set(), arraySize: defaultLimits.arraySize, maxParallel });
  const numbers = new Map(arrays.flatMap(({ tasks }, i) => tasks.map((task) => [task, i + 1] as const)));
  /** What each array waits for, directly or not. */
  const before = new Map<number, ReadonlySet<number>>();
  const rows = arrays.map(({ kind, tasks, gpu, needs }, i) => {
    const longest = Math.max(...tasks.map(({ seconds }) => seconds));
    const after = shortest(new Set(needs.flatMap((need) => numbers.get(need) ?? [])), before);
    before.set(i + 1, new Set([...after, ...after.flatMap((number) => [...before.get(number)!])]));
    return [
      String(i + 1),
      kind,
      String(tasks.length),
      gpu ? '--slurm-args' : '--slurm-args-cpu',
      formatDuration(longest),
      kind === 'finish' ? 'all' : ranges(after),
    ];
  });
  const sum = (tasks: typeof open): number => tasks.reduce((total, { seconds }) => total + seconds, 0);
  const chain = criticalPath(open);
  const table = markdownTable([['array', 'kind', 'tasks', 'options', 'longest task', 'after'], ...rows], {
    align: ['r', 'l', 'r', 'l', 'r', 'l'],
  });
  const places = maxParallel ?? 0;
  const lines = [
    `${counted(open.length, 'task')} in ${counted(arrays.length, 'array')}. Work: ${formatDuration(sum(open))} on two cores, ${formatDuration(sum(open.filter(({ gpu }) => gpu)))} of it trainings.`,
    `Longest chain: ${formatDuration(chain.seconds)} (${chain.tasks.map(({ id }) => id).join(' → ')}).`,
    ...(places > 0 ? [`With ${places} trainings at a time: ${formatDuration(scheduledSeconds(arrays, places))}.`] : []),
    `A GPU is faster than two cores; what counts here is how the times compare. A task takes about ${overhead} s to start.`,
  ];
  return `${table}\n\n${lines.join('\n')}\n`;
}

/** Leaves out what others of these numbers wait for anyway. */
function shortest(after: ReadonlySet<number>, before: ReadonlyMap<number, ReadonlySet<number>>): number[] {
  const implied = new Set([...after].flatMap((number) => [...before.get(number)!]));
  return [...after].filter((number) => !implied.has(number)).sort((a, b) => a - b);
}

/** `1-3, 5` for 1, 2, 3, 5. */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
