import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { ProgressEvent } from '../../../../src/events.ts';
import { JobPaused } from '../../../../src/jobs/job.ts';
import { ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { balancedWeights } from '../../../../src/port/finetuning/trainer/class_weights.ts';
import { type FinetuneOptions, finetune } from '../../../../src/port/finetuning/trainer.ts';
import { readWeights } from '../../../../src/weights/files.ts';
import { pausing, temporaryFolder, writeSmallSet } from '../../training_data.ts';

// The backbone is cut to its first stage, which the command line cannot: the files are small, the jobs short.
vi.mock('../../../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const read = (...names: string[]): string => readFileSync(at(...names), 'utf8');

let train: string;
let multi: string;

beforeAll(async () => {
  // 22 records, so that classes have different numbers of records.
  train = await writeSmallSet(at('train.pkl'), { records: 22 });
  multi = await writeSmallSet(at('multi.pkl'), { records: 22, multiLabel: true });
});

/** Runs a job of three epochs at once, and again in two parts, paused in the second epoch; both must leave the same bits. Resolves to its messages. */
async function resumed(name: string, options: Partial<FinetuneOptions>, epochs = 3): Promise<readonly string[]> {
  const job = { train, batchSize: 8, seed: 5, initSeed: 6, ...options, epochs };
  const texts: string[] = [];
  const report = (event: ProgressEvent): void => {
    if (event.kind === 'message') texts.push(event.text);
  };
  await finetune({ ...job, jobDir: at(name) }, { report });
  const parts = { ...job, jobDir: at(`${name}-parts`), resume: true };
  await expect(finetune(parts, pausing(`Epoch 2/${epochs}:1`))).rejects.toThrow(JobPaused);
  await finetune(parts);
  for (const file of ['history.csv', 'train_predictions.csv']) {
    expect(read(`${name}-parts`, file), file).toBe(read(name, file));
  }
  const [ours, theirs] = [`${name}-parts`, name].map((one) => readWeights(at(one, 'best_model.weights.h5')));
  expect(ours.weights).toEqual(theirs.weights);
  expect(ours.optimizer).toEqual(theirs.optimizer);
  return texts;
}

/** The training losses of a job. */
function losses(name: string): number[] {
  const [header, ...rows] = read(name, 'history.csv').trimEnd().split('\r\n');
  const column = header.split(',').indexOf('loss');
  return rows.map((row) => Number(row.split(',')[column]));
}

describe('options of training', () => {
  test('are not in config.json unless they are given', async () => {
    await finetune({ jobDir: at('plain'), train, batchSize: 8, seed: 5, initSeed: 6 });
    expect(Object.keys(JSON.parse(read('plain', 'config.json')).options).sort()).toEqual(
      ['batchSize', 'initSeed', 'jobDir', 'seed', 'train'].sort(),
    );
  });

  test('wrong values are refused before anything is created', async () => {
    const wrong: [Partial<FinetuneOptions>, string][] = [
      [{ classWeights: 'even' as 'balanced' }, '--class-weights: got even, expected one of balanced'],
      [{ clipnorm: 0 }, '--clipnorm: got 0, expected a number above 0'],
      [{ weightDecay: Number.NaN }, '--weight-decay: got NaN, expected a number above 0'],
      [{ clipnorm: 1, globalClipnorm: 1 }, '--clipnorm and --global-clipnorm exclude each other; expected one of them'],
      [
        { freezeEpochs: 1 },
        '--freeze-epochs without --weights-file would keep random weights; expected --weights-file FILE',
      ],
      [
        { augment: 'nois' },
        '--augment: invalid value; got nois; expected changes between commas, each with =STRENGTH if wanted: shift, scale, wander, noise, lead-dropout. Did you mean noise?',
      ],
      [{ stopMetric: 'f2' as 'f1', valSize: 8 }, '--stop-metric: got f2, expected one of loss, acc, f1, auc'],
      [{ stopPatience: 3 }, '--stop-patience needs validation; expected --val FILE or --val-size SIZE'],
      [
        { stopMetric: 'f1', valMetric: 'auc', valSize: 8 },
        '--stop-metric f1 needs the same metric for the best weights; got --val-metric auc; expected --val-metric f1',
      ],
      [{ augment: 'noise,noise=1' }, '--augment: noise is there twice'],
      [
        { augment: 'shift=0.5' },
        '--augment: invalid strength of shift; got 0.5; expected a whole number of samples of at least 1',
      ],
      [{ augment: 'scale=1' }, '--augment: invalid strength of scale; got 1; expected a number between 0 and 1'],
      [{ learningRate: -1 }, '--learning-rate: got -1, expected a number above 0'],
      [{ schedule: 'step' as 'cosine' }, '--schedule: got step, expected one of cosine, plateau'],
      [{ warmupSteps: 1.5 }, '--warmup-steps: got 1.5, expected a whole number of at least 1'],
      [{ schedule: 'plateau', plateauFactor: 1 }, '--plateau-factor: got 1, expected a number below 1'],
      [
        { schedule: 'cosine', plateauPatience: 3 },
        '--plateau-patience belongs to another schedule; got --schedule cosine; expected --schedule plateau',
      ],
    ];
    for (const [options, message] of wrong) {
      await expect(finetune({ jobDir: at('never'), train, ...options })).rejects.toThrow(message);
    }
    expect(existsSync(at('never'))).toBe(false);
  });
});

describe('--class-weights balanced', () => {
  test('a resumed job has the bits of an uninterrupted one, says its weights, and keeps its options', async () => {
    const texts = await resumed('weighted', { classWeights: 'balanced' });
    expect(texts).toContain('Class weights: A 0.917, N 0.917, O 1.100, ~ 1.100');
    expect(JSON.parse(read('weighted', 'config.json')).options.classWeights).toBe('balanced');
    await expect(
      finetune({
        jobDir: at('plain'),
        train,
        batchSize: 8,
        epochs: 2,
        seed: 5,
        initSeed: 6,
        resume: true,
        classWeights: 'balanced',
      }),
    ).rejects.toThrow(
      '--class-weights: a job can only be resumed with the options it started with; got balanced; expected nothing',
    );
    expect(losses('weighted')[0]).not.toBe(losses('plain')[0]);
  });

  test('two devices and several labels: a resumed job has the bits of an uninterrupted one', async () => {
    const texts = await resumed('several', { train: multi, classWeights: 'balanced', devices: 'cpu:2' });
    expect(texts).toContain(
      'Class weights of records with / without the label: SR 1.000 / 1.000, AFIB 1.000 / 1.000, PACE 1.100 / 0.917',
    );
  });

  test('a class without records, or in every record, has the weight 1', () => {
    const classes = ['a', 'b', 'c'];
    const y = ndarray('int32', [4, 3], Int32Array.of(1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0));
    const one = balancedWeights({ y, classes }, false);
    expect([...one.rows.take([0, 1, 2, 3]).data]).toEqual([2 / 3, 2 / 3, 2 / 3, 2]);
    expect(one.text).toBe('Class weights: a 0.667, b 2.000, c 1.000');
    const several = balancedWeights({ y, classes }, true);
    expect([...several.rows.take([0, 3]).data]).toEqual([2 / 3, 2 / 3, 1, 2, 2, 1]);
  });
});

/** Figures of the epochs in a job's event log. */
function epochsOf(name: string): Record<string, number>[] {
  const lines = read(name, 'events.jsonl').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'epoch');
}

describe('the optimiser', () => {
  test('clipped gradients, weight decay and a cosine after a warm-up: a resumed job has the bits of an uninterrupted one', async () => {
    const options = {
      globalClipnorm: 0.5,
      weightDecay: 0.01,
      learningRate: 0.002,
      schedule: 'cosine',
      warmupSteps: 2,
    } as const;
    await resumed('cosine', options);
    const rates = epochsOf('cosine').map(({ learning_rate }) => learning_rate);
    // Nine steps: two of the warm-up, seven of the cosine.
    const rate = (step: number): number => 0.002 * 0.5 * (1 + Math.cos((Math.PI * (step - 2)) / 7));
    expect(rates).toEqual([rate(2), rate(5), rate(8)]);
    expect(read('cosine', 'history.csv').split('\r\n')[0]).toBe('epoch,acc,loss,val_acc,val_loss');
    const job = { jobDir: at('cosine'), train, batchSize: 8, seed: 5, initSeed: 6, ...options, resume: true };
    await expect(finetune({ ...job, epochs: 4 })).rejects.toThrow(
      '--epochs: a job can only be resumed with the options it started with; got 4; expected 3',
    );
    await expect(finetune({ ...job, epochs: 3, weightDecay: 0.02 })).rejects.toThrow(
      '--weight-decay: a job can only be resumed with the options it started with; got 0.02; expected 0.01',
    );
  });

  test('a plateau on two devices: the resumed job remembers the learning rate and the epochs without improvement', async () => {
    const plateau = { schedule: 'plateau', plateauPatience: 1, plateauFactor: 0.5, learningRate: 0.5 } as const;
    await resumed('plateau', { ...plateau, devices: 'cpu:2', valSize: 8, clipnorm: 1, warmupSteps: 1 }, 5);
    const rates = epochsOf('plateau').map(({ learning_rate }) => learning_rate);
    expect(rates).toHaveLength(5);
    expect(rates[0]).toBe(0.5);
    expect(rates.at(-1)).toBeLessThan(0.5);
  });

  test('a warm-up that leaves no step for the cosine is refused before the first step', async () => {
    const options = { jobDir: at('warm'), train, batchSize: 8, schedule: 'cosine', warmupSteps: 3 } as const;
    await expect(finetune(options)).rejects.toThrow(
      '--warmup-steps leaves no step for --schedule cosine; got 3; expected less than the 3 steps of the job (3 in each epoch)',
    );
  });
});

describe('--freeze-epochs', () => {
  /** Values of the weights in a job's best model, by path. */
  const weightsOf = (file: string): Map<string, ArrayLike<number | bigint>> =>
    new Map(readWeights(file).weights.map(({ path, data }) => [path, data]));

  test('leaves the backbone and its statistics as they are, then trains it; a resumed job has the bits of an uninterrupted one', async () => {
    await finetune({ jobDir: at('start'), train, batchSize: 8, seed: 5, initSeed: 6 });
    const weightsFile = at('start', 'best_model.weights.h5');
    const before = weightsOf(weightsFile);
    await resumed('frozen', { weightsFile, freezeEpochs: 3 });
    const after = weightsOf(at('frozen', 'best_model.weights.h5'));
    const changed = [...before]
      .filter(([path, data]) => String(data) !== String(after.get(path)))
      .map(([path]) => path);
    expect(changed.sort()).toEqual(['layers/dense/vars/0', 'layers/dense/vars/1']);
    await resumed('thawed', {
      weightsFile,
      freezeEpochs: 1,
      devices: 'cpu:2',
      weightDecay: 0.01,
      classWeights: 'balanced',
    });
    const thawed = weightsOf(at('thawed', 'best_model.weights.h5'));
    expect(String(thawed.get('layers/res_net/conv1/vars/0'))).not.toBe(
      String(before.get('layers/res_net/conv1/vars/0')),
    );
  });
});

describe('--augment', () => {
  test('a resumed job has the bits of an uninterrupted one; the predicted training records are unchanged ones', async () => {
    await resumed('augmented', { train: multi, augment: 'shift=5,scale,wander,noise=0.2,lead-dropout' });
    expect(JSON.parse(read('augmented', 'config.json')).options.augment).toBe(
      'shift=5,scale,wander,noise=0.2,lead-dropout',
    );
    await expect(finetune({ jobDir: at('shifted'), train, augment: 'shift=64' })).rejects.toThrow(
      '--augment: shift would leave nothing of a recording; got 64 samples; expected less than the 64 samples of the recordings',
    );
  });
});

describe('--stop-metric', () => {
  test('ends the job when the score has not improved for so many epochs, also after it was resumed', async () => {
    // A learning rate of almost nothing: the score of the first epoch stays the best.
    const still = { valSize: 8, valMetric: 'f1', stopMetric: 'f1', stopPatience: 2, learningRate: 1e-12 } as const;
    await resumed('stopped', still, 9);
    expect(losses('stopped')).toHaveLength(3);
  });
});
