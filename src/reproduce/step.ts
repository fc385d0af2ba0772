import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { minValue, object, optional, picklist, pipe } from 'valibot';
import type { Original, PythonFacts } from '../bridge/original.ts';
import type { Reporter } from '../events.ts';
import { finiteNumber, sha256 } from '../lib/json/fields.ts';
import { type Described, readJsonIfSound, writeJson } from '../lib/json/file.ts';
import type { StagedInputs } from './staging.ts';

/** The stages of a reproduction, in order. */
export const stageNames = [
  'doctor',
  'data',
  'pretraining',
  'weights',
  'finetuning',
  'predictions',
  'metrics',
  'original',
  'comparison',
  'report',
] as const;
export type StageName = (typeof stageNames)[number];

/** What a step may use. */
export interface StepContext {
  readonly report: Reporter;
  /** Set by Ctrl-C and similar signals: finish what is expensive to repeat, save, and throw JobPaused. */
  readonly signal: AbortSignal;
  /** Copies of the inputs of trainings, if the run asks for them. */
  readonly staged?: StagedInputs;
  /** The Python original; started at the first call. */
  original(): Promise<Original>;
  /** Facts about its process. */
  facts(): Promise<PythonFacts>;
}

/** A JSON value that determines what a step makes. Undefined values do not count. */
export type Setting =
  | null
  | boolean
  | number
  | string
  | readonly Setting[]
  | { readonly [name: string]: Setting | undefined };

/** What a task does; see `Task` in tasks.ts. */
export const taskKinds = [
  'check',
  'data',
  'pretraining',
  'finetuning',
  'original-pretraining',
  'original-finetuning',
  'checks',
  'suites',
  'finish',
] as const;
export type TaskKind = (typeof taskKinds)[number];

/** The task to which a step belongs. */
export interface TaskPlace {
  /** Unique in the run. Lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly kind: TaskKind;
}

/** A part of a stage that is done once and as a whole. */
export interface Step {
  readonly stage: StageName;
  /** Unique within the stage. */
  readonly name: string;
  /** What determines the result, apart from the steps before it. */
  readonly settings: Setting;
  /** The task that runs it, in one process with the task's other steps. */
  readonly task: TaskPlace;
  /** Steps whose results it reads. */
  readonly needs: readonly Step[];
  /** Rough number of seconds on two cores. Only the proportions matter, for the remaining time. */
  readonly seconds: number;
  /** Files and folders that it makes. Removed when it starts again. */
  readonly outputs: readonly string[];
  run(context: StepContext): Promise<void> | void;
  /** The training that the step is, for its progress: the job folder, and the number of epochs. */
  readonly training?: { readonly folder: string; readonly epochs: number };
  /** Whether the step should be repeated although it is finished. */
  retry?(): boolean;
}

/** `stage/name`. */
export function titleOf({ stage, name }: Step): string {
  return `${stage}/${name}`;
}

/** Hash of everything that determines a step's result: its settings and those of all steps before it. */
export function keyOf(step: Step): string {
  const known = keys.get(step);
  if (known !== undefined) return known;
  const { stage, name, settings, needs } = step;
  const text = JSON.stringify([stage, name, sorted(settings), needs.map(keyOf)]);
  const key = createHash('sha256').update(text).digest('hex');
  keys.set(step, key);
  return key;
}

const keys = new WeakMap<Step, string>();

/** State of a step in a folder. */
export type StepState =
  /** Complete, made with these settings. */
  | 'done'
  /** Started with these settings and interrupted. */
  | 'begun'
  /** Not started, or made with other settings. */
  | 'open';

type Mark = Described<typeof markSchema>;

const markSchema = object({
  key: sha256,
  state: picklist(['begun', 'done']),
  seconds: optional(pipe(finiteNumber, minValue(0))),
});

/** Completion marks in a folder. A step's mark is written last and records the settings it was made with. */
export class StepMarks {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  state(step: Step): StepState {
    const mark = this.#read(step);
    if (mark?.key !== keyOf(step)) return 'open';
    if (mark.state === 'begun') return 'begun';
    return this.isComplete(step) && !step.retry?.() ? 'done' : 'open';
  }

  /** Whether the step's results are there, made with these settings. True also for a comparison that broke off and should be repeated. */
  isComplete(step: Step): boolean {
    const mark = this.#read(step);
    return mark?.state === 'done' && mark.key === keyOf(step) && step.outputs.every((file) => existsSync(file));
  }

  /** Whether there is a mark, of whatever settings. */
  exists(step: Step): boolean {
    return existsSync(this.#file(step));
  }

  /** Seconds that a finished step took, where it is known. */
  seconds(step: Step): number | undefined {
    return this.#read(step)?.seconds;
  }

  /** Marks a step as started and removes what an earlier version of it left. */
  begin(step: Step): void {
    if (this.state(step) !== 'begun') {
      this.forget(step);
      for (const output of step.outputs) rmSync(output, { recursive: true, force: true });
    }
    this.#write(step, { key: keyOf(step), state: 'begun' });
  }

  /** Marks a step as complete. */
  finish(step: Step, seconds: number): void {
    const missing = step.outputs.find((file) => !existsSync(file));
    if (missing) throw new Error(`${titleOf(step)} did not write ${missing}`);
    this.#write(step, { key: keyOf(step), state: 'done', seconds });
  }

  /** Makes a step run again. */
  forget(step: Step): void {
    rmSync(this.#file(step), { force: true });
  }

  #read(step: Step): Mark | undefined {
    // A mark that is missing, truncated or damaged means: not done.
    return readJsonIfSound(this.#file(step), markSchema);
  }

  #write(step: Step, mark: Mark): void {
    mkdirSync(this.#folder, { recursive: true });
    writeJson(this.#file(step), mark, 0);
  }

  #file({ stage, name }: Step): string {
    return join(this.#folder, `${stage}.${name.replace(/[^\w.-]+/g, '-')}.json`);
  }
}

/** The same value with the keys of objects in order. */
function sorted(value: Setting): Setting {
  if (isList(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, item]) =>
    item === undefined ? [] : [[name, sorted(item)] as const],
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `Array.isArray` does not know lists that are read-only. */
function isList(value: Setting): value is readonly Setting[] {
  return Array.isArray(value);
}
