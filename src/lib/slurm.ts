import { spawnSync } from 'node:child_process';

/** A job of a Slurm cluster. */
export interface SlurmJob {
  /** As Slurm's commands take it; a task of an array is `ARRAY_TASK`. */
  readonly id: string;
  readonly cluster: string;
}

/** The job in which this process runs, if it is one. */
export function ownSlurmJob(env: NodeJS.ProcessEnv = process.env): SlurmJob | undefined {
  const { SLURM_JOB_ID: job, SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: task, SLURM_CLUSTER_NAME: cluster } = env;
  if (!job || !cluster) return undefined;
  // In an array, the bare number of the last task is that of the whole array.
  return { id: array && task ? `${array}_${task}` : job, cluster };
}

/**
 * Whether a job has ended, or has been forgotten since. False unless this machine's Slurm says so: it may be another cluster, out of reach, or
 * absent.
 */
export function hasEnded({ id, cluster }: SlurmJob): boolean {
  const config = ask('scontrol', ['show', 'config']);
  if (/^ClusterName\s*=\s*(\S+)/m.exec(config?.output ?? '')?.[1] !== cluster) return false;
  const listed = ask('squeue', ['--noheader', '--format=%T', `--jobs=${id}`]);
  if (listed === undefined) return false;
  return listed.status === 0 ? listed.output.trim() === '' : /Invalid job id/i.test(listed.errors);
}

/**
 * The environment for Slurm's commands. In an interactive job, the variables of that job would be handed on to the new ones; and variables such
 * as SQUEUE_STATES change what squeue shows.
 */
export function slurmEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = new Set(['SLURM_CONF', 'SLURM_CONF_SERVER', 'SLURM_CLUSTERS', 'SLURM_JWT']);
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => kept.has(name) || !/^(SLURM|SQUEUE|SCANCEL|SCONTROL)_/.test(name)),
  );
}

function ask(
  program: string,
  args: readonly string[],
): { readonly status: number; readonly output: string; readonly errors: string } | undefined {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 10_000,
    env: slurmEnvironment(),
  });
  return error || status === null ? undefined : { status, output: stdout, errors: stderr };
}
