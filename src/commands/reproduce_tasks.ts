import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { type FlagTable, flagOf, type Values } from '../lib/argparse/flags.ts';
import { oneOf } from '../lib/argparse/types.ts';
import { near } from '../lib/near.ts';
import { print } from '../output.ts';
import { type Emitted, emitJson, emitKubernetes, emitMakefile, taskForms } from '../reproduce/emit/emit.ts';
import { requireOnVolume } from '../reproduce/emit/kubernetes.ts';
import { prepareRun } from '../reproduce/prepare_run.ts';
import { runTask } from '../reproduce/run_task.ts';
import type { RunSettings } from '../reproduce/settings.ts';
import { planTasks, type Task } from '../reproduce/tasks.ts';
import { formatDuration } from '../text.ts';

/** Flags of `reproduce` for schedulers. */
export const taskFlags = {
  emit: {
    value: 'FORM',
    type: oneOf(taskForms),
    help: `write the tasks that are not done into the folder of the run, and exit:
json        tasks.json: commands, order, GPU or not, seconds; for any scheduler
make        Makefile, for several processes on this machine
kubernetes  kubernetes/: Indexed Jobs in stages; needs --image and --claim
`,
  },
  runTask: {
    value: 'ID',
    help: `for schedulers: run one task in this process, with the options of the run. Exits with 0 if the task is
done, 75 if it was paused or another process works on it (start it again), 2 if it failed`,
  },
  image: { value: 'NAME', help: 'for --emit kubernetes: image made with the Dockerfile' },
  claim: { value: 'NAME', help: 'for --emit kubernetes: volume claim that holds the folder of the run and its data' },
  mount: {
    value: 'DIR',
    help: 'for --emit kubernetes: where the volume is mounted, here and in the containers',
    defaultText: 'the folder that holds the folder of the run',
  },
  gpuResource: {
    value: 'NAME',
    help: 'for --emit kubernetes: what a task with a GPU asks for, such as nvidia.com/gpu',
    defaultText: 'nothing: all tasks run on CPUs',
  },
} as const satisfies FlagTable;

/** What `--emit` and `--run-task` look at. */
type TaskValues = Partial<Values<typeof taskFlags>> & {
  readonly from?: string;
  readonly only?: string;
  readonly force?: boolean;
  readonly list?: boolean;
  readonly engine?: string;
  readonly status?: boolean;
  readonly cancel?: boolean;
  readonly wait?: boolean;
};

/** Refuses options that contradict `--emit` or `--run-task`. */
export function checkTaskFlags(values: TaskValues): void {
  const { emit, runTask: id, image, claim } = values;
  const wanted = emit !== undefined ? '--emit' : id !== undefined ? '--run-task' : undefined;
  if (wanted !== undefined) {
    const others = [
      'from',
      'only',
      'list',
      'status',
      'cancel',
      'wait',
      emit === undefined ? 'force' : 'runTask',
    ] as const;
    const stray = others.find((name) => values[name]);
    if (stray) {
      throw new UsageError(`${wanted} and ${flagOf(stray)} exclude each other`, {
        next: `Leave ${flagOf(stray)} out.`,
      });
    }
  }
  if (emit !== undefined && values.engine === 'slurm') {
    throw new UsageError('--emit and --engine slurm exclude each other', {
      next: 'Leave --emit out to submit to Slurm; leave --engine out to write the tasks.',
    });
  }
  if (emit === 'kubernetes') {
    const missing = image === undefined ? '--image NAME' : claim === undefined ? '--claim NAME' : undefined;
    if (missing) throw new UsageError(`--emit kubernetes needs ${missing}`);
    return;
  }
  const stray = (['image', 'claim', 'mount', 'gpuResource'] as const).find((name) => values[name] !== undefined);
  if (stray) {
    throw new UsageError(`${flagOf(stray)} is for --emit kubernetes only`, { next: `Leave ${flagOf(stray)} out.` });
  }
}

/** The task of the run with this id. Throws a UsageError if there is none. */
export function taskNamed(settings: RunSettings, id: string): Task {
  const tasks = planTasks(settings);
  const task = tasks.find((one) => one.id === id);
  if (task) return task;
  const names = tasks.map((one) => one.id);
  throw new UsageError('--run-task: the run has no such task', {
    got: id,
    expected: `one of its ${names.length} tasks, such as ${names[0]} or ${names.at(-1)}`,
    next: near(id, names),
  });
}

/** Runs a task and says that it is done. */
export async function runOne(
  settings: RunSettings,
  task: Task,
  context: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<void> {
  const hadWork = await runTask(settings, task, context);
  if (task.kind === 'finish') return;
  print(hadWork ? `${task.id}: done\n` : `${task.id}: nothing to do, it is done already\n`);
}

/** Prepares the run and writes its open tasks in the wanted form. */
export function emitTasks(settings: RunSettings, values: TaskValues): void {
  if (values.emit === 'kubernetes') requireOnVolume(settings, mountOf(settings, values));
  const tasks = prepareRun(settings, { force: values.force });
  const { file, use } = emitted(settings, tasks, values);
  const seconds = tasks.reduce((sum, task) => sum + task.seconds, 0);
  print(
    tasks.length === 0
      ? 'Everything is done, so there are no tasks.\n'
      : `${tasks.length} tasks, about ${formatDuration(seconds)} of work on two cores\n`,
  );
  print(`${file}\n${use === undefined || tasks.length === 0 ? '' : `Start them: ${use}\n`}`);
}

function emitted(settings: RunSettings, tasks: readonly Task[], values: TaskValues): Emitted {
  switch (values.emit!) {
    case 'json':
      return emitJson(settings, tasks);
    case 'make':
      return emitMakefile(settings, tasks);
    case 'kubernetes':
      return emitKubernetes(settings, tasks, {
        image: values.image!,
        claim: values.claim!,
        mount: mountOf(settings, values),
        label: randomBytes(4).toString('hex'),
        ...(values.gpuResource !== undefined && { gpuResource: values.gpuResource }),
      });
  }
}

function mountOf({ folder }: RunSettings, { mount }: TaskValues): string {
  return resolve(mount ?? dirname(folder.root));
}

/** What to type after a pause of a task. */
export function afterPause(id: string): string {
  return `${id}: paused; what it has done is kept. Start the task again; with make, run make again.\n`;
}
