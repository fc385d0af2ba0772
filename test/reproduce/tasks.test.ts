import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Experiment } from '../../src/experiment_schema.ts';
import { experiments } from '../../src/experiments.ts';
import { planRun } from '../../src/reproduce/plan.ts';
import type { RunSettings } from '../../src/reproduce/settings.ts';
import { StepMarks, titleOf } from '../../src/reproduce/step.ts';
import { arraysOf, planTasks, type Task, taskCommand, taskState } from '../../src/reproduce/tasks.ts';
import { settingsIn } from './run_settings.ts';

const folder = join(tmpdir(), 'ecg-tasks');
const settings = (changes: Partial<RunSettings> = {}): RunSettings => settingsIn(folder, changes);
const whole = (experiment: Experiment): RunSettings =>
  settings({
    experiment,
    data: experiment.data === 'generated' ? undefined : '/data',
    given: { file: '/weights.h5', arch: 'resnet18' },
    trials: experiment.trials,
  });
const byId = (tasks: readonly Task[]): Map<string, Task> => new Map(tasks.map((task) => [task.id, task]));
const needsOf = (task: Task | undefined): string[] => task!.needs.map(({ id }) => id).sort();

describe('planTasks', () => {
  it.each(Object.values(experiments))(
    '$name: every step is in one task, and each task comes after what it needs',
    (experiment) => {
      const run = whole(experiment);
      const tasks = planTasks(run);
      const titles = tasks.flatMap(({ steps }) => steps.map(titleOf));
      expect([...titles].sort()).toEqual(planRun(run).map(titleOf).sort());
      expect(new Set(titles).size).toBe(titles.length);
      for (const [i, { id, steps, needs }] of tasks.entries()) {
        expect(id).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        for (const need of needs) expect(tasks.indexOf(need), id).toBeLessThan(i);
        const reach = new Set([id, ...needs.map((need) => need.id)]);
        for (const step of steps) for (const need of step.needs) expect(reach).toContain(need.task.id);
      }
      expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
      expect(tasks[0].id).toBe('check');
      for (const task of tasks.slice(1)) expect(needsOf(task)).toContain('check');
      expect(tasks.at(-1)!.id).toBe('finish');
    },
  );

  it('does in one process what must be done on one machine', () => {
    const tasks = byId(planTasks(settings({ experiment: experiments.smallest })));
    const stepsOf = (id: string) => tasks.get(id)?.steps.map(titleOf);
    expect(stepsOf('pretraining-beat')).toEqual(['pretraining/beat', 'weights/beat']);
    expect(stepsOf('finetuning-physionet-beat-trial-1')).toEqual([
      'finetuning/physionet-beat, trial 1',
      'predictions/physionet-beat, trial 1',
    ]);
    expect(stepsOf('original-pretraining-beat')).toEqual(['original/pretraining beat', 'original/weights beat']);
    expect(stepsOf('finish')).toEqual(['metrics/scores', 'original/metrics scores', 'report/report']);
  });

  it('lets a comparison need the files that it reads, and nothing else', () => {
    const tasks = byId(planTasks(settings({ trials: 2 })));
    const common = ['check', 'data-suites'];
    expect(needsOf(tasks.get('checks-data-physionet'))).toEqual(
      [...common, 'data-prepared-physionet', 'original-prepared-physionet'].sort(),
    );
    expect(needsOf(tasks.get('checks-pretraining-cpc'))).toEqual(
      [...common, 'original-pretraining-cpc', 'pretraining-cpc'].sort(),
    );
    expect(needsOf(tasks.get('checks-finetuning-physionet-beat'))).toEqual(
      [
        ...common,
        ...[1, 2].flatMap((trial) => [
          `finetuning-physionet-beat-trial-${trial}`,
          `original-finetuning-physionet-beat-trial-${trial}`,
        ]),
      ].sort(),
    );
    expect(needsOf(tasks.get('suite-sampling'))).toEqual(common);
  });

  it('says which tasks use a GPU, and which go on where they stopped', () => {
    const tasks = planTasks(settings({ experiment: experiments.smallest }));
    const kindsWith = (name: 'gpu' | 'resumes') => [
      ...new Set(tasks.filter((task) => task[name]).map(({ kind }) => kind)),
    ];
    expect(kindsWith('gpu')).toEqual(['pretraining', 'finetuning', 'original-pretraining', 'original-finetuning']);
    expect(kindsWith('resumes')).toEqual(['pretraining', 'finetuning']);
  });

  it('gives names that look alike as ids, and long ones, different ids', () => {
    const [job] = experiments.smallest.finetuning;
    const long = 'a'.repeat(80);
    const names = ['a_b', 'a-b', 'A b', `${long}1`, `${long}2`];
    const finetuning = names.map((name) => ({ ...job, name }));
    const ids = planTasks(settings({ experiment: { ...experiments.smallest, finetuning } }))
      .filter(({ kind }) => kind === 'finetuning')
      .map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(
      ['a-b', 'a-b', 'a-b'].map((name, i) => `finetuning-${name}-trial-1${['', '-2', '-3'][i]}`),
    );
    expect(new Set(ids).size).toBe(names.length);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(63);
  });
});

describe('taskState', () => {
  it('is done when every step is, and begun when one has begun', () => {
    const place = mkdtempSync(join(tmpdir(), 'ecg-task-state-'));
    onTestFinished(() => rmSync(place, { recursive: true }));
    const steps = planRun(settings())
      .slice(0, 2)
      .map((step) => ({ ...step, outputs: [] }));
    const marks = new StepMarks(place);
    const states = [taskState({ steps }, marks)];
    marks.begin(steps[0]);
    states.push(taskState({ steps }, marks));
    marks.finish(steps[0], 1);
    states.push(taskState({ steps }, marks));
    marks.begin(steps[1]);
    marks.finish(steps[1], 1);
    states.push(taskState({ steps }, marks));
    expect(states).toEqual(['open', 'begun', 'begun', 'done']);
  });
});

describe('arraysOf', () => {
  it('puts equal tasks into one array, after the arrays that they need', () => {
    const tasks = planTasks(settings({ experiment: experiments.quick, trials: 3 }));
    const arrays = arraysOf(tasks);
    expect(
      arrays
        .flatMap((array) => array.tasks)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(tasks.map(({ id }) => id).sort());
    expect(arrays.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['check', 'data', 'data-2', 'finetuning', 'finetuning-2', 'finish']),
    );
    for (const [i, { needs, tasks: own, kind }] of arrays.entries()) {
      const before = new Set(needs.flatMap((array) => array.tasks));
      for (const task of own) {
        expect(task.kind).toBe(kind);
        for (const need of task.needs) expect(before).toContain(need);
      }
      for (const need of needs) expect(arrays.indexOf(need)).toBeLessThan(i);
    }
  });

  it('plans the paper in at most twenty arrays', () => {
    const tasks = planTasks({ ...whole(experiments.paper), sides: ['port'] });
    expect(tasks.length).toBeGreaterThan(70);
    expect(arraysOf(tasks).length).toBeLessThanOrEqual(20);
  });
});

describe('taskCommand', () => {
  it('starts Node itself, with absolute paths', () => {
    const [node, script, command, ...rest] = taskCommand(settings(), { id: 'check' });
    expect(node).toBe(process.execPath);
    expect(script).toMatch(/^\/.*\/bin\/ecg-transplant\.mjs$/);
    expect([command, ...rest]).toEqual(['reproduce', '--job-dir', folder, '--run-task', 'check']);
  });
});
