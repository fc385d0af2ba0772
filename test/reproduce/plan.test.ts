import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { experiments } from '../../src/experiments.ts';
import { planRun } from '../../src/reproduce/plan.ts';
import { RunFolder } from '../../src/reproduce/run_folder.ts';
import type { RunSettings } from '../../src/reproduce/settings.ts';
import { keyOf, type Step, stageNames, titleOf } from '../../src/reproduce/step.ts';
import { settingsIn } from './run_settings.ts';

const folder = join(tmpdir(), 'ecg-plan');
const plan = (changes: Partial<RunSettings> = {}): Step[] => planRun(settingsIn(folder, changes));
const titles = (changes: Partial<RunSettings> = {}): string[] => plan(changes).map(titleOf);
const keys = (changes: Partial<RunSettings> = {}): Map<string, string> =>
  new Map(plan(changes).map((step) => [titleOf(step), keyOf(step)]));

/** A checkout that is not the project's own. */
function otherOriginal(): string {
  const other = mkdtempSync(join(tmpdir(), 'ecg-original-'));
  onTestFinished(() => rmSync(other, { recursive: true }));
  for (const name of ['transplant', 'pretraining', 'finetuning']) {
    mkdirSync(join(other, name));
    writeFileSync(join(other, name, '__init__.py'), '');
  }
  return other;
}

describe('planRun', () => {
  it.each(Object.entries(experiments))('%s: every stage, in order, each step after what it needs', (_, experiment) => {
    const data = experiment.data === 'generated' ? undefined : '/data';
    const steps = plan({
      experiment,
      data,
      given: { file: '/weights.h5', arch: 'resnet18' },
      trials: experiment.trials,
    });
    const stages = steps.map(({ stage }) => stageNames.indexOf(stage));
    expect(stages).toEqual([...stages].sort((a, b) => a - b));
    const isEmpty: Readonly<Record<string, boolean>> = {
      pretraining: experiment.pretraining.length === 0,
      weights: experiment.finetuning.every(({ weights }) => weights === undefined),
    };
    const wanted = stageNames.filter((name) => !isEmpty[name]);
    expect([...new Set(steps.map(({ stage }) => stage))]).toEqual(wanted);
    for (const [i, { needs }] of steps.entries()) {
      for (const need of needs) expect(steps.indexOf(need)).toBeLessThan(i);
      for (const need of needs) expect(steps.indexOf(need)).toBeGreaterThanOrEqual(0);
    }
    expect(new Set(steps.map(titleOf)).size).toBe(steps.length);
  });

  it('writes into the folder of the run only', () => {
    for (const { outputs } of plan({ experiment: experiments.sample, data: '/data' })) {
      for (const output of outputs) expect(output.startsWith(`${folder}/`), output).toBe(true);
    }
  });

  it('has every job on both sides, and each trial', () => {
    expect(titles({ trials: 2 })).toEqual(
      expect.arrayContaining([
        'pretraining/cpc',
        'original/pretraining cpc',
        'finetuning/challenge20-hr, trial 2',
        'original/finetuning challenge20-hr, trial 2',
        'predictions/physionet-random, trial 2',
        'comparison/finetuning physionet-beat, trial 2',
      ]),
    );
  });

  it('leaves the other side and the comparison out where one side is asked for', () => {
    expect(titles({ sides: ['port'] }).filter((title) => /^(original|comparison)/.test(title))).toEqual([]);
    const original = titles({ sides: ['original'] });
    expect(original.filter((title) => /^(pretraining|finetuning|predictions|comparison)/.test(title))).toEqual([]);
    expect(original).toContain('data/records of physionet');
  });

  it('does again what a setting changes, and nothing else', () => {
    const before = keys();
    const changed = (changes: Partial<RunSettings>): string[] => {
      const after = keys(changes);
      return [...before].flatMap(([title, key]) => (after.has(title) && after.get(title) !== key ? [title] : []));
    };
    // Trials add to those that are there.
    expect(changed({ trials: 2 })).toEqual(
      expect.not.arrayContaining(['finetuning/physionet-beat, trial 1', 'original/finetuning physionet-beat, trial 1']),
    );
    const precise = changed({ precision: 'bfloat16' });
    expect(precise).toContain('finetuning/physionet-random, trial 1');
    expect(precise.filter((title) => /^(data|original)\//.test(title))).toEqual([]);
    expect(changed({ folder: new RunFolder('/elsewhere') })).toEqual([]);
    expect(changed({ seed: 1 })).toContain('data/patients');
    const others = changed({ original: otherOriginal() });
    expect(others).toContain('original/pretraining beat');
    expect(others).toContain('comparison/suite sampling');
    expect(others.filter((title) => /^(data|pretraining|finetuning|metrics)\//.test(title))).toEqual([]);
  });

  it('makes three parts of a set of the PTB-XL benchmark, which the original does not prepare and nothing compares', () => {
    const steps = plan({ experiment: experiments['ptb-xl'], data: '/data' });
    const parts = ['train', 'val', 'test'].map((part) => join(folder, 'port', 'data', `ptbxl-form_${part}.pkl`));
    const prepared = steps.filter(({ name }) => name === 'prepared ptbxl-form');
    expect(prepared[0].outputs).toEqual(parts);
    expect(steps.filter(({ name }) => name.startsWith('data '))).toEqual([]);
    expect(plan().filter(({ name }) => name.startsWith('data '))).toHaveLength(2);
  });

  it('reads a folder of the user where it lies, and copies what it selects', () => {
    const steps = plan({ experiment: experiments.sample, data: '/data' });
    const outputsOf = (name: string) => steps.find((step) => step.name === name)?.outputs;
    expect(outputsOf('records of ptbxl')).toEqual([]);
    expect(outputsOf('records of physionet')).toEqual([join(folder, 'records', 'physionet')]);
  });
});
