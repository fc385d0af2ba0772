import { counted, formatDuration } from '../../text.ts';
import { RemainingTime } from '../remaining_time.ts';
import type { RunSettings } from '../settings.ts';
import { StepMarks } from '../step.ts';
import { planTasks, type Task, taskState } from '../tasks.ts';
import { criticalPath } from './arrays.ts';
import type { QueuedJob, Slurm } from './client.ts';
import { SlurmFiles, type Submission, tasksInQueue } from './files.ts';
import { type Epochs, epochsOf } from './progress.ts';
import { nameOf } from './submit.ts';

/** What has become of a task. */
export interface TaskStatus {
  readonly task: Task;
  readonly state:
    | 'done'
    | 'running'
    /** In Slurm's queue. */
    | 'pending'
    /** Its process has ended without finishing it. */
    | 'failed'
    /** Neither done nor in the queue, and not failed: not submitted, cancelled, or paused. */
    | 'missing';
  /** Where it runs, why it waits, why it failed. */
  readonly detail: string;
  readonly job?: QueuedJob;
  readonly log?: string;
  readonly epochs?: Epochs;
}

/** The state of a run on Slurm. */
export interface RunStatus {
  readonly tasks: readonly TaskStatus[];
  /** Seconds of work left, and of the longest chain of tasks in it, if the others are as fast as those that are done. */
  readonly left: { readonly work: number; readonly chain: number };
}

/** What Slurm's words mean that a user meets most often. */
const reasons: Readonly<Record<string, string>> = {
  Dependency: 'waits for other tasks',
  Priority: 'waits for its turn',
  Resources: 'waits for a free node',
  None: 'was just submitted',
  BeginTime: 'was put back into the queue; Slurm waits two minutes before it starts again',
  JobArrayTaskLimit: 'waits for others of its array: --slurm-max-parallel',
  DependencyNeverSatisfied: 'a task that it needs failed',
  JobHeldUser: 'is held; release it with scontrol release',
  JobHeldAdmin: 'is held by the administrator',
  launch_failed_requeued_held: 'could not be started; ask the administrator, then scontrol release',
};

/** States in which a job has nodes. */
const running = new Set(['RUNNING', 'COMPLETING', 'SUSPENDED', 'STOPPED', 'SIGNALING', 'STAGE_OUT']);

/** The state of all tasks of a run, from its marks, the files of its submissions and the queue. */
export async function statusOf(run: RunSettings, client: Slurm): Promise<RunStatus> {
  const files = new SlurmFiles(run.folder);
  const submissions = files.submissions();
  // A run that was never submitted has a state too, where there is no Slurm.
  const jobs = submissions.length === 0 ? [] : await client.queue(files.prefix);
  const queue = new Map(tasksInQueue(jobs, submissions).map(({ id, job }) => [id, job]));
  const marks = new StepMarks(run.folder.steps);
  const tasks = planTasks(run).map((task): TaskStatus => {
    if (taskState(task, marks) === 'done') return { task, state: 'done', detail: '' };
    const job = queue.get(task.id);
    return job === undefined ? ended(task, files, submissions) : inQueue(task, job);
  });
  return { tasks, left: timeLeft(run, tasks) };
}

function inQueue(task: Task, job: QueuedJob): TaskStatus {
  const { state, reason, node, seconds } = job;
  if (!running.has(state)) {
    const meaning = reasons[reason];
    return { task, state: 'pending', detail: meaning === undefined ? reason : `${reason}: ${meaning}`, job };
  }
  const epochs = epochsOf(task);
  return {
    task,
    state: 'running',
    detail: [
      epochs && `epoch ${Math.min(epochs.done + 1, epochs.all)} of ${epochs.all}`,
      `${formatDuration(seconds)} on ${node}`,
      `job ${nameOf(job)}`,
    ]
      .filter(Boolean)
      .join(', '),
    job,
    ...(epochs && { epochs }),
  };
}

