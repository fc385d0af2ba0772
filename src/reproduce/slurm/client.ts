import { execFile } from 'node:child_process';
import { InputError, type Problem } from '../../errors.ts';
import { slurmEnvironment } from '../../lib/slurm.ts';

/** A task that waits or runs: one element of a job array. */
export interface QueuedJob {
  /** Number of the array. */
  readonly array: number;
  /** Place in the array, from 0. */
  readonly index: number;
  readonly name: string;
  /** Slurm's word: `PENDING`, `RUNNING`, `COMPLETING` and the like. */
  readonly state: string;
  /** Why it waits, in Slurm's word; `None` if it does not. */
  readonly reason: string;
  /** Seconds that it has run. */
  readonly seconds: number;
  /** Where it runs. */
  readonly node: string;
}

/** What the cluster allows, as far as it tells. */
export interface Limits {
  /** Elements of one array: its indices are smaller than this. */
  readonly arraySize: number;
}

/** Slurm's own default, for clusters without `scontrol`. */
export const defaultLimits: Limits = { arraySize: 1001 };

/** Fields of a line of `squeue`. */
const queueFormat = '%F|%K|%T|%r|%M|%N|%j';

/** Milliseconds for one command. An sbatch that Slurm has no room for sleeps and tries again for minutes. */
const patience = 60_000;

/** What Slurm said when it refused or did not answer. */
export class SlurmError extends InputError {
  override readonly name = 'SlurmError';
  /** Whether Slurm did not answer in time: it may do what it was told. */
  readonly isSilence: boolean;

  constructor(summary: string, problem: Problem, isSilence = false) {
    super(summary, problem);
    this.isSilence = isSilence;
  }
}

/** What the engine asks of Slurm. Each call throws a SlurmError with what Slurm said if it is refused. */
export interface Slurm {
  /** Limits of the cluster. */
  limits(): Promise<Limits>;
  /** This user's tasks that wait or run, of arrays whose name starts with `prefix`. */
  queue(prefix: string): Promise<QueuedJob[]>;
  /** Whether a job with these options would be accepted. */
  check(options: readonly string[]): Promise<void>;
  /** Submits a script; returns the number of the job. */
  submit(options: readonly string[], script: string): Promise<number>;
  /** Cancels jobs: `101_3`, or `101` for a whole array. */
  cancel(jobs: readonly string[]): Promise<void>;
  /** Puts a running task back into the queue: `101_3`, never a whole array. */
  requeue(job: string): Promise<void>;
}

/** Slurm's own commands. None of them goes through a shell. */
export class SlurmClient implements Slurm {
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#env = slurmEnvironment(env);
  }

  async limits(): Promise<Limits> {
    try {
      return parseLimits(await this.#run('scontrol', ['show', 'config']));
    } catch (error) {
      if (error instanceof SlurmError) return defaultLimits;
      throw error;
    }
  }

  async queue(prefix: string): Promise<QueuedJob[]> {
    const text = await this.#run('squeue', ['--me', '--array', '--noheader', `--format=${queueFormat}`]);
    return parseQueue(text).filter(({ name }) => name.startsWith(prefix));
  }

  async check(options: readonly string[]): Promise<void> {
    await this.#run('sbatch', ['--test-only', ...options, '--wrap=true']);
  }

  async submit(options: readonly string[], script: string): Promise<number> {
    return parseSubmitted(await this.#run('sbatch', ['--parsable', ...options, script]));
  }

  async cancel(jobs: readonly string[]): Promise<void> {
    // Far below the longest command line.
    for (let i = 0; i < jobs.length; i += 500) await this.#run('scancel', jobs.slice(i, i + 500));
  }

  async requeue(job: string): Promise<void> {
    await this.#run('scontrol', ['requeue', job]);
  }

  #run(program: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { env: this.#env, timeout: patience, maxBuffer: 2 ** 28, encoding: 'utf8' } as const;
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(refusal(program, error, stderr));
      });
      // sbatch reads a script from there if it has none.
      child.stdin?.end();
    });
  }
}

function refusal(
  program: string,
  error: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  stderr: string,
): Error {
  if (error.code === 'ENOENT') {
    return new SlurmError(`there is no ${program} here`, {
      expected: "Slurm's commands in PATH",
      next: 'Type the command on a login node of the cluster. On one machine, leave out --engine slurm.',
    });
  }
  const said = stderr
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\w+: (error: )?/, ''))
    .filter(Boolean)
    .join('; ');
  if (error.killed || error.signal) {
    const next = 'See whether Slurm is up and how much it takes: scontrol ping; squeue --me';
    return new SlurmError(
      `${program} did not answer within ${patience / 1000} s`,
      { got: said || 'nothing', next },
      true,
    );
  }
  return new SlurmError(`${program} refused`, { got: said || error.message });
}

/** Reads what `sbatch --parsable` prints: the number, with the cluster's name behind a semicolon if there are several. */
export function parseSubmitted(text: string): number {
  const found = /^(\d+)(;.*)?$/m.exec(text.trim());
  if (found) return Number(found[1]);
  throw new SlurmError('sbatch did not print the number of the job', { got: text.trim() || 'nothing' });
}

/** Reads `squeue --array --noheader` with {@link queueFormat}. Lines of other forms are left out: `CLUSTER: name`, jobs that are not arrays. */
export function parseQueue(text: string): QueuedJob[] {
  return text.split('\n').flatMap((line) => {
    const [array, index, state, reason, time, node, ...name] = line.trim().split('|');
    if (name.length === 0 || !/^\d+$/.test(array) || !/^\d+$/.test(index)) return [];
    return [
      {
        array: Number(array),
        index: Number(index),
        name: name.join('|'),
        state,
        reason,
        seconds: parseElapsed(time),
        node,
      },
    ];
  });
}

/** `1-02:03:04`, `2:03:04` or `3:04`, in seconds; 0 for what is none (`INVALID`). */
export function parseElapsed(text: string): number {
  const found = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(text);
  if (!found) return 0;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** Reads `scontrol show config`. */
export function parseLimits(text: string): Limits {
  const size = /^MaxArraySize\s*=\s*(\d+)/m.exec(text)?.[1];
  return { arraySize: size === undefined ? defaultLimits.arraySize : Math.max(1, Number(size)) };
}
