import type { Observation } from '../compare/observations.ts';
import type { Contrast, Experiment } from '../experiment_schema.ts';
import type { Estimates } from '../page/estimates_picture.ts';
import { contrastOf, type ScoresBySide } from './score_tables.ts';

type EstimatesObservation = Extract<Observation, { readonly kind: 'estimates' }>;

/** Contrasts in one picture: more labels would overlap. */
const most = 4;

/**
 * Does pretraining help? The difference of macro F1 of each contrast by each side, as mean over trials with Student's 95 % interval, beside the published figures. Nothing for an
 * experiment without contrasts.
 */
export function contrastPictures(experiment: Experiment, scores: ScoresBySide): EstimatesObservation[] {
  const { contrasts } = experiment;
  const pages = Array.from({ length: Math.ceil(contrasts.length / most) }, (_, page) =>
    contrasts.slice(page * most, (page + 1) * most),
  );
  return pages.map((shown, page) => ({
    kind: 'estimates',
    title: `Does pretraining help?${pages.length > 1 ? ` (${page + 1} of ${pages.length})` : ''}`,
    headline: true,
    x: 'pretrained job',
    y: 'macro F1, minus random',
    ticks: shown.map(({ pretrained }, at) => ({ at, label: pretrained })),
    series: [...ownDifferences(experiment, scores, shown), ...publishedDifferences(experiment, shown)],
    note: 'Difference of macro F1, pretrained minus random: above 0, pretraining helps. Mean over trials, with its 95 % interval (Student) where there are several.',
  }));
}

function ownDifferences(
  { margin }: Experiment,
  scores: ScoresBySide,
  shown: readonly Contrast[],
): readonly Estimates[] {
  return [...scores].map(([side, own]): Estimates => {
    const found = shown.map((contrast) => contrastOf(own, contrast, margin)[0].difference);
    const end = (value: number): number => (Number.isFinite(value) ? value : Number.NaN);
    return {
      name: side,
      x: shown.map((_, at) => at),
      y: found.map(({ mean }) => mean),
      low: found.map(({ low }) => end(low)),
      high: found.map(({ high }) => end(high)),
    };
  });
}

/** Of figures for both jobs from the same source. */
function publishedDifferences({ finetuning }: Experiment, shown: readonly Contrast[]): readonly Estimates[] {
  const figures = (name: string) => finetuning.find((job) => job.name === name)?.published ?? [];
  const found = shown.flatMap(({ pretrained, random }, at) => {
    const pairs = figures(pretrained).flatMap((a) =>
      figures(random).flatMap((b) =>
        a.source === b.source && a.macroF1 !== undefined && b.macroF1 !== undefined ? [a.macroF1 - b.macroF1] : [],
      ),
    );
    return pairs.slice(0, 1).map((difference) => ({ at, difference }));
  });
  if (found.length === 0) return [];
  const none = found.map(() => Number.NaN);
  return [
    {
      name: 'published',
      x: found.map(({ at }) => at),
      y: found.map(({ difference }) => difference),
      low: none,
      high: none,
    },
  ];
}
