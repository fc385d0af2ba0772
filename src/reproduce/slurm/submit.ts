import { InputError, messageOf } from '../../errors.ts';
import type { Reporter } from '../../events.ts';
import { lockFolder } from '../../lib/lock.ts';
import { formatDuration, shellCommand } from '../../text.ts';
import { prepareRun, type StepSelection } from '../prepare_run.ts';
import type { RunSettings } from '../settings.ts';
import { keyOf } from '../step.ts';
import { planTasks, type Task, taskCommand } from '../tasks.ts';
import { divide, type JobArray } from './arrays.ts';
import { type QueuedJob, type Slurm, SlurmError } from './client.ts';
import { type QueuedTask, SlurmFiles, type Submission, tasksInQueue } from './files.ts';
import { timeLimitOf } from './options.ts';

/** What sbatch is to be told beside what the engine sets. */
export interface Resources {
  /** Options for tasks that a GPU makes faster. */
  readonly gpu: readonly string[];
  /** Options for all other tasks. */
  readonly cpu: readonly string[];
}

export interface SubmitOptions extends Resources {
  /** Largest number of trainings at a time; default: no limit. */
  readonly maxParallel?: number;
  readonly selection?: StepSelection;
}

/** What a submission did. */
export interface Submitted {
  /** Arrays and tasks that were submitted. */
  readonly arrays: readonly JobArray[];
  /** Tasks that were in the queue already. */
  readonly queued: number;
}

/** Seconds before the time limit at which a task is told to save and to go back into the queue. */
const warning = 300;

/** Suites wait until nothing else can run: nothing but the report needs them. */
const lowPriority = 10_000;

/**
 * Submits the tasks of a run that are neither done nor in the queue.
 *
 * @throws InputError if options have changed while tasks are in the queue, or if Slurm refuses; then its message says how much is submitted.
 */
export async function submitRun(
  run: RunSettings,
  options: SubmitOptions,
  client: Slurm,
  report: Reporter,
  signal: AbortSignal = new AbortController().signal,
): Promise<Submitted> {
  const files = new SlurmFiles(run.folder);
  const { arraySize } = await client.limits();
  await checkResources(options, client);
  files.make();
  const unlock = lockFolder(files.folder, { name: 'submit.lock', work: 'submits or cancels this run' });
  try {
    const queue = tasksInQueue(await client.queue(files.prefix), files.submissions());
    const tasks = planTasks(run);
    requireUnchanged(run, tasks, queue, options.selection?.force ?? false);
    const open = new Set(prepareRun(run, options.selection).map(({ id }) => id));
    const waiting = new Map(queue.map(({ id, job }) => [id, job] as const));
    const chosen = tasks.filter((task) => open.has(task.id) && !waiting.has(task.id));
    const finish = tasks.find(({ kind }) => kind === 'finish');
    // The report of an earlier submission would only say that the tasks of this one are missing.
    const early = finish && waiting.get(finish.id);
    if (chosen.length > 0 && finish && early?.state === 'PENDING') {
      await client.cancel([nameOf(early)]);
      waiting.delete(finish.id);
      chosen.push(finish);
    }
    const queued = new Set(tasks.filter(({ id }) => waiting.has(id)));
    const arrays = divide(chosen, { queued, arraySize, maxParallel: options.maxParallel });
    for (const line of limitWarnings(chosen, options)) report({ kind: 'warning', text: line });
    await new Submitter(run, options, client, files, waiting).submit(arrays, report, signal);
    return { arrays, queued: queued.size };
  } finally {
    unlock();
  }
}

/** Slurm's name of a task: `101_3`. */
export function nameOf({ array, index }: Pick<QueuedJob, 'array' | 'index'>): string {
  return `${array}_${index}`;
}

