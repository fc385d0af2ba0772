import { describe, expect, it } from 'vitest';
import { experiments } from '../src/experiments.ts';
import { publishedScores } from './reproduce/published_scores.ts';

const all = Object.entries(experiments);

describe('experiments', () => {
  it('begins with the one that needs nothing', () => {
    expect(all[0][0]).toBe('quick');
    expect(all.map(([name]) => name).sort()).toEqual([
      'cpsc2018',
      'dl4h',
      'paper',
      'ptb-xl',
      'quick',
      'sample',
      'smallest',
      'transfer',
    ]);
  });

  it.each(all)('%s holds together', (key, { name, sets, pretraining, finetuning, contrasts, generated, data }) => {
    expect(name).toBe(key);
    const jobs = finetuning.map((job) => job.name);
    expect(new Set(jobs).size).toBe(jobs.length);
    expect(new Set(pretraining.map((job) => job.name)).size).toBe(pretraining.length);
    const weights = [undefined, 'given', ...pretraining.map((job) => job.name)];
    for (const job of finetuning) {
      expect(sets.map((set) => set.name)).toContain(job.set);
      expect(weights).toContain(job.weights);
    }
    for (const { pretrained, random } of contrasts) {
      const [a, b] = [pretrained, random].map((job) => finetuning.find((one) => one.name === job)!);
      expect(a.weights).toBeDefined();
      // Only the weights may differ, or the difference means something else.
      const { name: _a, weights: _w, published: _p, ...settings } = a;
      expect(b).toMatchObject(settings);
      expect(b.weights).toBeUndefined();
    }
    // Only the first collection can be selected from with the shares of its classes.
    for (const set of sets) if (set.name !== 'physionet') expect(set.records).toBe('all');
    if (data !== 'folder') expect(generated).toBeDefined();
  });

  it.each(all)('%s takes backbones with all their stages to finetuning', (_, { pretraining, finetuning }) => {
    for (const { weights } of finetuning) {
      expect(pretraining.find(({ name }) => name === weights)?.stages).toBeUndefined();
    }
  });

  it('cannot be changed by who reads it', () => {
    const { quick } = experiments;
    expect(() => Object.assign(quick.sets[0], { fs: 1 })).toThrow(TypeError);
    expect(() => Object.assign(quick, { margin: 1 })).toThrow(TypeError);
  });

  it('quick has every pretraining task, a bottleneck network and several leads', () => {
    const { pretraining, sets, suites } = experiments.quick;
    expect(pretraining.map(({ task }) => task).sort()).toEqual(['beat', 'cpc', 'hr', 'rhythm']);
    expect(pretraining.some(({ arch, stages }) => arch === 'resnet50' && stages === 1)).toBe(true);
    expect(sets.map(({ name }) => name)).toContain('challenge20');
    expect(suites).toBe('quick');
  });

  it('states the published figures', () => {
    const stated = all.flatMap(([name, { finetuning }]) =>
      finetuning.flatMap((job) =>
        (job.published ?? [])
          .filter(({ macroF1 }) => macroF1 !== undefined)
          .map(({ macroF1, std }) => [`${name}/${job.name}`, macroF1, std]),
      ),
    );
    expect(Object.fromEntries(stated.map(([job, ...figures]) => [job, figures]))).toEqual(publishedScores);
  });

  it('ptb-xl has the six tasks of the benchmark, and the macro AUC of xresnet1d101 beside each', () => {
    const { finetuning, trials } = experiments['ptb-xl'];
    expect(trials).toBe(10);
    const first = finetuning.map(({ name, valMetric, published }) => [
      name,
      valMetric,
      published![0].source,
      published![0].macroAuc,
    ]);
    expect(first).toEqual([
      ['all', 'auc', 'xresnet1d101', 0.925],
      ['diagnostic', 'auc', 'xresnet1d101', 0.937],
      ['subdiagnostic', 'auc', 'xresnet1d101', 0.929],
      ['superdiagnostic', 'auc', 'xresnet1d101', 0.928],
      ['form', 'auc', 'xresnet1d101', 0.896],
      ['rhythm', 'auc', 'xresnet1d101', 0.957],
    ]);
  });

  it('cpsc2018 divides ten parts as the published figure does', () => {
    const { sets, finetuning } = experiments.cpsc2018;
    const [{ testSize = 0, fs, pad }] = sets;
    expect(testSize).toBe(0.1);
    expect(finetuning[0].valSize! * (1 - testSize)).toBeCloseTo(0.1, 3);
    expect(pad / fs).toBe(30);
    const published = finetuning.map(({ published }) => published?.map(({ macroF1, macroAuc }) => [macroF1, macroAuc]));
    expect(published).toEqual([undefined, [[0.813, 0.97]]]);
  });

  it('the paper and the transfer have trials enough for a statement', () => {
    expect(experiments.paper.trials).toBe(10);
    expect(experiments.transfer.trials).toBe(10);
  });
});
