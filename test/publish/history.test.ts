/** What publish makes of a job's history, and what it refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/jobs/job.ts';
import { bestModelFile } from '../../src/jobs/job_model.ts';
import { writeJson } from '../../src/lib/json/file.ts';
import { callInProcess } from '../commands/in_process.ts';
import { writeJob } from '../export/job.ts';
import { temporaryFolder } from '../port/training_data.ts';

// The backbone is cut to its first stage: this is about files.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const classes = ['A', 'N', 'O', '~'];
const publish = (...args: string[]) => callInProcess(['publish', ...args]);
const card = (model: string): string => readFileSync(at(model, 'README.md'), 'utf8');

/** Changes the options of a job. */
function setOptions(job: string, options: Record<string, unknown>): void {
  writeJson(join(job, 'config.json'), { ...readConfig(job), options });
}

describe('the licence of a published model', () => {
  const pretrained = at('beat', 'resnet18.weights.h5');

  it.each<[string, () => string, string | undefined, RegExp]>([
    [
      'pretrained on Icentia11k',
      () => pretrained,
      undefined,
      /pretrained \(task beat\) on \[Icentia11k.*not for commercial use/,
    ],
    ['pretrained, with another licence', () => pretrained, 'mit', /pretrained \(task beat\) on/],
    [
      'begun from weights of an unknown training',
      () => at('resnet18.weights.h5'),
      undefined,
      /weights `resnet18\.weights\.h5`, whose training data the job does not know/,
    ],
    [
      'begun from an address',
      () => 'hf://anna/ecg/a.weights.h5@v1',
      undefined,
      /weights `hf:\/\/anna\/ecg\/a\.weights\.h5@v1`/,
    ],
    [
      'begun from a classifier that began from random weights',
      () => at('first', bestModelFile),
      undefined,
      /began from a classifier that was trained on data in the form of PhysioNet\/CinC Challenge 2017/,
    ],
    [
      'begun from a classifier that was pretrained',
      () => at('second', bestModelFile),
      undefined,
      /pretrained \(task beat\)/,
    ],
  ])('of a job %s', async (title, weights, licence, text) => {
    await writeJob(at('first'), { classes, preprocessing: { collection: 'challenge17' } });
    await writeJob(at('beat'), { job: 'pretrain' });
    setOptions(at('beat'), { task: 'beat' });
    await writeJob(at('second'), { classes });
    setOptions(at('second'), { weightsFile: pretrained });
    await writeJob(at('job'), { classes });
    setOptions(at('job'), { weightsFile: weights() });
    const { code, output } = await publish(at('job'), '--to', at(title), ...(licence ? ['--licence', licence] : []));
    expect(code).toBe(0);
    expect(card(title)).toMatch(text);
    const expected = licence ?? (title.endsWith('random weights') ? undefined : 'cc-by-nc-sa-4.0');
    expect(/^license: "(.*)"$/m.exec(card(title))?.[1]).toBe(expected);
    expect(/warning: --licence mit: .*non-commercial/.test(output)).toBe(licence === 'mit');
    expect(card(title)).toContain('No records were held out');
  });
});

describe('publish refuses, and leaves nothing behind,', () => {
  it.each<[string, () => Promise<string[]>, RegExp]>([
    [
      'a folder that exists',
      async () => [await writeJob(at('first'), { classes }), '--to', at('first')],
      /--to: .*the path exists already.*rm -r/,
    ],
    [
      'a folder without a parent',
      async () => [await writeJob(at('first'), { classes }), '--to', at('no', 'where')],
      /the folder does not exist.*mkdir -p/,
    ],
    [
      'an unfinished job',
      async () => {
        await writeJob(at('unfinished'));
        renameSync(at('unfinished', 'complete.json'), at('unfinished', 'later.json'));
        return [at('unfinished'), '--to', at('refused')];
      },
      /the job is not finished/,
    ],
    [
      'weights that are not finite',
      async () => [await writeJob(at('broken'), { broken: true }), '--to', at('refused')],
      /a weight is not a finite number/,
    ],
    [
      'a pretraining job',
      async () => [await writeJob(at('pretraining'), { job: 'pretrain' }), '--to', at('refused')],
      /a pretraining job has no probabilities/,
    ],
    [
      'predictions that are damaged',
      async () => {
        await writeJob(at('damaged'), { classes });
        writeFileSync(at('damaged', 'test_predictions.csv'), 'record_name,true_A,prob_A\nr1,2,0.5\n');
        return [at('damaged'), '--to', at('refused')];
      },
      /a label is impossible/,
    ],
    [
      'a folder that is not a job',
      async () => {
        mkdirSync(at('nothing'), { recursive: true });
        return [at('nothing'), '--to', at('refused')];
      },
      /does not hold a job/,
    ],
  ])('%s', async (_, args, message) => {
    const given = await args();
    const before = readdirSync(folder).sort();
    const { code, output } = await publish(...given);
    expect([code, output]).toEqual([1, expect.stringMatching(message)]);
    expect(existsSync(at('refused'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});