async function checkResources({ gpu, cpu }: Resources, client: Slurm): Promise<void> {
  for (const [flag, options] of [
    ['--slurm-args', gpu],
    ['--slurm-args-cpu', cpu],
  ] as const) {
    try {
      await client.check(options);
    } catch (error) {
      if (!(error instanceof SlurmError) || error.problem.got === undefined) throw error;
      throw new InputError(`Slurm does not accept a job with these options`, {
        where: `${flag}="${options.join(' ')}"`,
        got: error.problem.got,
        next: 'See the partitions and what they allow: sinfo; scontrol show partition',
      });
    }
  }
}

/** A queued task runs with the options with which it was submitted. */
function requireUnchanged(
  run: RunSettings,
  tasks: readonly Task[],
  queue: readonly QueuedTask[],
  force: boolean,
): void {
  const keys = new Map(tasks.map((task) => [task.id, taskKey(task)]));
  const other = queue.find(({ id, key }) => force || keys.get(id) !== key);
  if (other === undefined) return;
  throw new InputError(
    force ? 'tasks of this run are still in the queue' : 'tasks of this run with other options are still in the queue',
    {
      file: run.folder.root,
      where: `${other.id}, job ${nameOf(other.job)}`,
      next: `Wait for them, or cancel them first: ${run.command} --cancel`,
    },
  );
}

function taskKey({ steps }: Task): string {
  return keyOf(steps.at(-1)!);
}

/** What the time limit is too short for, as far as it is known. */
export function limitWarnings(tasks: readonly Task[], { gpu, cpu }: Resources): string[] {
  return [false, true].flatMap((isTraining) => {
    const limit = timeLimitOf(isTraining ? gpu : cpu) ?? Number.POSITIVE_INFINITY;
    const long = tasks.filter((task) => task.gpu === isTraining && !task.resumes && task.seconds > limit - warning);
    if (long.length === 0) return [];
    const longest = long.reduce((a, b) => (a.seconds > b.seconds ? a : b));
    const others = long.length === 1 ? '' : ` and ${long.length - 1} more`;
    return [
      `${longest.id}${others}: about ${formatDuration(longest.seconds)} on two cores, but --time is ${formatDuration(limit)}. The original cannot go on where it was stopped, so each of its jobs has to fit into one time limit. The port's tasks go on after theirs. If a job of the original fails for that, type the command again with a longer --time.`,
    ];
  });
}

class Submitter {
  readonly #run: RunSettings;
  readonly #options: SubmitOptions;
  readonly #client: Slurm;
  readonly #files: SlurmFiles;
  /** Slurm's names of the tasks that are in the queue: number of the array and index. */
  readonly #jobs: Map<string, Pick<QueuedJob, 'array' | 'index'>>;
  /** Numbers of the tasks in each array of this submission. */
  readonly #sizes = new Map<number, number>();

  constructor(
    run: RunSettings,
    options: SubmitOptions,
    client: Slurm,
    files: SlurmFiles,
    queued: ReadonlyMap<string, QueuedJob>,
  ) {
    this.#run = run;
    this.#options = options;
    this.#client = client;
    this.#files = files;
    this.#jobs = new Map(queued);
  }

  async submit(arrays: readonly JobArray[], report: Reporter, signal: AbortSignal): Promise<void> {
    let number = this.#files.submissions().at(-1)?.number ?? 0;
    for (const [position, array] of arrays.entries()) {
      try {
        if (signal.aborted) throw new SlurmError('interrupted', {});
        const job = await this.#one(array, ++number);
        const what = array.tasks.length === 1 ? array.tasks[0].id : `${array.kind}, ${array.tasks.length} tasks`;
        report({ kind: 'message', text: `[${position + 1}/${arrays.length}] job ${job}: ${what}` });
      } catch (error) {
        throw refused(error, this.#run, position, arrays.length);
      }
    }
  }

  async #one(array: JobArray, number: number): Promise<number> {
    const { tasks, kind } = array;
    const submission: Submission = {
      format: 1,
      number,
      kind,
      tasks: tasks.map(({ id }) => id),
      keys: tasks.map(taskKey),
      written: new Date().toISOString(),
      command: this.#run.command,
    };
    for (const { id } of tasks) this.#files.forgetRecord(id);
    const { script } = this.#files.write(submission, (list) => scriptOf(this.#run, list));
    try {
      const job = await this.#client.submit(this.#arguments(array, submission), script);
      for (const [index, { id }] of tasks.entries()) this.#jobs.set(id, { array: job, index });
      this.#sizes.set(job, tasks.length);
      return job;
    } catch (error) {
      // Without an answer, Slurm may have taken the job: then its name leads to these files.
      if (error instanceof SlurmError && !error.isSilence) this.#files.remove(submission);
      throw error;
    }
  }

