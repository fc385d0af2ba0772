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
