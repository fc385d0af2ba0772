import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../src/events.ts';
import { JobPaused } from '../../src/jobs/job.ts';
import { lockTask, prepareRun, tasksToDo } from '../../src/reproduce/prepare_run.ts';
import { runTask, StepFailed } from '../../src/reproduce/run_task.ts';
import type { RunSettings } from '../../src/reproduce/settings.ts';
import { type Step, StepMarks } from '../../src/reproduce/step.ts';
import { tasksOf } from '../../src/reproduce/tasks.ts';
import { settingsIn } from './run_settings.ts';
import { fileStep, whatRan } from './steps_of_files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-task-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Two trainings and their predictions, and a report on both. */
function plan(changes: { readonly training?: Partial<Step> } = {}): Step[] {
  const of = (name: string): Step[] => {
    const task = { id: name, kind: 'finetuning' } as const;
    const training = fileStep(folder, 'finetuning', name, [], { task, ...(name === 'a' && changes.training) });
    return [training, fileStep(folder, 'predictions', name, [training], { task })];
  };
  const steps = [...of('a'), ...of('b')];
  const results = steps.filter(({ stage }) => stage === 'predictions');
  return [...steps, fileStep(folder, 'report', 'report', results, { task: { id: 'finish', kind: 'finish' } })];
}

const settings = (changes: Partial<RunSettings> = {}): RunSettings => settingsIn(folder, changes);

function run(id: string, steps = plan(), signal = new AbortController().signal, of = settings()): Promise<boolean> {
  const task = tasksOf(steps).find((one) => one.id === id)!;
  return runTask(of, task, { report: silent, signal });
}

describe('runTask', () => {
  beforeEach(() => {
    prepareRun(settings(), {}, plan());
  });

  it('does the steps of one task, with one log, and nothing if they are done', async () => {
    expect(await run('a')).toBe(true);
    expect(whatRan(folder)).toEqual(['finetuning/a', 'predictions/a']);
    const log = readFileSync(join(folder, 'logs', 'a.log'), 'utf8');
    expect(log.match(/(finetuning|predictions)\/a: done/g)).toHaveLength(2);
    expect(await run('a')).toBe(false);
    expect(whatRan(folder)).toEqual([]);
  });

  it('names every task whose results are missing, and how far it is', async () => {
    await run('a');
    new StepMarks(join(folder, 'steps')).begin(plan()[2]);
    const failure = run('finish');
    await expect(failure).rejects.toThrow(StepFailed);
    await expect(failure).rejects.toThrow(
      `finish: a task is not done whose results it reads:\n  b: not begun\nDo what is missing, and this task, with the same command as before: npm run reproduce --`,
    );
    rmSync(join(folder, 'predictions-a'));
    new StepMarks(join(folder, 'steps')).begin(plan()[1]);
    await expect(run('finish')).rejects.toThrow(
      `finish: 2 tasks are not done whose results it reads:\n  a: interrupted; log: ${join(folder, 'logs', 'a.log')}\n  b: not begun`,
    );
    expect(whatRan(folder).filter((title) => title.startsWith('report'))).toEqual([]);
  });

  it('takes a comparison that broke off as it is, so that the report can show it', async () => {
    const broken = { retry: () => true };
    const steps = plan().map((step) => (step.stage === 'predictions' ? { ...step, ...broken } : step));
    const results = steps.filter(({ stage }) => stage === 'predictions');
    const whole = [...steps.slice(0, -1), { ...steps.at(-1)!, needs: results }];
    for (const id of ['a', 'b', 'finish']) await run(id, whole);
    expect(whatRan(folder)).toContain('report/report');
  });

  it('forgets no result of another task', async () => {
    for (const id of ['a', 'b', 'finish']) await run(id);
    rmSync(join(folder, 'finetuning-a'));
    whatRan(folder);
    await run('a');
    expect(whatRan(folder)).toEqual(['finetuning/a']);
    expect(await run('finish')).toBe(false);
  });

  it('keeps the half of a paused task and goes on with it', async () => {
    const half = join(folder, 'finetuning-a');
    const pausing = plan({
      training: {
        run: () => {
          writeFileSync(half, 'half');
          throw new JobPaused();
        },
      },
    });
    await expect(run('a', pausing)).rejects.toThrow(JobPaused);
    prepareRun(settings(), {}, plan());
    let found = '';
    const resuming = plan({
      training: {
        run: () => {
          found = readFileSync(half, 'utf8');
        },
      },
    });
    await run('a', resuming);
    expect(found).toBe('half');
  });

  it('does not begin a step after a signal', async () => {
    await expect(run('a', plan(), AbortSignal.abort())).rejects.toThrow(JobPaused);
    expect(whatRan(folder)).toEqual([]);
  });

  it('leaves a task to the process that works on it, and takes another one', async () => {
    const unlock = lockTask(settings(), 'a');
    await expect(run('a')).rejects.toThrow(/another process works in this run folder/);
    await run('b');
    unlock();
    expect(whatRan(folder)).toEqual(['finetuning/b', 'predictions/b']);
    await run('a');
  });

  it.each([
    [{ seed: 5 }, /experiment\.json, seed: the folder was prepared for a run with other options; got 2021; expected 5/],
    [{ precision: 'bfloat16' }, /precision: .*got float32; expected bfloat16/],
    [{ data: '/data' }, /data: .*got generated; expected real/],
  ] as const)('refuses a folder that was prepared for another run: %j', async (changes, message) => {
    await expect(run('a', plan(), undefined, settings(changes))).rejects.toThrow(message);
    expect(whatRan(folder)).toEqual([]);
  });

  it('refuses a folder that was not prepared', async () => {
    rmSync(join(folder, 'experiment.json'));
    await expect(run('a')).rejects.toThrow(
      /was not prepared for this run; got no file\. Begin the run: npm run reproduce --/,
    );
    expect(existsSync(join(folder, 'steps'))).toBe(false);
  });
});

describe('prepareRun', () => {
  it('names the tasks with something to do, in order', async () => {
    const idsOf = () => prepareRun(settings(), {}, plan()).map(({ id }) => id);
    expect(idsOf()).toEqual(['a', 'b', 'finish']);
    await run('a');
    expect(idsOf()).toEqual(['b', 'finish']);
    for (const id of ['b', 'finish']) await run(id);
    expect(idsOf()).toEqual([]);
    // What is made of a lost result no longer counts.
    rmSync(join(folder, 'predictions-a'));
    const listed = tasksToDo(settings(), {}, plan()).map(({ id }) => id);
    expect(new StepMarks(join(folder, 'steps')).state(plan()[4])).toBe('done');
    expect(idsOf()).toEqual(['a', 'finish']);
    expect(listed).toEqual(['a', 'finish']);
  });
});