  #arguments({ tasks, gpu, needs, waitsFor, kind }: JobArray, submission: Submission): string[] {
    const { maxParallel } = this.#options;
    const resources = gpu ? this.#options.gpu : this.#options.cpu;
    const limit = timeLimitOf(resources) ?? Number.POSITIVE_INFINITY;
    const before = this.#dependency(needs);
    const dependency = waitsFor === 'success' ? 'afterok' : 'afterany';
    return [
      `--job-name=${this.#files.jobName(submission)}`,
      '--requeue',
      `--signal=B:USR1@${Math.min(warning, Math.floor(limit / 3))}`,
      ...(kind === 'suites' ? [`--nice=${lowPriority}`] : []),
      ...resources,
      `--array=0-${tasks.length - 1}${maxParallel !== undefined && gpu ? `%${maxParallel}` : ''}`,
      '--open-mode=append',
      `--chdir=${this.#run.folder.root}`,
      `--output=${this.#files.logPattern(submission)}`,
      ...(before === '' ? [] : [`--dependency=${dependency}:${before}`]),
      ...(before !== '' && waitsFor === 'success' ? ['--kill-on-invalid-dep=yes'] : []),
    ];
  }

  /** Jobs of tasks as `--dependency` takes them: an array if all of it is needed, else its elements. */
  #dependency(needs: readonly Task[]): string {
    const found = needs.flatMap(({ id }) => this.#jobs.get(id) ?? []);
    const arrays = new Map<number, number[]>();
    for (const { array, index } of found) arrays.set(array, [...(arrays.get(array) ?? []), index]);
    return [...arrays]
      .sort(([a], [b]) => a - b)
      .flatMap(([array, indices]) =>
        this.#sizes.get(array) === indices.length ? [`${array}`] : indices.map((index) => nameOf({ array, index })),
      )
      .join(':');
  }
}

function refused(error: unknown, run: RunSettings, done: number, all: number): unknown {
  if (!(error instanceof SlurmError)) return error;
  const count = done === 0 ? 'nothing was submitted' : `${done} of ${all} arrays are submitted`;
  return new InputError(`${count}: ${messageOf(error).replace(/\. [A-Z].*$/, '')}`, {
    next:
      done === 0
        ? `Once the reason is gone, type the same command again: ${run.command}`
        : `They run. Once there is room, type the same command again for the others: ${run.command}`,
  });
}

/** Runs the task of its place in the array. Nothing stands between Slurm and Node, so signals reach it. */
function scriptOf(run: RunSettings, list: string): string {
  const [node, program, ...rest] = taskCommand(run, { id: 'TASK' });
  const fixed = rest.slice(0, rest.indexOf('--run-task'));
  return `#!/bin/sh
# Slurm starts this once for each line of the list of tasks.
list=${shellCommand([list])}
task=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$list")
if [ -z "$task" ]; then
  echo "$(hostname): no task $SLURM_ARRAY_TASK_ID in $list. The folder of the run must have the same path on all nodes." >&2
  exit 2
fi
for file in ${shellCommand([node, program])}; do
  if [ ! -e "$file" ]; then
    echo "$(hostname): $file is missing. Node and the project must have the same paths on all nodes." >&2
    exit 2
  fi
done
exec ${shellCommand([node, program, ...fixed])} --engine slurm --run-task "$task"
`;
}
