import { UsageError } from '../errors.ts';
import { type Arch, archs } from '../port/finetuning/utils.ts';
import { type PretrainingTask, pretrainingTasks } from '../port/pretraining/utils.ts';
import { type WeightFormat, weightFormats } from '../weights/files.ts';

/** Options which the commands on weight files share, as `parseArgs` gives them. */
export interface WeightOptionTexts {
  readonly arch?: string;
  readonly stages?: string;
  readonly task?: string;
  readonly format?: string;
}

/** The same, checked. */
export interface WeightOptions {
  readonly arch?: Arch;
  readonly stages?: number;
  readonly task?: PretrainingTask;
  readonly format?: WeightFormat;
}

/** Checks the options; throws a UsageError that names the option and its choices. */
export function weightOptions({ arch, stages, task, format }: WeightOptionTexts): WeightOptions {
  return {
    arch: choice('--arch', arch, archs),
    stages: stages === undefined ? undefined : integer('--stages', stages),
    task: choice('--task', task, pretrainingTasks),
    format: choice('--format', format, weightFormats),
  };
}

/** The text of an option that cannot be left out. */
export function required(name: string, text: string | undefined): string {
  if (text === undefined || text === '') throw new UsageError(`${name} is required`);
  return text;
}

/** A whole number. */
export function integer(name: string, text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw new UsageError(`${name} is not a whole number`, { got: text });
  return Number(text);
}

function choice<T extends string>(name: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((value) => value === text);
  if (found === undefined) throw new UsageError(`unknown ${name}`, { got: text, expected: choices.join(', ') });
  return found;
}
