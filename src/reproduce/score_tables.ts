import type { Observation } from '../compare/observations.ts';
import {
  type Conclusion,
  type PairedDifference,
  pairedDifference,
  summarise,
  trialsForStatement,
} from '../compare/statistics/trials.ts';
import type { Contrast, Experiment, FinetuningJob, PublishedScore } from '../experiment_schema.ts';
import type { Interval } from '../lib/bootstrap.ts';
import type { SideName } from './run_folder.ts';
import type { SideScores, TrialScores } from './scores.ts';

/** Scores of the sides that ran. */
export type ScoresBySide = ReadonlyMap<SideName, SideScores>;

type Table = Extract<Observation, { readonly kind: 'table' }>;

/** Tables of a run's scores for the report. Conclusions follow from the scores and from the margin that the experiment fixed in advance. */
export function scoreTables(experiment: Experiment, scores: ScoresBySide): Table[] {
  return [
    ...overTrials(experiment, scores),
    overRecords(experiment, scores),
    ...(experiment.contrasts.length > 0
      ? [contrastTable(experiment, scores), contrastRecords(experiment, scores)]
      : []),
  ];
}

/** Difference of two jobs over the trials of one side: macro F1, then F1 by class. */
export function contrastOf(
  { trials }: SideScores,
  { pretrained, random }: Contrast,
  margin: number,
): readonly { readonly score: string; readonly difference: PairedDifference }[] {
  const [a, b] = [pretrained, random].map((job) => trials.filter((trial) => trial.job === job));
  const scores: { score: string; of: (trial: TrialScores) => number }[] = [
    { score: 'macro F1', of: ({ scores: { macroF1 } }) => macroF1.value },
    ...a[0].classes.map((name, i) => ({
      score: `F1 of ${name}`,
      of: ({ scores: { perClass } }: TrialScores) => perClass[i].f1.value,
    })),
  ];
  return scores.map(({ score, of }) => ({ score, difference: pairedDifference(a.map(of), b.map(of), { margin }) }));
}

/** A conclusion as a sentence about pretraining. */
function sentence(conclusion: Conclusion, margin: number): string {
  const sentences: Readonly<Record<Conclusion, string>> = {
    'too few trials': `no statement: fewer than ${trialsForStatement} trials`,
    'higher by more than the margin': `pretraining raises it by more than ${margin}`,
    higher: `pretraining raises it; it is open whether by more than ${margin}`,
    'lower by more than the margin': `pretraining lowers it by more than ${margin}`,
    lower: `pretraining lowers it; it is open whether by more than ${margin}`,
    'equal within the margin': `equal within ${margin}`,
    open: 'open: the interval contains zero and exceeds the margin',
  };
  return sentences[conclusion];
}

/** A score that tables show over the trials of the jobs that have it. */
interface ShownScore {
  readonly title: string;
  readonly of: (trial: TrialScores) => Interval | undefined;
  /** What others published, with its spread over their trials. */
  readonly published: (score: PublishedScore) => { readonly value?: number; readonly std?: number };
}

const shownScores: readonly ShownScore[] = [
  {
    title: 'Macro F1',
    of: ({ scores }) => scores.macroF1,
    published: ({ macroF1, std }) => ({ value: macroF1, std }),
  },
  {
    title: 'Score of Challenge 2017 (mean F1 of N, A and O)',
    of: ({ scores }) => scores.f1Of,
    published: ({ perClass: { N: n, A: a, O: o } = {} }) =>
      n === undefined || a === undefined || o === undefined ? {} : { value: (n + a + o) / 3 },
  },
  {
    title: 'Macro AUC of sets with several labels',
    of: ({ scores }) => (scores.fMax ? scores.macroAuc : undefined),
    published: ({ macroAuc, macroF1, std }) => ({ value: macroAuc, ...(macroF1 === undefined && { std }) }),
  },
  {
    title: 'Fmax of sets with several labels',
    of: ({ scores }) => scores.fMax,
    published: () => ({}),
  },
];

/** The seeds' uncertainty, beside what others published: a table for each score that a job has. */
function overTrials({ finetuning }: Experiment, scores: ScoresBySide): Table[] {
  return shownScores.flatMap((shown) => {
    const rows = finetuning.flatMap((job) => scoreRows(job, shown, scores));
    return rows.length === 0 ? [] : [overTrialsTable(shown, rows)];
  });
}

