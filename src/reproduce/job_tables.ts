import { markdownTable } from 'markdown-table';
import { formatDuration } from '../text.ts';
import { archOf, type RunSettings } from './settings.ts';
import type { Step } from './step.ts';

/** The jobs of a run as tables, with the estimated time that all sides and trials take. */
export function jobTables(run: RunSettings, steps: readonly Step[]): string {
  const { pretraining, finetuning } = run.experiment;
  const time = (stage: Step['stage'], job: string): string => {
    const isOf = (step: Step): boolean => {
      const name = step.name.replace(/, trial \d+$/, '');
      return (step.stage === stage && name === job) || (step.stage === 'original' && name === `${stage} ${job}`);
    };
    return formatDuration(steps.filter(isOf).reduce((sum, { seconds }) => sum + seconds, 0));
  };
  const pretrained = table(
    [
      ['pretraining', 'l'],
      ['task', 'l'],
      ['network', 'l'],
      ['frame', 'r'],
      ['epochs', 'r'],
      ['time', 'r'],
    ],
    pretraining.map(({ name, task, arch, stages, frameSize, epochs }) => {
      const network = stages === undefined ? arch : `${arch}, ${stages} stages`;
      return [name, task, network, String(frameSize), String(epochs), time('pretraining', name)];
    }),
  );
  const finetuned = table(
    [
      ['finetuning', 'l'],
      ['set', 'l'],
      ['weights', 'l'],
      ['network', 'l'],
      ['training records', 'r'],
      ['epochs', 'r'],
      ['trials', 'r'],
      ['time', 'r'],
    ],
    finetuning.map((job) => {
      const { name, set, weights = 'random', subset = 1, epochs } = job;
      return [
        ...[name, set, weights, archOf(run, job), shareOf(subset)],
        ...[String(epochs), String(run.trials), time('finetuning', name)],
      ];
    }),
  );
  return [...(pretraining.length > 0 ? [pretrained] : []), finetuned].join('\n\n');
}

/** A part of the training records in per cent. */
export function shareOf(subset: number): string {
  return `${Number((100 * subset).toPrecision(4))} %`;
}

function table(columns: readonly (readonly [name: string, align: string])[], rows: readonly string[][]): string {
  return markdownTable([columns.map(([name]) => name), ...rows], { align: columns.map(([, align]) => align) });
}
