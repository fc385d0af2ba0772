import { describe, expect, it } from 'vitest';
import { criticalPath, divide, type JobArray, scheduledSeconds } from '../../../src/reproduce/slurm/arrays.ts';
import type { Task } from '../../../src/reproduce/tasks.ts';
import { planTasks } from '../../../src/reproduce/tasks.ts';
import { settingsIn } from '../run_settings.ts';

const tasks = planTasks(settingsIn('/tmp/none', { trials: 2 }));
const none = new Set<Task>();

const homeOf = (arrays: readonly JobArray[]): Map<Task, number> =>
  new Map(arrays.flatMap((array, i) => array.tasks.map((task) => [task, i] as const)));

describe('divide', () => {
  it('puts every task into one array, after all that it needs', () => {
    for (const maxParallel of [undefined, 2]) {
      const arrays = divide(tasks, { queued: none, arraySize: 1001, maxParallel });
      const home = homeOf(arrays);
      expect(arrays.flatMap((array) => array.tasks)).toHaveLength(tasks.length);
      for (const task of tasks) {
        const own = home.get(task)!;
        for (const need of task.needs) {
          expect(home.get(need)).toBeLessThan(own);
          expect(arrays[own].needs).toContain(need);
        }
      }
    }
  });

  it('makes an array of the trials of a job, and waits for nothing that they do not need', () => {
    const arrays = divide(tasks, { queued: none, arraySize: 1001 });
    const trials = arrays.filter(({ kind }) => kind === 'finetuning');
    expect(trials.every(({ tasks: { length } }) => length === 2)).toBe(true);
    for (const { tasks: own, needs } of arrays.slice(0, -1)) {
      for (const task of own) expect(new Set(needs)).toEqual(new Set(task.needs));
    }
  });

  it('lets the last task wait for the end of all others, whether they succeed or not', () => {
    const last = divide(tasks, { queued: none, arraySize: 1001 }).at(-1)!;
    expect(last).toMatchObject({ kind: 'finish', waitsFor: 'end' });
    expect(last.needs).toHaveLength(tasks.length - 1);
  });

  it('waits for tasks in the queue, and counts all others as done', () => {
    const pretraining = tasks.find(({ kind }) => kind === 'pretraining')!;
    const trial = tasks.find(({ kind, needs }) => kind === 'finetuning' && needs.includes(pretraining))!;
    const [array] = divide([trial], { queued: new Set([pretraining]), arraySize: 1001 });
    expect(array).toMatchObject({ tasks: [trial], needs: [pretraining], waitsFor: 'success' });
    expect(divide([trial], { queued: none, arraySize: 1001 })[0].needs).toEqual([]);
  });

  it('divides an array that is longer than Slurm allows', () => {
    const many = planTasks(settingsIn('/tmp/none', { trials: 5 }));
    const sizes = divide(many, { queued: none, arraySize: 2 }).map((array) => array.tasks.length);
    expect(Math.max(...sizes)).toBe(2);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(many.length);
  });

  it('with a largest number of trainings, runs arrays of trainings one after the other', () => {
    const running = tasks.find(({ kind }) => kind === 'original-pretraining')!;
    const chosen = tasks.filter((task) => task !== running);
    for (const arraySize of [1001, 2]) {
      const arrays = divide(chosen, { queued: new Set([running]), arraySize, maxParallel: 2 });
      const trainings = arrays.filter(({ gpu }) => gpu);
      for (const [i, { needs, waitsFor }] of trainings.entries()) {
        expect(waitsFor).toBe('end');
        expect(needs).toContain(running);
        for (const before of trainings.slice(0, i)) for (const task of before.tasks) expect(needs).toContain(task);
      }
    }
  });
});

describe('the time of a plan', () => {
  const task = (id: string, seconds: number, needs: Task[], gpu = true): Task => ({
    id,
    kind: gpu ? 'finetuning' : 'data',
    steps: [],
    needs,
    gpu,
    seconds,
    resumes: true,
  });
  const data = task('data', 5, [], false);
  const trials = [1, 2, 3].map((i) => task(`trial-${i}`, 10 * i, [data]));
  const all = [data, ...trials];

  it('is at least that of the longest chain', () => {
    const path = criticalPath(all);
    expect(path.seconds).toBe(35);
    expect(path.tasks.map(({ id }) => id)).toEqual(['data', 'trial-3']);
  });

  it('depends on the number of trainings at a time', () => {
    const arrays = divide(all, { queued: none, arraySize: 1001 });
    expect([1, 2, 3].map((places) => scheduledSeconds(arrays, places))).toEqual([65, 45, 35]);
  });
});