/** A task that is neither done nor in the queue. */
function ended(task: Task, files: SlurmFiles, submissions: readonly Submission[]): TaskStatus {
  const record = files.record(task.id);
  const last = submissions.findLast(({ tasks }) => tasks.includes(task.id));
  if (last === undefined) return { task, state: 'missing', detail: 'not submitted' };
  const log = files.log(last, last.tasks.indexOf(task.id));
  const line = files.lastLine(log);
  switch (record?.state) {
    case 'paused':
      return { task, state: 'missing', detail: `paused: ${record.reason ?? ''}; the next submission goes on`, log };
    case 'failed':
      return { task, state: 'failed', detail: record.reason?.split('\n')[0] ?? 'failed', log };
    case undefined:
      return line === undefined
        ? { task, state: 'missing', detail: 'not started: cancelled, or a task that it needs failed' }
        : { task, state: 'failed', detail: line, log };
    default:
      return {
        task,
        state: 'failed',
        detail: `its process ended without a word on ${record!.host}: killed, out of memory, or the node failed`,
        log,
      };
  }
}

function timeLeft(run: RunSettings, tasks: readonly TaskStatus[]): RunStatus['left'] {
  const marks = new StepMarks(run.folder.steps);
  const time = new RemainingTime();
  time.learn(
    tasks.flatMap(({ task }) => task.steps),
    marks,
  );
  const open = tasks
    .filter(({ state }) => state !== 'done')
    .map(({ task, epochs }) => {
      const share = epochs === undefined ? 1 : 1 - epochs.done / Math.max(1, epochs.all);
      return { ...task, seconds: task.seconds * share };
    });
  const byId = new Map(open.map((task) => [task.id, task]));
  const linked = open.map(
    (task): Task => Object.assign(task, { needs: task.needs.flatMap(({ id }) => byId.get(id) ?? []) }),
  );
  return { work: time.of(linked), chain: time.of([criticalPath(linked)]) };
}

/** The number of tasks in each state: `3 done, 1 running`. */
export function summaryOf({ tasks }: Pick<RunStatus, 'tasks'>): string {
  const counts = (['done', 'running', 'pending', 'failed', 'missing'] as const).map((state) => {
    const count = tasks.filter((one) => one.state === state).length;
    return count > 0 ? `${count} ${state}` : '';
  });
  return counts.filter(Boolean).join(', ');
}

/** A status as text. */
export function formatStatus(run: RunSettings, status: RunStatus): string {
  const lines = [
    `${run.experiment.name} in ${run.folder.root}`,
    `${counted(status.tasks.length, 'task')}: ${summaryOf(status)}`,
  ];
  const { tasks, left } = status;
  for (const { task, detail } of tasks.filter(({ state }) => state === 'running')) {
    lines.push(`running  ${task.id}: ${detail}`);
  }
  for (const state of ['pending', 'missing'] as const) {
    const groups = new Map<string, TaskStatus[]>();
    for (const one of tasks.filter((task) => task.state === state)) {
      const title = `${one.task.kind}: ${one.detail}`;
      groups.set(title, [...(groups.get(title) ?? []), one]);
    }
    for (const [title, group] of groups) {
      const where =
        group[0].job === undefined ? '' : ` (job ${[...new Set(group.map(({ job }) => job!.array))].join(', ')})`;
      lines.push(`${state}  ${group.length} ${title}${where}`);
    }
  }
  for (const { task, detail, log } of tasks.filter(({ state }) => state === 'failed')) {
    lines.push(`failed   ${task.id}: ${detail}`);
    if (log !== undefined) lines.push(`         log: ${log}`);
  }
  if (tasks.every(({ state }) => state === 'done'))
    return [...lines, `Report: ${run.folder.root}/report.html`].join('\n');
  lines.push(
    `About ${formatDuration(left.work)} of work left, ${formatDuration(left.chain)} of it one task after the other (at the speed of the tasks that are done).`,
  );
  if (tasks.some(({ state }) => state === 'failed' || state === 'missing')) {
    lines.push(`Submit what is failed or missing: ${new SlurmFiles(run.folder).commandOf(run)}`);
  }
  return lines.join('\n');
}
