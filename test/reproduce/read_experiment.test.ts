import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Experiment } from '../../src/experiment_schema.ts';
import { portOnlyOption } from '../../src/reproduce/check_experiment.ts';
import { readExperiment } from '../../src/reproduce/read_experiment.ts';
import { root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-experiment-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'mine.json');
const example = join(root, 'examples', 'data_efficiency.json');

/** The example as a value that tests change. */
// biome-ignore lint/suspicious/noExplicitAny: what users write can be anything
type Draft = Record<string, any>;
const draft = (): Draft => JSON.parse(readFileSync(example, 'utf8'));

function read(value: unknown): Experiment {
  writeFileSync(file, JSON.stringify(value));
  return readExperiment(file);
}

/** The message with which a changed example is refused, without the name of the file. */
function refusal(change: (experiment: Draft) => void): string {
  const changed = draft();
  change(changed);
  try {
    read(changed);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message.replace(`${file}, `, '');
  }
  return 'accepted';
}

/** Whole jobs in place of the example's grid. */
function writtenOut(experiment: Draft): Draft[] {
  const { for: _grid, ...job } = experiment.finetuning[0];
  experiment.finetuning = [
    { ...job, name: 'a', weights: 'beat' },
    { ...job, name: 'b' },
  ];
  experiment.contrasts = [{ pretrained: 'a', random: 'b' }];
  return experiment.finetuning;
}

