import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pairedDifference } from '../../src/compare/statistics/trials.ts';
import type { FinetuningJob } from '../../src/experiment_schema.ts';
import { experiments } from '../../src/experiments.ts';
import type { Interval } from '../../src/lib/bootstrap.ts';
import { efficiencyOf } from '../../src/reproduce/efficiency.ts';
import { readExperiment } from '../../src/reproduce/read_experiment.ts';
import type { SideScores } from '../../src/reproduce/scores.ts';
import { root } from '../shared_data.ts';

const experiment = readExperiment(join(root, 'examples', 'data_efficiency.json'));

const interval = (value: number): Interval => ({ value, low: value, high: value, undefinedResamples: 0 });

/** Trials whose macro F1 is that of `of`. */
function side(
  jobs: readonly FinetuningJob[],
  of: (job: FinetuningJob, trial: number) => number,
  trials = 2,
): SideScores {
  return {
    trials: jobs.flatMap((job) =>
      Array.from({ length: trials }, (_, i) => ({
        job: job.name,
        trial: i + 1,
        seed: i + 1,
        records: 30,
        classes: ['A'],
        drawn: 'records' as const,
        scores: { accuracy: interval(0.5), macroF1: interval(of(job, i + 1)), macroAuc: interval(0.5), perClass: [] },
      })),
    ),
    contrasts: [],
  };
}

const own = side(
  experiment.finetuning,
  ({ weights, subset = 1 }, trial) => subset / 2 + (weights ? 0.2 : 0) + trial / 100,
);

describe('efficiencyOf', () => {
  it('has a curve for each weights, by part of the training records', () => {
    const { curves } = efficiencyOf({ experiment }, new Map([['port', own]]));
    expect(curves.map(({ title }) => title)).toEqual(['Data efficiency, physionet, resnet18: the port']);
    const [{ ticks, series }] = curves;
    expect(ticks.map(({ label }) => label)).toEqual(['10 %', '25 %', '50 %', '100 %']);
    expect(series.map(({ name }) => name)).toEqual(['beat', 'random']);
    expect(series[0].x).toEqual([0.1, 0.25, 0.5, 1]);
    expect(series[0].y[1]).toBeCloseTo(0.125 + 0.2 + 0.015, 12);
  });

  it("has Student's interval of the mean over trials", () => {
    const [{ series }] = efficiencyOf({ experiment }, new Map([['port', own]])).curves;
    const { low, high } = pairedDifference([0.06, 0.07], [0, 0], { margin: 0 });
    expect(series[1].low[0]).toBeCloseTo(low, 12);
    expect(series[1].high[0]).toBeCloseTo(high, 12);
  });

  it('has no interval of one trial', () => {
    const one = side(experiment.finetuning, () => 0.5, 1);
    const { curves, tables } = efficiencyOf({ experiment }, new Map([['port', one]]));
    expect(curves[0].series[0].low).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    expect(tables[0].rows[0]).toEqual(['physionet, resnet18', 'beat', '10 %', 'port', 1, '0.500']);
  });

  it('has a picture for each side, and one table of both', () => {
    const both = new Map([
      ['port', own],
      ['original', own],
    ] as const);
    const { curves, tables } = efficiencyOf({ experiment }, both);
    expect(curves).toHaveLength(2);
    expect(tables[0].rows).toHaveLength(16);
    expect(tables[0].rows[1].slice(0, 4)).toEqual(['physionet, resnet18', 'beat', '10 %', 'original']);
  });

  it('tells jobs apart that differ in more than weights and part', () => {
    const longer = experiment.finetuning.map((job) => ({ ...job, name: `${job.name}-long`, epochs: 9 }));
    const finetuning = [...experiment.finetuning, ...longer];
    const scores = new Map([['port', side(finetuning, () => 0.5)]] as const);
    const { curves } = efficiencyOf({ experiment: { ...experiment, finetuning } }, scores);
    expect(curves.map(({ title }) => /\d+ epochs/.exec(title)?.[0])).toEqual(['2 epochs', '9 epochs']);
  });

  it('has nothing for an experiment without parts', () => {
    const { paper } = experiments;
    const scores = new Map([['port', side(paper.finetuning, () => 0.5)]] as const);
    expect(efficiencyOf({ experiment: paper }, scores)).toEqual({ curves: [], tables: [] });
  });
});
