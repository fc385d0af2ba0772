import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeOfJob } from '../../jobs/job.ts';
import type { RunSettings } from '../settings.ts';
import { StepMarks } from '../step.ts';
import type { Task } from '../tasks.ts';

/** How far a training is. */
export interface Epochs {
  readonly done: number;
  readonly all: number;
}

/** Epochs of the training among a task's steps; undefined if it has none. */
export function epochsOf({ steps }: Pick<Task, 'steps'>): Epochs | undefined {
  const training = steps.find((step) => step.training !== undefined)?.training;
  if (training === undefined) return undefined;
  const history = join(training.folder, 'history.csv');
  const lines = existsSync(history) ? readFileSync(history, 'utf8').trimEnd().split('\n').length - 1 : 0;
  return { done: Math.max(0, lines), all: training.epochs };
}

/** The place from which a task would go on, in words: the same if nothing was done in between. */
export function progressOf({ folder }: Pick<RunSettings, 'folder'>, task: Task): string {
  const marks = new StepMarks(folder.steps);
  const done = task.steps.filter((step) => marks.state(step) === 'done').length;
  const training = task.steps.find((step) => step.training !== undefined)?.training;
  if (training === undefined || !task.resumes) return `step ${done + 1} of ${task.steps.length}`;
  const { epoch, step } = placeOfJob(training.folder) ?? { epoch: 0, step: 0 };
  return `step ${done + 1} of ${task.steps.length}, epoch ${epoch + 1}, batch ${step}`;
}
