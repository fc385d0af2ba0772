import { describe, expect, it } from 'vitest';
import type { Experiment } from '../../src/experiment_schema.ts';
import { experiments } from '../../src/experiments.ts';
import type { Interval } from '../../src/lib/bootstrap.ts';
import { contrastPictures } from '../../src/reproduce/contrast_picture.ts';
import { contrastOf, scoreTables } from '../../src/reproduce/score_tables.ts';
import type { SideScores, TrialScores } from '../../src/reproduce/scores.ts';

const { transfer } = experiments;

const interval = (value: number): Interval => ({ value, low: value - 0.1, high: value + 0.1, undefinedResamples: 0 });

function scores(macroF1: number, auc = 0.9): TrialScores['scores'] {
  const one = { precision: interval(0.5), recall: interval(0.5), f1: interval(macroF1), auc: interval(auc) };
  return { accuracy: interval(0.8), macroF1: interval(macroF1), macroAuc: interval(auc), perClass: [one, one] };
}

/** A side whose trials have these macro F1, pretrained and random. */
function side(pretrained: readonly number[], random: readonly number[]): SideScores {
  const trialsOf = (job: string, values: readonly number[]): TrialScores[] =>
    values.map((value, i) => ({
      job,
      trial: i + 1,
      seed: i + 1,
      records: 1706,
      classes: ['A', 'N'],
      drawn: 'records',
      scores: scores(value),
    }));
  const contrasts = pretrained.map((value, i) => ({
    ...transfer.contrasts[0],
    trial: i + 1,
    classes: ['A', 'N'],
    difference: scores(value - random[i]),
  }));
  return { trials: [...trialsOf('pretrained', pretrained), ...trialsOf('random', random)], contrasts };
}

function table(title: RegExp, own: SideScores, experiment: Experiment = transfer): readonly (readonly unknown[])[] {
  const found = scoreTables(experiment, new Map([['port', own]])).find((one) => title.test(one.title));
  expect(found, String(title)).toBeDefined();
  return found!.rows;
}

describe('scoreTables', () => {
  const five = side([0.78, 0.79, 0.77, 0.78, 0.78], [0.73, 0.73, 0.72, 0.74, 0.73]);

  it('puts the published figures beside the trials', () => {
    expect(table(/variation between seeds/, five)).toEqual([
      ['random', 'port', 5, '0.730 ± 0.007'],
      ['random', 'published: paper', 10, '0.731 ± 0.019'],
      ['pretrained', 'port', 5, '0.780 ± 0.007'],
      ['pretrained', 'published: paper', 10, '0.779 ± 0.014'],
    ]);
  });

  it('concludes from five trials, for macro F1 and for each class', () => {
    const rows = table(/Does pretraining help/, five);
    expect(rows.map((row) => row[2])).toEqual(['macro F1', 'F1 of A', 'F1 of N']);
    expect(rows[0].at(-1)).toBe('pretraining raises it by more than 0.01');
  });

  it('says nothing of fewer, however clear they are', () => {
    const rows = table(/Does pretraining help/, side([0.99, 0.99], [0.1, 0.1]));
    for (const row of rows) expect(row.at(-1)).toBe('no statement: fewer than 5 trials');
  });

  it('keeps the intervals of the test set apart', () => {
    const rows = table(/sampling the test set/, five);
    expect(rows).toHaveLength(10);
    expect(rows[0]).toContain('0.730 [0.630, 0.830]');
    const differences = table(/same test records/, five);
    expect(differences[0].at(-1)).toBe('+0.050 [−0.050, +0.150]');
  });

  it('does not print a figure that is not defined', () => {
    const own = side([0.7], [0.6]);
    const undefinedAuc = { ...own, trials: own.trials.map((trial) => ({ ...trial, scores: scores(0.7, Number.NaN) })) };
    expect(table(/sampling the test set/, undefinedAuc)[0]).toContain('not defined');
  });

  it('shows the score of Challenge 2017 beside the macro F1, and that of published F1 by class', () => {
    const own = { ...five, trials: five.trials.map((t) => ({ ...t, scores: { ...t.scores, f1Of: interval(0.8) } })) };
    expect(table(/Challenge 2017/, own)).toEqual([
      ['random', 'port', 5, '0.800 ± 0.000'],
      ['random', 'published: paper', 10, '0.770'],
      ['pretrained', 'port', 5, '0.800 ± 0.000'],
      ['pretrained', 'published: paper', 10, '0.818'],
    ]);
    expect(table(/sampling the test set/, own)[0].at(-1)).toBe('0.800 [0.700, 0.900]');
    expect(table(/variation between seeds/, own)).toEqual(table(/variation between seeds/, five));
  });

  it('shows macro AUC and Fmax of the jobs with several labels only', () => {
    const finetuning = transfer.finetuning.map((job) => ({ ...job, published: [{ source: 'net', macroAuc: 0.925 }] }));
    const trials = five.trials.map((one) =>
      one.job === 'random' ? { ...one, scores: { ...one.scores, fMax: interval(0.7) } } : one,
    );
    const own = { ...five, trials };
    expect(table(/Macro AUC/, own, { ...transfer, finetuning })).toEqual([
      ['random', 'port', 5, '0.900 ± 0.000'],
      ['random', 'published: net', 1, '0.925'],
    ]);
    expect(table(/^Fmax/, own, { ...transfer, finetuning })).toEqual([['random', 'port', 5, '0.700 ± 0.000']]);
    const undefinedToo = trials.map((one) => {
      const without = interval(Number.NaN);
      return one.job === 'random' ? { ...one, scores: { ...one.scores, fMax: without } } : one;
    });
    expect(table(/^Fmax/, { ...five, trials: undefinedToo })).toEqual([['random', 'port', 5, 'not defined']]);
    const records = table(/sampling the test set/, own, { ...transfer, finetuning });
    expect(records.map((row) => row.at(-1))).toEqual([...Array(5).fill('0.700 [0.600, 0.800]'), ...Array(5).fill('–')]);
    expect(table(/Macro F1/, own, { ...transfer, finetuning }).map((row) => row[1])).toEqual(['port', 'port']);
  });

  it('has no table of differences where nothing is contrasted', () => {
    const titles = scoreTables({ ...transfer, contrasts: [] }, new Map([['port', five]])).map(({ title }) => title);
    expect(titles.filter((title) => /pretraining|Pretrained/.test(title))).toEqual([]);
  });
});