function scoreRows(job: FinetuningJob, { of, published }: ShownScore, scores: ScoresBySide): (string | number)[][] {
  const own = [...scores].flatMap(([side, { trials }]) => {
    const values = trials.filter((trial) => trial.job === job.name).flatMap((trial) => of(trial)?.value ?? []);
    if (values.length === 0) return [];
    if (values.some(Number.isNaN)) return [[job.name, side, values.length, 'not defined']];
    const { mean, std } = summarise(values);
    return [[job.name, side, values.length, spread(mean, std)]];
  });
  if (own.length === 0) return [];
  const others = (job.published ?? []).flatMap((score) => {
    const { value, std = Number.NaN } = published(score);
    return value === undefined ? [] : [[job.name, `published: ${score.source}`, score.trials ?? 1, spread(value, std)]];
  });
  return [...own, ...others];
}

function overTrialsTable({ title }: ShownScore, rows: readonly (string | number)[][]): Table {
  return {
    kind: 'table',
    headline: true,
    title: `${title} over trials: variation between seeds`,
    columns: ['job', 'by', 'trials', 'mean ± standard deviation'],
    rows,
    note: 'Mean over the trials ± their sample standard deviation. Each trial uses another seed for the validation split, the initial weights and the order of training; the test records are the same.',
  };
}

/** The test set's uncertainty. */
function overRecords({ finetuning }: Experiment, scores: ScoresBySide): Table {
  const all = [...scores.values()].flatMap(({ trials }) => trials);
  const optional = [
    { name: 'Challenge 2017', of: ({ scores: { f1Of } }: TrialScores) => f1Of },
    { name: 'Fmax', of: ({ scores: { fMax } }: TrialScores) => fMax },
  ].filter(({ of }) => all.some((trial) => of(trial) !== undefined));
  const rows = finetuning.flatMap(({ name }) =>
    [...scores].flatMap(([side, { trials }]) =>
      trials
        .filter(({ job }) => job === name)
        .map((one) => [
          name,
          side,
          one.trial,
          one.records,
          one.drawn,
          interval(one.scores.macroF1),
          interval(one.scores.accuracy),
          interval(one.scores.macroAuc),
          ...optional.map(({ of }) => {
            const score = of(one);
            return score ? interval(score) : '–';
          }),
        ]),
    ),
  );
  return {
    kind: 'table',
    title: 'Scores of each trial: uncertainty from sampling the test set',
    columns: [
      ...['job', 'by', 'trial', 'test records', 'drawn', 'macro F1', 'accuracy', 'macro AUC'],
      ...optional.map(({ name }) => name),
    ],
    rows,
    note: 'In brackets: the 95 % interval of 1,000 bootstrap samples of the test records, drawn within the classes, or as whole patients where these are known. The most probable class decides. A macro AUC needs every class in the test set.',
  };
}

function contrastTable({ contrasts, margin }: Experiment, scores: ScoresBySide): Table {
  const rows = contrasts.flatMap((contrast) =>
    [...scores].flatMap(([side, own]) =>
      contrastOf(own, contrast, margin).map(({ score, difference: { trials, mean, low, high, conclusion } }) => [
        `${contrast.pretrained} − ${contrast.random}`,
        side,
        score,
        trials,
        trials > 1 ? `${signed(mean)} [${signed(low)}, ${signed(high)}]` : signed(mean),
        sentence(conclusion, margin),
      ]),
    ),
  );
  return {
    kind: 'table',
    headline: true,
    title: 'Does pretraining help? Paired differences over trials',
    columns: ['difference', 'by', 'score', 'pairs', 'mean [95 % interval]', 'conclusion'],
    rows,
    note: `The trials of a pair share their seed. Student's interval covers variation between seeds. The margin of ${margin} was fixed before the run; with fewer than ${trialsForStatement} trials there is no conclusion.`,
  };
}

function contrastRecords({ contrasts }: Experiment, scores: ScoresBySide): Table {
  const rows = contrasts.flatMap(({ pretrained, random }) =>
    [...scores].flatMap(([side, own]) =>
      own.contrasts
        .filter((one) => one.pretrained === pretrained && one.random === random)
        .map(({ trial, difference }) => [
          `${pretrained} − ${random}`,
          side,
          trial,
          interval(difference.macroF1, signed),
        ]),
    ),
  );
  return {
    kind: 'table',
    title: 'Pretrained against random on the same test records',
    columns: ['difference of macro F1', 'by', 'trial', 'value [95 % interval]'],
    rows,
    note: 'The interval covers sampling of the test set (bootstrap, with the same samples for both jobs), not variation between training runs.',
  };
}

function interval({ value, low, high, undefinedResamples }: Interval, text: (value: number) => string = plain): string {
  if (Number.isNaN(value)) return 'not defined';
  const partly = undefinedResamples > 0 ? `, not defined in ${undefinedResamples} samples` : '';
  return `${text(value)} [${text(low)}, ${text(high)}]${partly}`;
}

function spread(mean: number, std: number): string {
  return Number.isNaN(std) ? plain(mean) : `${plain(mean)} ± ${plain(std)}`;
}

function plain(value: number): string {
  return value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
