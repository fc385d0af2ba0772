import { isAbsolute, relative } from 'node:path';
import { UsageError } from '../../errors.ts';
import { shellCommand } from '../../text.ts';
import type { RunSettings } from '../settings.ts';
import { arraysOf, type Task, type TaskArray } from '../tasks.ts';

/** Where and how the tasks run in Kubernetes. */
export interface KubernetesOptions {
  /** Image of the project, see `Dockerfile`. */
  readonly image: string;
  /** Name of the volume claim that holds the run and its data. */
  readonly claim: string;
  /** Where the volume is mounted, here and in the containers. */
  readonly mount: string;
  /** Part of the jobs' names, different in each call: a job cannot be changed. At most 16 lower-case letters and digits. */
  readonly label: string;
  /** Resource that a task with a GPU asks for, such as `nvidia.com/gpu`. Absent: all tasks run on CPUs. */
  readonly gpuResource?: string;
}

/** Jobs that run at the same time, after those of the stages before. */
export interface KubernetesStage {
  /** Name of its manifest. */
  readonly file: string;
  /** Names of its jobs. */
  readonly jobs: readonly string[];
  readonly manifest: object;
}

/** Attempts of a task that ends in another way than by its own exit codes, for example because its memory is too small. */
const retries = 2;

/** Seconds for saving after a pod was told to end. */
const grace = 300;

/**
 * Indexed Jobs: one for each array of tasks, in stages, because Kubernetes knows no order of jobs. A paused task (75) is started again and does not
 * count as a failure; a task that failed is not. All paths of the run must be on the volume: see `requireOnVolume`.
 */
export function kubernetesStages(
  run: RunSettings,
  tasks: readonly Task[],
  options: KubernetesOptions,
): KubernetesStage[] {
  const arrays = arraysOf(tasks);
  const stages: TaskArray[][] = [];
  for (const [array, stage] of stageNumbers(arrays)) {
    stages[stage] ??= [];
    stages[stage].push(array);
  }
  const nameOf = ({ name }: TaskArray): string => `ecg-${options.label}-${name}`;
  return stages.map((own, i) => ({
    file: `${String(i + 1).padStart(2, '0')}-${own[0].name}.json`,
    jobs: own.map(nameOf),
    manifest: {
      apiVersion: 'v1',
      kind: 'List',
      items: own.map((array) => jobOf(array, nameOf(array), run, options)),
    },
  }));
}

/** A shell script that starts the stages one after the other and waits for each; it ends with 1 at the first stage that fails. */
export function stageScript(stages: readonly KubernetesStage[]): string {
  const lines = stages.map(({ file, jobs }) => `stage ${file} ${jobs.join(' ')}`);
  return `#!/bin/sh
# Starts the stages of the run one after the other. If it is interrupted, start it again: jobs that are there stay.
set -eu
cd "$(dirname "$0")"

stage() {
  file=$1
  shift
  kubectl apply -f "$file"
  for job; do
    while :; do
      state=$(kubectl get job "$job" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
      case " $state " in
        *' Complete '*) break ;;
        *' Failed '*)
          echo "$job failed. See why: kubectl logs -l job-name=$job --tail=20 --prefix" >&2
          exit 1
          ;;
      esac
      sleep "\${POLL_SECONDS:-10}"
    done
    echo "$job: done"
  done
}

${lines.join('\n')}
`;
}

/**
 * Stage of each array, from 0: after the last that it needs. Suites wait for the last stage before the report, so that trainings do not wait for
 * them.
 */
function stageNumbers(arrays: readonly TaskArray[]): Map<TaskArray, number> {
  const numbers = new Map<TaskArray, number>();
  const afterNeeds = ({ needs }: TaskArray): number =>
    Math.max(0, ...needs.map((need) => (numbers.get(need) ?? -1) + 1));
  for (const array of arrays) numbers.set(array, afterNeeds(array));
  const last = Math.max(0, ...arrays.filter(({ kind }) => kind !== 'finish').map((array) => numbers.get(array)!));
  for (const array of arrays) if (array.kind === 'suites') numbers.set(array, last);
  return numbers;
}

function jobOf({ tasks, kind, gpu }: TaskArray, name: string, run: RunSettings, options: KubernetesOptions): object {
  const { image, claim, mount, gpuResource } = options;
  const labels = { 'app.kubernetes.io/name': 'ecg-transplant', 'app.kubernetes.io/component': kind };
  // Kubernetes replaces $(NAME) and makes $$ a dollar sign. "$1" is the task whose place in the arguments is the pod's index.
  const words = shellCommand(['node', 'bin/ecg-transplant.mjs', 'reproduce', ...run.arguments]);
  const script = `shift "$JOB_COMPLETION_INDEX"; exec ${words} --run-task "$1"`;
  const container = {
    name: 'task',
    image,
    command: ['/bin/sh', '-c', script.replaceAll('$', '$$$$'), 'task', ...tasks.map(({ id }) => id)],
    volumeMounts: [{ name: 'run', mountPath: mount }],
    ...(gpu && gpuResource !== undefined && { resources: { limits: { [gpuResource]: 1 } } }),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels },
    spec: {
      completionMode: 'Indexed',
      completions: tasks.length,
      parallelism: tasks.length,
      backoffLimitPerIndex: retries,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onExitCodes: { containerName: 'task', operator: 'In', values: [75] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailIndex', onExitCodes: { containerName: 'task', operator: 'In', values: [1, 2] } },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: grace,
          // The user of the image, who has to write to the volume.
          securityContext: { fsGroup: 1000 },
          containers: [container],
          volumes: [{ name: 'run', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}

/** Refuses a run with paths outside the volume. Throws a UsageError. */
export function requireOnVolume({ arguments: words }: Pick<RunSettings, 'arguments'>, mount: string): void {
  for (const [i, word] of words.entries()) {
    // Copies lie on a disk of the node.
    if (!isAbsolute(word) || words[i - 1] === '--stage') continue;
    const inside = relative(mount, word);
    if (inside !== '..' && !inside.startsWith('../') && !isAbsolute(inside)) continue;
    throw new UsageError(`${words[i - 1]}: the path is not on the volume`, {
      got: word,
      expected: `a path in ${mount}`,
      next: 'Name a folder that holds all paths of the run: --mount DIR',
    });
  }
}