describe('readExperiment', () => {
  it('writes out a grid: one job per combination, the last field changes fastest, null means random weights', () => {
    const { finetuning, contrasts } = readExperiment(example);
    expect(finetuning.map(({ name, weights, subset }) => [name, weights, subset])).toEqual([
      ['beat-0.1', 'beat', 0.1],
      ['beat-0.25', 'beat', 0.25],
      ['beat-0.5', 'beat', 0.5],
      ['beat-1', 'beat', 1],
      ['random-0.1', undefined, 0.1],
      ['random-0.25', undefined, 0.25],
      ['random-0.5', undefined, 0.5],
      ['random-1', undefined, 1],
    ]);
    expect(contrasts[1]).toEqual({ pretrained: 'beat-0.25', random: 'random-0.25' });
    expect(finetuning.every((job) => !('for' in job))).toBe(true);
  });

  it('takes options of training, also in a grid, and refuses what a trainer would refuse', () => {
    const experiment = draft();
    experiment.pretraining[0].schedule = 'cosine';
    expect(portOnlyOption(read(draft()))).toBeUndefined();
    expect(portOnlyOption(read(experiment))).toBe('pretraining[0].schedule');
    const [job] = writtenOut(experiment);
    job.freezeEpochs = 2;
    experiment.pretraining[0].schedule = undefined;
    experiment.contrasts = [];
    const { finetuning } = read(experiment);
    expect(finetuning[0].freezeEpochs).toBe(2);
    expect(portOnlyOption(read(experiment))).toBe('finetuning[0].freezeEpochs');
    const faults: [Draft, string][] = [
      [{ clipnorm: 1, globalClipnorm: 1 }, 'finetuning[1]: --clipnorm and --global-clipnorm exclude each other'],
      [{ plateauFactor: 0.5 }, 'finetuning[1]: --plateau-factor belongs to another schedule'],
      [{ augment: 'noise=x' }, 'finetuning[1]: --augment: invalid strength of noise'],
      [{ freezeEpochs: 1 }, 'finetuning[1]: --freeze-epochs without --weights-file would keep random weights'],
      [{ classWeights: 'even' }, 'finetuning[1].classWeights'],
    ];
    for (const [fields, message] of faults) {
      expect(refusal((changed) => Object.assign(writtenOut(changed)[1], fields))).toContain(message);
    }
  });

  it('fills names of weights too, so that networks are a grid', () => {
    const experiment = draft();
    const arch = ['resnet18', 'resnet34'];
    const { arch: _arch, ...pretraining } = experiment.pretraining[0];
    experiment.pretraining = [{ ...pretraining, for: { arch }, name: 'beat-{arch}' }];
    const { for: _grid, ...job } = experiment.finetuning[0];
    experiment.finetuning = [
      { ...job, for: { arch }, name: 'pretrained-{arch}', weights: 'beat-{arch}' },
      { ...job, for: { arch }, name: 'random-{arch}' },
    ];
    experiment.contrasts = [{ for: { arch }, pretrained: 'pretrained-{arch}', random: 'random-{arch}' }];
    const { finetuning } = read(experiment);
    expect(finetuning.map(({ weights, arch: own }) => [weights, own])).toEqual([
      ['beat-resnet18', 'resnet18'],
      ['beat-resnet34', 'resnet34'],
      [undefined, 'resnet18'],
      [undefined, 'resnet34'],
    ]);
  });

  it('needs only what cannot be guessed', () => {
    const { name, sets, finetuning } = draft();
    const { for: _grid, ...job } = finetuning[0];
    expect(read({ name, sets, finetuning: [{ ...job, name: 'a' }] })).toMatchObject({
      data: 'folder',
      pretraining: [],
      contrasts: [],
      trials: 1,
      margin: 0.01,
      suites: 'quick',
    });
  });

  it.each<[string, (experiment: Draft) => void, string | RegExp]>([
    [
      'weights in a grid that no job makes',
      ({ finetuning }) => {
        finetuning[0].for.weights[0] = 'beet';
      },
      'finetuning[0].for.weights[0]: the experiment has no such pretraining job; got "beet"; expected one of beat, given. Did you mean beat?',
    ],
    [
      'weights of a single job that no job makes',
      (experiment) => {
        writtenOut(experiment)[0].weights = 'beet';
      },
      /^finetuning\[0\]\.weights: .*got "beet"; expected one of beat, given/,
    ],
    [
      'a set that is not there',
      ({ finetuning }) => {
        finetuning[0].set = 'ptbxl';
      },
      /^finetuning\[0\]\.set: .*got "ptbxl"; expected one of physionet/,
    ],
    [
      'a size of the test part of a set with folds',
      ({ sets }) => {
        sets[0].name = 'ptbxl-form';
        sets[0].records = 'all';
      },
      'sets[0].testSize: ptbxl-form is divided by its folds; got 0.25; expected no testSize',
    ],
    [
      'a set without folds and without a size of the test part',
      ({ sets }) => {
        delete (sets[0] as Partial<(typeof sets)[number]>).testSize;
      },
      'sets[0].testSize: physionet has no folds to divide it by; got nothing; expected a testSize',
    ],
    [
      'a published score without a figure',
      (experiment) => {
        Object.assign(writtenOut(experiment)[0], { published: [{ source: 'paper' }] });
      },
      'finetuning[0].published[0]: the published score has no figure; got nothing; expected macroF1 or macroAuc',
    ],
    [
      'a job of a contrast that is not there',
      ({ contrasts }) => {
        contrasts[0].pretrained = 'beats-{subset}';
      },
      /^contrasts\[0\]\.pretrained: .*got "beats-0\.1"; expected one of beat-0\.1, .* Did you mean beat-0\.1\?/,
    ],
    [
      'a contrast the wrong way round',
      ({ contrasts }) => {
        contrasts[0] = { pretrained: 'random-1', random: 'beat-1' };
      },
      /^contrasts\[0\]\.pretrained: this job has random weights; got random-1/,
    ],
    [
      'a contrast of different subsets',
      ({ contrasts }) => {
        contrasts[0] = { pretrained: 'beat-1', random: 'random-0.5' };
      },
      'contrasts[0]: the jobs of a contrast may differ only in their weights, but these differ in subset; got beat-1: 1; random-0.5: 0.5; expected the same value',
    ],
    [
      'a contrast of different networks',
      (experiment) => {
        writtenOut(experiment)[1].arch = 'resnet34';
      },
      /^contrasts\[0\]: .*differ in arch; got a: resnet18; b: resnet34/,
    ],
    [
      'a contrast twice',
      ({ contrasts }) => {
        contrasts.push({ pretrained: 'beat-1', random: 'random-1' });
      },
      /^contrasts\[1\]: this contrast is there twice/,
    ],
    [
      'two jobs of the same name',
      ({ finetuning }) => {
        finetuning[0].name = 'job-{subset}';
      },
      /^finetuning\[0\]\.name: two entries have the same name; got "job-0\.1"/,
    ],
    [
      'two names that are one folder on some file systems',
      (experiment) => {
        writtenOut(experiment)[1].name = 'A';
        experiment.contrasts = [];
      },
      /^finetuning\[1\]\.name: two names differ only in upper and lower case; got "A"/,
    ],
    ...['../out', 'a/b', '.', '', 'a b', '-a', 'ü', 'x'.repeat(101)].map(
      (name) =>
        [
          `the name ${name}`,
          (experiment: Draft) => {
            writtenOut(experiment)[0].name = name;
          },
          /^finetuning\[0\]\.name: .*expected at most 100 letters, digits, dots/,
        ] as [string, (experiment: Draft) => void, RegExp],
    ),
    [
      'the name of a built-in profile',
      (experiment) => {
        experiment.name = 'quick';
      },
      /^name: a built-in profile has this name/,
    ],
    [
      "a pretraining job with the name of the user's weights",
      ({ pretraining }) => {
        pretraining[0].name = 'given';
      },
      /^pretraining\[0\]\.name: this name stands for the weights of --weights-file/,
    ],
    [
      'an epoch that is never trained',
      ({ pretraining }) => {
        pretraining[0].chosenEpoch = 2;
      },
      'pretraining[0].chosenEpoch: this epoch is never trained; got 2; expected at most 1, as epochs',
    ],
    [
      'a part of more than everything',
      ({ finetuning }) => {
        finetuning[0].for.subset[3] = 1.5;
      },
      /^finetuning\[0\]\.for\.subset\[3\]: .*got 1\.5; expected at most 1/,
    ],
    [
      'a part of nothing',
      ({ finetuning }) => {
        finetuning[0].for.subset[0] = 0;
      },
      /^finetuning\[0\]\.for\.subset\[0\]: .*got 0; expected more than 0/,
    ],
    [
      'a part too small for every class',
      ({ finetuning }) => {
        finetuning[0].for.subset[0] = 0.01;
      },
      /^finetuning\[0\]\.for\.subset\[0\]: this part .*got 0\.01 of 72 records; expected at least 4/,
    ],
    [
      'weights of a part of a network',
      ({ pretraining }) => {
        pretraining[0].stages = 2;
      },
      /^finetuning\[0\]\.for\.weights\[0\]: these weights cannot be finetuned; got beat, with stages 2/,
    ],
    [
      'another network than its weights have',
      ({ finetuning }) => {
        finetuning[0].arch = 'resnet50';
      },
      /^finetuning\[0\]\.arch: the weights are of another network; got resnet50; expected resnet18/,
    ],
    [
      'frames longer than the generated segments',
      ({ pretraining }) => {
        pretraining[0].frameSize = 20_000;
      },
      /^pretraining\[0\]\.frameSize: .*got 20000 samples; expected at most 16384/,
    ],
    [
      'no patient to train on',
      ({ pretraining }) => {
        pretraining[0].validation.patients = 4;
      },
      /^pretraining\[0\]\.validation\.patients: no patient is left/,
    ],
    [
      'another number of records than are generated',
      ({ sets }) => {
        sets[0].records = 60;
      },
      /^sets\[0\]\.records: .*got 60; expected "all" or 120/,
    ],
    [
      'a selection of a collection that cannot be selected from',
      ({ sets }) => {
        sets.push({ ...sets[0], name: 'ptbxl' });
      },
      /^sets\[1\]\.records: records can be selected only from physionet/,
    ],
    [
      'generated data of which nothing is said',
      (experiment) => {
        delete experiment.generated;
        experiment.data = 'generated';
      },
      /^generated: it is not said which recordings to generate/,
    ],
    [
      'contexts of another task than CPC',
      ({ pretraining }) => {
        pretraining[0].contextSize = 3;
      },
      /^pretraining\[0\]\.contextSize: only CPC has contexts/,
    ],
    [
      'a suite that is not there',
      (experiment) => {
        experiment.suites = ['samplings'];
      },
      /^suites\[0\]: .*Did you mean sampling\?/,
    ],
    [
      'a misspelt field',
      ({ finetuning }) => {
        finetuning[0].batchsize = 3;
      },
      /^finetuning\[0\]\.batchsize: the experiment has an unknown field.*Did you mean batchSize\?/,
    ],
    [
      'a misspelt field of a grid',
      ({ finetuning }) => {
        finetuning[0].for.weight = ['beat'];
      },
      /^finetuning\[0\]\.for\.weight: the grid has an unknown field.*Did you mean weights\?/,
    ],
    [
      'a field in a grid and beside it',
      ({ finetuning }) => {
        finetuning[0].subset = 1;
      },
      /^finetuning\[0\]\.for\.subset: this field stands in the grid and beside it/,
    ],
    [
      'a grid without values',
      ({ finetuning }) => {
        finetuning[0].for.subset = [];
      },
      /^finetuning\[0\]\.for\.subset: .*expected a list of values/,
    ],
    [
      'a name with a field that is not there',
      ({ finetuning }) => {
        finetuning[0].name = '{weight}-{subset}';
      },
      /^finetuning\[0\]\.name: the name refers to an unknown field; got \{weight\}.*Did you mean weights\?/,
    ],
    [
      'more combinations than anyone can run',
      ({ finetuning }) => {
        finetuning[0].for.epochs = Array.from({ length: 2000 }, (_, i) => i + 1);
        delete finetuning[0].epochs;
      },
      /^finetuning\[0\]\.for: the grid is too large; got 16,000 combinations/,
    ],
    [
      'a missing field',
      ({ finetuning }) => {
        delete finetuning[0].batchSize;
      },
      /^finetuning\[0\]\.batchSize: .*got nothing; expected this field/,
    ],
    [
      'a text for a number',
      ({ finetuning }) => {
        finetuning[0].epochs = '2';
      },
      /^finetuning\[0\]\.epochs: .*got "2"; expected a number/,
    ],
  ])('refuses %s', (_title, change, message) => {
    const got = refusal(change);
    if (typeof message === 'string') expect(got).toContain(message);
    else expect(got).toMatch(message);
  });

  it.each([['[]'], ['3'], ['null'], ['{"name": "a", "finetuning": 3}'], ['{'], ['{"finetuning": [null]}']])(
    'refuses %s, and says where to read on',
    (text) => {
      writeFileSync(file, text);
      expect(() => readExperiment(file)).toThrow(/mine\.json.*docs\/reproduce\.md/);
    },
  );

  it('names a file that is missing', () => {
    expect(() => readExperiment(join(folder, 'none.json'))).toThrow(/none\.json: the experiment is missing/);
  });
});
