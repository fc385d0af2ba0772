import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { JobPaused } from '../../src/jobs/job.ts';
import type { StepSelection } from '../../src/reproduce/prepare_run.ts';
import { runSteps } from '../../src/reproduce/run.ts';
import { StepFailed } from '../../src/reproduce/run_task.ts';
import type { StageName, Step } from '../../src/reproduce/step.ts';
import { settingsIn } from './run_settings.ts';
import { fileStep, whatRan } from './steps_of_files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ran = (): string[] => whatRan(folder);

const step = (stage: StageName, name: string, needs: readonly Step[] = [], changes: Partial<Step> = {}): Step =>
  fileStep(folder, stage, name, needs, changes);

/** Two data sets; a training on the first; scores of it. */
function chain(changes: { readonly a?: Partial<Step>; readonly training?: Partial<Step> } = {}): Step[] {
  const a = step('data', 'a', [], changes.a);
  const b = step('data', 'b');
  const training = step('finetuning', 'on a', [a], changes.training);
  return [a, b, training, step('metrics', 'scores', [training])];
}

const all = ['data/a', 'data/b', 'finetuning/on a', 'metrics/scores'];

async function run(
  steps: readonly Step[],
  selection: StepSelection = {},
  signal = new AbortController().signal,
): Promise<string[]> {
  const messages: string[] = [];
  const report = (event: ProgressEvent): void => {
    if (event.kind === 'message') messages.push(event.text);
  };
  await runSteps(settingsIn(folder), selection, { report, signal }, steps);
  return messages;
}

describe('runSteps', () => {
  it('does every step once, in order, and says where it is', async () => {
    const messages = await run(chain());
    expect(ran()).toEqual(all);
    expect(messages.map((text) => text.split(';')[0])).toEqual(all.map((title, i) => `[${i + 1}/4] ${title}`));
    expect(messages[0]).toBe('[1/4] data/a; about 4 s left');
    expect(await run(chain())).toEqual([]);
    expect(ran()).toEqual([]);
  });

  it('does again what changed settings or a lost result change, and what was made of it', async () => {
    await run(chain());
    ran();
    await run(chain({ a: { settings: { fs: 100 } } }));
    expect(ran()).toEqual(['data/a', 'finetuning/on a', 'metrics/scores']);
    rmSync(join(folder, 'finetuning-on a'));
    await run(chain({ a: { settings: { fs: 100 } } }));
    expect(ran()).toEqual(['finetuning/on a', 'metrics/scores']);
  });

  it('does chosen stages only, and again with force', async () => {
    await run(chain());
    ran();
    await run(chain(), { from: 'finetuning' });
    expect(ran()).toEqual([]);
    await run(chain(), { from: 'finetuning', force: true });
    expect(ran()).toEqual(['finetuning/on a', 'metrics/scores']);
    await run(chain(), { only: 'metrics', force: true });
    expect(ran()).toEqual(['metrics/scores']);
    // What a stage alone has outdated is done by the next whole run.
    await run(chain(), { only: 'finetuning', force: true });
    expect(ran()).toEqual(['finetuning/on a']);
    await run(chain());
    expect(ran()).toEqual(['metrics/scores']);
  });

  it('does not start in the middle if earlier steps are missing', async () => {
    await expect(run(chain(), { only: 'finetuning' })).rejects.toThrow(
      /data\/a: an earlier stage is not complete; got a step that has not run with these settings\. Leave out --from and --only/,
    );
    expect(ran()).toEqual([]);
  });

  it('says which step failed, where its log is and what to type; the next run goes on there', async () => {
    const fail = { training: { run: () => Promise.reject(new Error('the disk is full')) } };
    const failure = run(chain(fail));
    await expect(failure).rejects.toThrow(StepFailed);
    await expect(failure).rejects.toThrow(
      `finetuning/on a: the disk is full\nLog: ${join(folder, 'logs', 'finetuning-on-a.log')}\nOnce the problem is fixed, continue with the same command: npm run reproduce --`,
    );
    expect(readFileSync(join(folder, 'logs', 'finetuning-on-a.log'), 'utf8')).toMatch(
      /finetuning\/on a: Error: the disk is full\n\s+at /,
    );
    expect(ran()).toEqual(['data/a', 'data/b']);
    await run(chain());
    expect(ran()).toEqual(['finetuning/on a', 'metrics/scores']);
  });

  it('keeps the half of a paused step and goes on with it', async () => {
    const half = join(folder, 'finetuning-on a');
    const pause = {
      training: {
        run: () => {
          writeFileSync(half, 'half');
          throw new JobPaused();
        },
      },
    };
    await expect(run(chain(pause))).rejects.toThrow(JobPaused);
    let found = '';
    const resume = {
      training: {
        run: () => {
          found = readFileSync(half, 'utf8');
        },
      },
    };
    await run(chain(resume));
    expect(found).toBe('half');
  });

  it('does not wait for the original after a signal', async () => {
    const controller = new AbortController();
    const never = step('original', 'finetuning', [], { run: () => new Promise<void>(() => {}) });
    setTimeout(() => controller.abort('SIGINT'), 20);
    await expect(run([never], {}, controller.signal)).rejects.toThrow(JobPaused);
  });

  it('stops before the next step after a signal', async () => {
    const controller = new AbortController();
    const [a, ...rest] = chain({ a: { run: () => controller.abort('SIGTERM'), outputs: [] } });
    await expect(run([a, ...rest], {}, controller.signal)).rejects.toThrow(JobPaused);
    expect(ran()).toEqual([]);
  });

  it('leaves a task to the process that works on it', async () => {
    lockFor('data-a');
    await expect(run(chain())).rejects.toThrow(/another process works in this run folder; got process \d+ on /);
    expect(ran()).toEqual([]);
  });

  it('gives no result up while a process works on any task of the folder', async () => {
    await run(chain());
    ran();
    lockFor('finetuning-on-a');
    const changed = chain({ a: { settings: { fs: 100 } } });
    await expect(run(changed)).rejects.toThrow(/another process works in this run folder/);
    await expect(run(chain(), { only: 'data', force: true })).rejects.toThrow(/another process works/);
    rmSync(join(folder, 'data-b'));
    await expect(run(chain())).rejects.toThrow(/another process works/);
    expect(ran()).toEqual([]);
    rmSync(join(folder, 'locks'), { recursive: true });
    await run(chain());
    expect(ran()).toEqual(['data/b']);
  });
});