describe('contrastOf', () => {
  it('is pretrained minus random, trial by trial', () => {
    const [macro] = contrastOf(side([0.8, 0.7], [0.7, 0.5]), transfer.contrasts[0], 0.01);
    expect(macro.difference.mean).toBeCloseTo(0.15, 12);
    expect(macro.difference.std).toBeCloseTo(Math.SQRT1_2 / 10, 12);
  });
});

describe('contrastPictures', () => {
  const [{ pretrained, random }] = transfer.contrasts;
  const finetuning = transfer.finetuning.filter(({ name }) => [pretrained, random].includes(name));
  const published = (name: string, macroF1: number, source = 'a paper') =>
    finetuning.filter((job) => job.name === name).map((job) => ({ ...job, published: [{ source, macroF1 }] }));
  const experiment: Experiment = {
    ...transfer,
    contrasts: [{ pretrained, random }],
    finetuning: [...published(pretrained, 0.75), ...published(random, 0.5)],
  };
  const draw = (own: SideScores, of: Experiment = experiment) => contrastPictures(of, new Map([['port', own]]));

  it('shows the mean difference with its interval beside the published one, at the beginning of the report', () => {
    const own = side([0.8, 0.75, 0.85], [0.6, 0.6, 0.6]);
    const [{ headline, series, ticks }] = draw(own);
    const [{ difference }] = contrastOf(own, transfer.contrasts[0], transfer.margin);
    expect([headline, ticks]).toEqual([true, [{ at: 0, label: pretrained }]]);
    expect(series).toEqual([
      { name: 'port', x: [0], y: [difference.mean], low: [difference.low], high: [difference.high] },
      { name: 'published', x: [0], y: [0.25], low: [Number.NaN], high: [Number.NaN] },
    ]);
  });

  it('has no interval for one trial, no figure from two sources, and nothing without contrasts', () => {
    const [{ series }] = draw(side([0.8], [0.6]), {
      ...experiment,
      finetuning: [...published(pretrained, 0.75), ...published(random, 0.5, 'another paper')],
    });
    expect(series.map(({ name, low }) => [name, low])).toEqual([['port', [Number.NaN]]]);
    expect(draw(side([0.8], [0.6]), { ...experiment, contrasts: [] })).toEqual([]);
  });
});
