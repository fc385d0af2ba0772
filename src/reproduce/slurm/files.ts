import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, readdirSync, readSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { array, literal, object, optional, picklist, pipe, string } from 'valibot';
import { amount, name, sha256 } from '../../lib/json/fields.ts';
import { type Described, readJson, readJsonIfSound, writeJson } from '../../lib/json/file.ts';
import { openToRead } from '../../lib/own_files.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { RunFolder } from '../run_folder.ts';
import type { RunSettings } from '../settings.ts';
import type { QueuedJob } from './client.ts';

/** What was submitted with one sbatch: written before it, so that the tasks of a job are known even if the command is killed meanwhile. */
export type Submission = Described<typeof submissionSchema>;

const submissionSchema = object({
  format: literal(1),
  number: amount,
  kind: name,
  /** Ids of the tasks, in the order of the array, and hashes of what determines their results. */
  tasks: array(name),
  keys: array(sha256),
  /** ISO 8601. */
  written: string(),
  /** The command that submitted it, for people. */
  command: string(),
});

/** What the process of a task last wrote about itself. */
export type TaskRecord = Described<typeof recordSchema>;

const recordSchema = object({
  format: literal(1),
  /** Slurm's name of the job: `101_3`. */
  job: name,
  host: string(),
  state: picklist(['running', 'paused', 'failed', 'done']),
  reason: optional(pipe(string())),
  /** How far the task was when it started, and how often it has started from there. */
  progress: string(),
  starts: amount,
  /** What Slurm and the process print. */
  log: name,
});

/** The files of the engine in a run folder. There is no state beside them, the marks of the steps and Slurm's queue. */
export class SlurmFiles {
  readonly #root: string;
  readonly folder: string;

  constructor({ root }: Pick<RunFolder, 'root'>) {
    this.#root = root;
    this.folder = join(root, 'slurm');
  }

  /** Start of the names of this run's jobs, by which the queue is searched. */
  get prefix(): string {
    const real = existsSync(this.#root) ? realpathSync(this.#root) : this.#root;
    return `ecg-${createHash('sha256').update(real).digest('hex').slice(0, 8)}-`;
  }

  /** Makes the folders. Slurm would start a job without a place for its log, and lose it. */
  make(): void {
    for (const folder of [join(this.folder, 'tasks'), join(this.#root, 'logs', 'slurm')])
      mkdirSync(folder, { recursive: true });
  }

  /** All submissions, in order. */
  submissions(): Submission[] {
    if (!existsSync(this.folder)) return [];
    const names = readdirSync(this.folder).filter((file) => /^\d+-[\w-]+\.json$/.test(file));
    return names
      .map((file) => readJson(join(this.folder, file), submissionSchema, { what: 'the list of a submission' }))
      .sort((a, b) => a.number - b.number);
  }

  /** The command that submits the run again. */
  commandOf({ command }: Pick<RunSettings, 'command'>): string {
    return this.submissions().at(-1)?.command ?? command;
  }

  /** Writes the files of a submission; `script` is the text of its program, given the file with the ids of the tasks. */
  write(submission: Submission, script: (list: string) => string): { readonly script: string } {
    const stem = join(this.folder, stemOf(submission));
    writeFileAtomic(`${stem}.tasks`, submission.tasks.map((id) => `${id}\n`).join(''));
    writeFileAtomic(`${stem}.sh`, script(`${stem}.tasks`));
    writeJson(`${stem}.json`, submission, 1);
    return { script: `${stem}.sh` };
  }

  /** Removes the files of a submission that Slurm refused. */
  remove(submission: Submission): void {
    for (const ending of ['json', 'sh', 'tasks']) {
      rmSync(join(this.folder, `${stemOf(submission)}.${ending}`), { force: true });
    }
  }

  jobName({ kind, number }: Pick<Submission, 'kind' | 'number'>): string {
    return `${this.prefix}${kind}-${number}`;
  }

  /** The pattern of Slurm for the logs of an array, relative to the run folder: its own path may contain what Slurm replaces. */
  logPattern(submission: Submission): string {
    return join('logs', 'slurm', `${stemOf(submission)}-%a.log`);
  }

  /** The log of a task of a submission. */
  log(submission: Submission, index: number): string {
    return join(this.#root, 'logs', 'slurm', `${stemOf(submission)}-${index}.log`);
  }

  /** The last line that is not empty of a log; undefined without one. */
  lastLine(log: string): string | undefined {
    const descriptor = openToRead(log);
    if (descriptor === undefined) return undefined;
    try {
      const bytes = Buffer.alloc(4096);
      const count = readSync(
        descriptor,
        bytes,
        0,
        bytes.length,
        Math.max(0, fstatSync(descriptor).size - bytes.length),
      );
      return bytes.toString('utf8', 0, count).trimEnd().split('\n').at(-1) || undefined;
    } finally {
      closeSync(descriptor);
    }
  }

  /** What the process of a task last wrote; undefined before its first start. */
  record(id: string): TaskRecord | undefined {
    return readJsonIfSound(this.#recordFile(id), recordSchema);
  }

  writeRecord(id: string, record: TaskRecord): void {
    mkdirSync(join(this.folder, 'tasks'), { recursive: true });
    writeJson(this.#recordFile(id), record, 1);
  }

  forgetRecord(id: string): void {
    rmSync(this.#recordFile(id), { force: true });
  }

  #recordFile(id: string): string {
    return join(this.folder, 'tasks', `${id}.json`);
  }
}

function stemOf({ number, kind }: Pick<Submission, 'number' | 'kind'>): string {
  return `${String(number).padStart(3, '0')}-${kind}`;
}

/** A task in the queue. */
export interface QueuedTask {
  readonly id: string;
  readonly key: string;
  readonly job: QueuedJob;
}

/** The tasks behind the jobs of a queue. */
export function tasksInQueue(jobs: readonly QueuedJob[], submissions: readonly Submission[]): QueuedTask[] {
  const byNumber = new Map(submissions.map((one) => [one.number, one]));
  return jobs.flatMap((job) => {
    const submission = byNumber.get(Number(/-(\d+)$/.exec(job.name)?.[1]));
    const id = submission?.tasks[job.index];
    return submission === undefined || id === undefined ? [] : [{ id, key: submission.keys[job.index], job }];
  });
}
