import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProgressEvent, silent } from '../../../src/events.ts';
import { beginning } from '../../../src/graph/fit.ts';
import { JobPaused } from '../../../src/jobs/job.ts';
import { flagOf } from '../../../src/lib/argparse/flags.ts';
import type { NdArray } from '../../../src/lib/numpy/ndarray.ts';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { readNpy } from '../../../src/lib/numpy/npy.ts';
import { RandomState, random } from '../../../src/lib/numpy/random.ts';
import { pretrainFlags } from '../../../src/port/pretraining/trainer/flags.ts';
import { createSolver } from '../../../src/port/pretraining/trainer/solver.ts';
import { fileSource } from '../../../src/port/pretraining/trainer/sources.ts';
import { main, type PretrainOptions, pretrain } from '../../../src/port/pretraining/trainer.ts';
import { loadPkl, savePkl } from '../../../src/port/transplant/utils.ts';
import { writeIcentiaPatient } from '../../../src/synthetic/write_icentia.ts';
import { readWeights } from '../../../src/weights/files.ts';
import { loadIntoModel } from '../../../src/weights/model_weights.ts';
import { proves } from '../../proofs/proves.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { pausing, quietly, temporaryFolder } from '../training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const read = (...names: string[]): string => readFileSync(at(...names), 'utf8');
const frameSize = 256;
const patients = '0-4';

/** A small beat job on the unzipped folder. */
const beat = {
  task: 'beat',
  train: at('unzipped'),
  unzipped: true,
  patients,
  stages: 1,
  frameSize,
  batchSize: 8,
  samplesPerPatient: 4,
  stepsPerEpoch: 3,
  initSeed: 2,
  seed: 3,
} as const;

/** What `convert-icentia` writes beside its files. */
const description = {
  source: 'PhysioNet icentia11k-continuous-ecg (WFDB)',
  unit: 'mV',
  samplingRate: 250,
  dtype: 'float32',
  unzipped: true,
  mean: 0,
  std: 1,
  patients: {},
};

beforeAll(async () => {
  const size = { seed: 1, segments: 2, samples: 6000 };
  for (let id = 0; id < 5; id++) {
    await writeIcentiaPatient(id, size, { zipped: at('zipped'), unzipped: at('unzipped') });
  }
  const draws = new RandomState(1);
  const frames = 20;
  await savePkl(at('frames.pkl'), {
    x: ndarray('float32', [frames, frameSize, 1], Float32Array.from(draws.randomSample(frames * frameSize))),
    y: ndarray(
      'int32',
      [frames],
      Int32Array.from({ length: frames }, (_, i) => i % 5),
    ),
    patient_ids: ndarray(
      'int64',
      [frames],
      BigInt64Array.from({ length: frames }, (_, i) => BigInt(i % 6)),
    ),
  });
});

