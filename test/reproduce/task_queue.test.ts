import { describe, expect, it } from 'vitest';
import { TaskQueue } from '../../src/reproduce/task_queue.ts';
import type { Task } from '../../src/reproduce/tasks.ts';

const task = (id: string, kind: Task['kind'], needs: readonly Task[] = [], seconds = 1): Task => ({
  id,
  kind,
  steps: [],
  needs,
  gpu: false,
  seconds,
  resumes: false,
});

const never = new AbortController().signal;
const check = task('check', 'check');
const job = task('job', 'finetuning', [check]);
const short = task('short', 'suites', [check], 5);
const long = task('long', 'suites', [check], 50);
const finish = task('finish', 'finish', [job, short, long]);
const all = [check, job, short, long, finish];

describe('TaskQueue', () => {
  it('gives a task only when those that it needs are done; suites after all others, the longest first', () => {
    const queue = new TaskQueue(all);
    expect(queue.takeShared()).toBeUndefined();
    expect(queue.hasShared).toBe(true);
    expect(queue.take()).toBe(check);
    expect(queue.take()).toBeUndefined();
    queue.finished(check);
    expect([queue.take(), queue.take(), queue.takeShared(), queue.take()]).toEqual([job, long, short, undefined]);
    for (const one of [job, short]) queue.finished(one);
    expect(queue.take()).toBeUndefined();
    queue.finished(long);
    expect(queue.take()).toBe(finish);
    expect(queue.isDone).toBe(false);
    queue.finished(finish);
    expect(queue.isDone).toBe(true);
  });

  it('shares short trainings of the original, before suites because others need them, but no long ones', () => {
    const original = task('original', 'original-finetuning', [], 20);
    const pretraining = task('original pretraining', 'original-pretraining', [], 600);
    const queue = new TaskQueue([long, pretraining, original].map((one) => ({ ...one, needs: [] })));
    expect([queue.takeShared(), queue.takeShared(), queue.takeShared()].map((one) => one?.id)).toEqual([
      'original',
      'long',
      undefined,
    ]);
    expect(queue.hasShared).toBe(false);
    expect(queue.take()?.id).toBe('original pretraining');
  });

  it('counts what is not among its tasks as done', () => {
    expect(new TaskQueue([finish]).take()).toBe(finish);
  });

  it('gives a task again whose process is gone, and wakes who waits', async () => {
    const queue = new TaskQueue([long]);
    expect(queue.takeShared()).toBe(long);
    const woken = queue.change(never).then(() => queue.take());
    queue.giveBack(long);
    expect(await woken).toBe(long);
  });

  it('goes on after a failure with what does not need its result, and names the first error when nothing else is left', async () => {
    const queue = new TaskQueue([job, short, long, finish]);
    queue.takeShared();
    queue.takeShared();
    queue.failed(long, new Error('first'));
    queue.failed(short, new Error('second'));
    expect(queue.failure).toBeUndefined();
    expect(queue.take()).toBe(job);
    expect(queue.failure).toBeUndefined();
    queue.finished(job);
    expect(queue.take()).toBeUndefined();
    expect(queue.failure?.message).toBe('first');
    await expect(queue.change(never)).rejects.toThrow('no task is running');
  });

  it('wakes who waits when the run is to pause', async () => {
    const queue = new TaskQueue([long, finish]);
    queue.takeShared();
    const pause = new AbortController();
    const woken = queue.change(pause.signal);
    pause.abort();
    await woken;
    await queue.change(pause.signal);
  });
});
