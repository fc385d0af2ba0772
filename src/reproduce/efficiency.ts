import type { Observation } from '../compare/observations.ts';
import { meanInterval } from '../compare/statistics/trials.ts';
import type { FinetuningJob } from '../experiment_schema.ts';
import type { Estimates } from '../page/estimates_picture.ts';
import { shareOf } from './job_tables.ts';
import type { SideName } from './run_folder.ts';
import type { ScoresBySide } from './score_tables.ts';
import type { SideScores } from './scores.ts';
import { archOf, type RunSettings } from './settings.ts';

type Of<K extends Observation['kind']> = Extract<Observation, { readonly kind: K }>;

/** Finetuning jobs that differ only in their weights and in their part of the training records. */
interface Comparable {
  /** Set and network, and further settings if they are needed to tell the groups apart. */
  readonly title: string;
  readonly jobs: readonly FinetuningJob[];
}

type Run = Pick<RunSettings, 'experiment' | 'given'>;

/**
 * Score by part of the training records, for each side: a curve for each weights, and the same as a table. Nothing for an experiment without parts. The
 * intervals are Student's 95 % intervals of the mean over trials.
 */
export function efficiencyOf(
  run: Run,
  scores: ScoresBySide,
): { readonly curves: readonly Of<'estimates'>[]; readonly tables: readonly Of<'table'>[] } {
  const groups = comparableJobs(run).filter(({ jobs }) => new Set(jobs.map(partOf)).size > 1);
  const curves = groups.flatMap((group) => [...scores].map(([side, own]) => curveOf(group, side, own)));
  return { curves, tables: groups.length === 0 ? [] : [tableOf(groups, scores)] };
}

function comparableJobs(run: Run): Comparable[] {
  const groups = new Map<string, { place: string; rest: string; jobs: FinetuningJob[] }>();
  for (const job of run.experiment.finetuning) {
    const { set, batchSize, epochs, valSize = 'fold 9', valMetric } = job;
    const place = `${set}, ${archOf(run, job)}`;
    const rest = `batch size ${batchSize}, ${epochs} epochs, validation on ${valSize} by ${valMetric}`;
    const key = `${place}, ${rest}`;
    const group = groups.get(key) ?? { place, rest, jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  const all = [...groups.values()];
  return all.map(({ place, rest, jobs }) => {
    const isOnly = all.filter((other) => other.place === place).length === 1;
    return { title: isOnly ? place : `${place}, ${rest}`, jobs };
  });
}

function curveOf({ title, jobs }: Comparable, side: SideName, scores: SideScores): Of<'estimates'> {
  const parts = [...new Set(jobs.map(partOf))].sort((a, b) => a - b);
  const series = [...new Set(jobs.map(weightsOf))].map((weights): Estimates => {
    const own = jobs.filter((job) => weightsOf(job) === weights).sort((a, b) => partOf(a) - partOf(b));
    const found = own.map((job) => meanInterval(valuesOf(job, scores)));
    return {
      name: weights,
      x: own.map(partOf),
      y: found.map(({ mean }) => mean),
      low: found.map(({ trials, low }) => (trials > 1 ? low : Number.NaN)),
      high: found.map(({ trials, high }) => (trials > 1 ? high : Number.NaN)),
    };
  });
  return {
    kind: 'estimates',
    headline: true,
    title: `Data efficiency, ${title}: the ${side}`,
    x: 'part of the training records',
    y: 'macro F1',
    ticks: parts.map((part) => ({ at: part, label: shareOf(part) })),
    series,
    note: 'Mean over trials, with its 95 % interval (Student) where there are several. The parts stand at equal distances.',
  };
}

function tableOf(groups: readonly Comparable[], scores: ScoresBySide): Of<'table'> {
  const rows = groups.flatMap(({ title, jobs }) =>
    jobs.flatMap((job) =>
      [...scores].map(([side, own]) => {
        const { trials, mean, low, high } = meanInterval(valuesOf(job, own));
        const interval = trials > 1 ? ` [${low.toFixed(3)}, ${high.toFixed(3)}]` : '';
        return [title, weightsOf(job), shareOf(partOf(job)), side, trials, `${mean.toFixed(3)}${interval}`];
      }),
    ),
  );
  return {
    kind: 'table',
    title: 'Data efficiency: macro F1 by part of the training records',
    columns: ['jobs', 'weights', 'training records', 'by', 'trials', 'mean [95 % interval]'],
    rows,
    note: "Student's interval of the mean over trials covers variation between seeds, which also draw the part.",
  };
}

function valuesOf({ name }: FinetuningJob, { trials }: SideScores): number[] {
  return trials.filter(({ job }) => job === name).map((trial) => trial.scores.macroF1.value);
}

function partOf({ subset = 1 }: FinetuningJob): number {
  return subset;
}

function weightsOf({ weights = 'random' }: FinetuningJob): string {
  return weights;
}