/** A lock of a process that lives: the parent of this one. */
function lockFor(task: string): void {
  const holder = { pid: process.ppid, host: hostname(), started: startOf(process.ppid) };
  mkdirSync(join(folder, 'locks'), { recursive: true });
  writeFileSync(join(folder, 'locks', `${task}.lock`), JSON.stringify(holder));
}

function startOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19];
}

/** Notes each task as `beside: ID`, and does what the end of the id says. */
const fakeWorker = `
import { appendFileSync } from 'node:fs';
let run;
process.on('message', (request) => {
  if (request.kind === 'open') {
    run = request.run;
    return process.send({ kind: 'opened' });
  }
  appendFileSync(run.root + '/ran', 'beside: ' + request.task + '\\n');
  if (request.task.endsWith('dies')) process.exit(3);
  if (request.task.endsWith('fails')) return process.send({ kind: 'error', message: 'the disk is full' });
  process.send({ kind: 'event', event: { kind: 'begins', step: 'comparison/' + request.task } });
  process.send({ kind: 'ran' });
});
process.on('disconnect', () => process.exit(0));
`;

describe('runSteps with several workers', () => {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const suite = (name: string, needs: readonly Step[], seconds: number): Step =>
    step('comparison', name, needs, { task: { id: name, kind: 'suites' }, seconds });

  /** A long training beside which suites run, and what needs the training. */
  async function beside(names: readonly string[], workers = 2): Promise<string[]> {
    const data = step('data', 'a');
    const training = step('finetuning', 'on a', [data], {
      run: async () => {
        // Until the suites are through.
        for (let i = 0; i < 200 && workers > 1 && whatIsNoted().length < names.length; i++) await pause(20);
        writeFileSync(join(folder, 'finetuning-on a'), '');
      },
    });
    const suites = names.map((name, i) => suite(name, [data], 100 - i));
    const steps = [data, training, ...suites, step('metrics', 'scores', [training])];
    const furtherModule = join(folder, 'worker.mjs');
    writeFileSync(furtherModule, fakeWorker);
    const messages: string[] = [];
    const report = (event: ProgressEvent): void => {
      if (event.kind === 'message' || event.kind === 'warning') messages.push(event.text);
    };
    const { signal } = new AbortController();
    await runSteps(settingsIn(folder), {}, { report, signal, workers, furtherModule }, steps);
    return messages;
  }

  const whatIsNoted = (): string[] => {
    const text = readFileSync(join(folder, 'ran'), 'utf8').trim();
    return text.split('\n').filter((line) => line.startsWith('beside'));
  };

  it('runs suites beside the jobs, the longest first, and counts them', async () => {
    const messages = await beside(['one', 'two']);
    expect(ran()).toEqual(['data/a', 'beside: one', 'beside: two', 'metrics/scores']);
    expect(messages.slice(0, 3).map((text) => text.split(';')[0])).toEqual([
      '[1/5] data/a',
      '[2/5] finetuning/on a',
      '[3/5] comparison/one',
    ]);
    expect(messages.map((text) => text.slice(1, 4))).toEqual(['1/5', '2/5', '3/5', '4/5', '5/5']);
  });

  it('does itself what a process had begun that died, and says that there is a process less', async () => {
    const messages = await beside(['suite-dies']);
    expect(ran()).toEqual(['data/a', 'beside: suite-dies', 'metrics/scores', 'comparison/suite-dies']);
    expect(messages).toContain('the run goes on with a process less: the process ended with code 3');
  });

  it('finishes what does not need a suite that failed, then fails with its reason', async () => {
    const failure = beside(['suite-fails']);
    await expect(failure).rejects.toThrow(StepFailed);
    await expect(failure).rejects.toThrow('the disk is full');
    expect(ran()).toEqual(['data/a', 'beside: suite-fails', 'metrics/scores']);
  });

  it('starts no process with one worker', async () => {
    await beside(['one'], 1);
    expect(ran()).toEqual(['data/a', 'metrics/scores', 'comparison/one']);
  });
});