describe('pretraining.trainer.main', () => {
  test('validation frames and splits equal those of the original; Keras predicts the same from the weights', async () => {
    proves('pretraining.trainer.main');
    const folderJob = { ...beat, train: at('zipped'), unzipped: false, valPatients: 2, valSize: 24 };
    const fileJob = { ...beat, train: at('frames.pkl'), unzipped: false, patients: undefined, valPatients: 0.3 };
    const cases: Record<string, PretrainOptions> = {
      folder: { ...folderJob, jobDir: at('folder'), cacheVal: at('cache.pkl'), valMetric: 'f1' },
      file: { ...fileJob, jobDir: at('file'), epochs: 2 },
      'val-file': { ...fileJob, jobDir: at('val-file'), valFile: at('frames-val.pkl') },
    };
    const frames = (await loadPkl(at('frames.pkl'))) as Map<string, NdArray>;
    const only = (await loadPkl(at('frames.pkl'))) as Map<string, NdArray>;
    await savePkl(at('frames-val.pkl'), {
      ...Object.fromEntries(only),
      patient_ids: ndarray('int64', [1], BigInt64Array.of(4n)),
    });
    for (const options of Object.values(cases)) await pretrain(options);
    const spec = {
      cases: Object.fromEntries(
        Object.entries(cases).map(([name, options]) => [
          name,
          argvOf({
            ...options,
            jobDir: at(`original-${name}`),
            cacheVal: options.cacheVal && at('original-cache.pkl'),
          }),
        ]),
      ),
      weights: at('file', 'epoch_02_model.weights.h5'),
      frames: at('frames.pkl'),
      outputs: at('outputs.npy'),
    };
    const { initSeed } = cases.file;
    expect(await quietly(() => main(argvOf({ ...cases.file, initSeed, jobDir: at('main') })))).toBe(0);
    expect(read('main', 'history.csv')).toBe(read('file', 'history.csv'));
    const script = join(root, 'test/fixtures/pretraining/trainer_files.py');
    const output = await runPython([script, JSON.stringify(spec)]);
    const original = JSON.parse(output.trimEnd().split('\n').at(-1)!);

    const [ours, theirs] = [await loadPkl(at('cache.pkl')), await loadPkl(at('original-cache.pkl'))];
    expect(ours).toEqual(theirs);
    expect(original.folder.val_y).toEqual(Array.from((ours as Map<string, NdArray>).get('y')!.data as Int32Array));
    // 20 frames of 6 patients: 2 patients are held out by fraction, 1 by file.
    expect(original.file).toEqual(await splitOf(cases.file));
    expect(original['val-file']).toEqual(await splitOf(cases['val-file']));

    const session = createSolver(cases.file, 0);
    try {
      loadIntoModel(session, spec.weights);
      const logits = session.predict(frames.get('x')!).data as Float32Array;
      const keras = readNpy(spec.outputs).data as Float32Array;
      const largest = Math.max(...keras.map(Math.abs));
      expect(Math.max(...logits.map((value, i) => Math.abs(value - keras[i])))).toBeLessThan(1e-5 * largest);
    } finally {
      session.dispose();
    }
  });

  test.for(['rhythm', 'hr', 'cpc'] as const)('%s: trains on a folder and saves every epoch', async (task) => {
    const cpc = task === 'cpc' ? { contextSize: 3, ns: 2, frameSize: 128 } : {};
    const job = { ...beat, ...cpc, task, jobDir: at(task), stepsPerEpoch: 2, epochs: 2 };
    const { history } = await pretrain({ ...job, dataParallelism: task === 'hr' ? 2 : 1 });
    expect(history.map(({ loss }) => loss > 0 && loss < 10)).toEqual([true, true]);
    expect(readdirSync(at(task)).filter((name) => name.startsWith('epoch'))).toEqual([
      'epoch_01_model.weights.h5',
      'epoch_02_model.weights.h5',
    ]);
    expect(read(task, 'history.csv').split('\r\n')[0]).toBe('epoch,acc,loss,val_acc,val_loss');
  });

  test('resumes from any step to the same bits as an uninterrupted run', async () => {
    const options = { ...beat, epochs: 3, valPatients: 1, valSize: 10, valMetric: 'f1' } as const;
    await pretrain({ ...options, jobDir: at('whole') });
    for (const place of ['Epoch 1/3:2', 'Epoch 2/3:3']) {
      const job = pretrain({ ...options, jobDir: at('parts'), resume: true }, pausing(place));
      await expect(job, place).rejects.toThrow(JobPaused);
      expect(existsSync(at('parts', 'complete.json'))).toBe(false);
    }
    await pretrain({ ...options, jobDir: at('parts'), resume: true });
    expect(read('parts', 'history.csv')).toBe(read('whole', 'history.csv'));
    expect(read('whole', 'history.csv').split('\r\n')[0]).toBe('epoch,acc,f1,loss,val_acc,val_loss');
    for (const epoch of ['01', '02', '03']) {
      const file = `epoch_${epoch}_model.weights.h5`;
      const [ours, theirs] = ['parts', 'whole'].map((job) => readWeights(at(job, file)));
      expect(ours.weights, file).toEqual(theirs.weights);
      expect(ours.optimizer, file).toEqual(theirs.optimizer);
    }
    // Options of the optimiser.
    const tuned = {
      ...options,
      globalClipnorm: 1,
      weightDecay: 0.01,
      schedule: 'cosine',
      warmupSteps: 2,
      epochs: 2,
    } as const;
    await pretrain({ ...tuned, jobDir: at('tuned') });
    await expect(pretrain({ ...tuned, jobDir: at('tuned-parts') }, pausing('Epoch 2/2:1'))).rejects.toThrow(JobPaused);
    await pretrain({ ...tuned, jobDir: at('tuned-parts'), resume: true });
    expect(read('tuned-parts', 'history.csv')).toBe(read('tuned', 'history.csv'));
    expect(read('tuned', 'history.csv')).not.toBe(read('whole', 'history.csv'));
    // A trained model is a start for another job.
    const weightsFile = at('whole', 'epoch_03_model.weights.h5');
    const { history } = await pretrain({ ...beat, jobDir: at('further'), weightsFile });
    expect(history).toHaveLength(1);
  });

  test('--normalize measured uses the measured numbers, and a resumed job keeps them', async () => {
    const job = { ...beat, stepsPerEpoch: 1, jobDir: at('measured'), normalize: 'measured' };
    await expect(pretrain(job)).rejects.toThrow('mean and standard deviation of the signals are unknown');
    writeFileSync(at('unzipped', 'icentia11k.json'), JSON.stringify({ ...description, mean: 0.25, std: 0.5 }));
    const { history } = await pretrain(job);
    expect(JSON.parse(read('measured', 'config.json')).options.normalize).toBe('0.25,0.5');
    const stated = await pretrain({ ...job, jobDir: at('stated'), normalize: '0.25,0.5' });
    const original = await pretrain({ ...job, jobDir: at('original'), normalize: undefined });
    rmSync(at('unzipped', 'icentia11k.json'));
    expect(stated.history).toEqual(history);
    expect(original.history).not.toEqual(history);
    await expect(pretrain({ ...job, normalize: '1' })).rejects.toThrow('--normalize cannot be used; got 1');
  });

  describe('a folder with a description', () => {
    const summary = { segments: 2, samples: 6000, sum: 1, sumOfSquares: 2 };
    const describePatients = (folder: string, ids: readonly number[], unzipped: boolean): void => {
      const patients = Object.fromEntries(ids.map((id) => [id, summary]));
      writeFileSync(at(folder, 'icentia11k.json'), JSON.stringify({ ...description, unzipped, patients }));
    };
    const job = { ...beat, unzipped: undefined, patients: undefined, valPatients: 0.4, valSize: 8 };
    const optionsOf = (name: string) => JSON.parse(read(name, 'config.json')).options;
    afterAll(() => ['zipped', 'unzipped'].map((form) => rmSync(at(form, 'icentia11k.json'), { force: true })));

    test.for(['zipped', 'unzipped'])('%s: takes its patients and its form, with a message', async (form) => {
      describePatients(form, [4, 1, 2, 0], form === 'unzipped');
      const messages: string[] = [];
      const report = (event: ProgressEvent) => void (event.kind === 'message' && messages.push(event.text));
      const train = at(form);
      const { history } = await pretrain({ ...job, train, jobDir: at(`described-${form}`) }, { report });
      expect(messages[0]).toBe(`${train}: patients 0-2,4, ${form}, as icentia11k.json says`);
      expect(optionsOf(`described-${form}`)).toMatchObject({ patients: '0-2,4', unzipped: form === 'unzipped' });
      const told = { train, patients: '0-2,4', unzipped: form === 'unzipped' };
      expect((await pretrain({ ...job, ...told, jobDir: at(`told-${form}`) })).history).toEqual(history);
    });

    test('options take precedence over the description', async () => {
      describePatients('unzipped', [0, 1, 2, 3, 4], true);
      await pretrain({ ...job, patients: '1-3', stepsPerEpoch: 1, jobDir: at('given') });
      expect(optionsOf('given')).toMatchObject({ patients: '1-3', unzipped: true });
    });

    test('a resumed job keeps its patients, even if more were converted since', async () => {
      const options = { ...job, epochs: 2, normalize: 'measured' };
      describePatients('unzipped', [0, 1, 2], true);
      await pretrain({ ...options, jobDir: at('described-whole') });
      const parts = { ...options, jobDir: at('described-parts'), resume: true };
      await expect(pretrain(parts, pausing('Epoch 1/2:2'))).rejects.toThrow(JobPaused);
      describePatients('unzipped', [0, 1, 2, 3, 4], true);
      await pretrain(parts);
      expect(read('described-parts', 'history.csv')).toBe(read('described-whole', 'history.csv'));
    });
  });

  test('refuses a folder that lacks patients before the first step, and suggests a fix', async () => {
    const two = temporaryFolder();
    const raw = temporaryFolder();
    await writeIcentiaPatient(3, { seed: 1, segments: 1, samples: 6000 }, { unzipped: two, wfdb: raw });
    const cases: [Partial<PretrainOptions>, RegExp][] = [
      [
        { train: two, unzipped: true, patients: undefined },
        /files of 10999 of 11000 patients are missing; got patients 3; expected 00000_batched\.npy and 00000_batched_lbls\.npz, and so on\. Use those that are there: --patients 3$/,
      ],
      [{ train: two, unzipped: false, patients: '3' }, /The files there are unzipped: add --unzipped\.$/],
      [{ train: at('zipped'), unzipped: true }, /The files there are zipped: leave out --unzipped\.$/],
      [{ train: raw }, /Convert them: ecg-transplant convert-icentia --source /],
      [{ train: at('nowhere') }, /no such folder/],
    ];
    for (const [options, message] of cases) {
      await expect(pretrain({ ...beat, jobDir: at('lacking'), ...options })).rejects.toThrow(message);
    }
    rmSync(join(two, '00003_batched_lbls.npz'));
    const cpc = { ...beat, task: 'cpc', train: two, patients: '3', contextSize: 3, frameSize: 128 } as const;
    expect((await pretrain({ ...cpc, jobDir: at('signal-only') })).history).toHaveLength(1);
  });

  test('refuses invalid options and data with a message that names the fault', async () => {
    const wrong: [Partial<PretrainOptions>, string][] = [
      [{ task: 'beats' as 'beat' }, '--task: got beats, expected one of rhythm, beat, hr, cpc'],
      [{ valMetric: 'auc' as 'f1' }, '--val-metric: got auc, expected one of loss, acc, f1'],
      [{ valMetric: 'f1' }, '--val-metric f1 needs validation data'],
      [{ patients: '0-x' }, "--patients '0-x' is neither a list of ids nor a file"],
      [{ patients: '7-3' }, "'7-3' in --patients: expected rising ids of 0 to 10999"],
      [{ patients: '0', valPatients: 0.05 }, '--val-patients 0.05 leaves none of the 1 patients of'],
      [{ valPatients: 5 }, '--val-patients 5 leaves none of the 5 patients of'],
      [{ patients: '0', dataParallelism: 2 }, '1 training patients for 2 generators'],
      [{ train: at('frames.pkl') }, '--patients restricts the patients of a folder'],
      [{ train: at('frames.pkl'), patients: undefined, frameSize: 64 }, 'expected x float32(n, 64, 1), y int32(n)'],
      [{ weightsFile: at('frames.pkl') }, 'frames.pkl'],
    ];
    for (const [index, [options, message]] of wrong.entries()) {
      const job = pretrain({ ...beat, jobDir: at(`wrong-${index}`), ...options });
      await expect(job, message).rejects.toThrow(message);
    }
  });

  test('the flags are those of the original', () => {
    const source = readFileSync(join(root, 'original/pretraining/trainer.py'), 'utf8');
    const flags = [...source.matchAll(/add\("(--[a-z-]+)"/g)].map((match) => match[1]);
    const ours = Object.entries(pretrainFlags).filter(([, spec]) => !('addition' in spec));
    expect(ours.map(([name]) => flagOf(name))).toEqual(flags);
  });
});

function argvOf(options: object): string[] {
  return Object.entries(options).flatMap(([option, value]) => {
    const flag = flagOf(option);
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [flag, String(value)];
  });
}

/** What a job of a data file trains and validates on, drawn anew. */
async function splitOf(options: PretrainOptions): Promise<object> {
  random.seed(options.seed!);
  const { train, val } = await fileSource(options, { initSeed: 0, position: beginning, report: silent });
  let frames = 0;
  for await (const { y } of train.batches(0, 0)) frames += y.shape[0];
  return { val_y: val && Array.from(val.y.data), train_frames: frames };
}
