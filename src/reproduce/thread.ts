import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { handshake } from '../bridge/handshake.ts';
import { Original } from '../bridge/original.ts';
import type { Row } from '../compare/closeness.ts';
import { sameJobs } from '../compare/suites/job.ts';
import { sameMathematics, sameValues } from '../compare/suites/mathematics.ts';
import { buildTwins, type LabelledBatch, readAll } from '../compare/suites/network.ts';
import { samePreparedData } from '../compare/suites/prepared_data.ts';
import { sameGraph } from '../compare/suites/same_graph.ts';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { asType } from '../graph/arrays.ts';
import { runtime } from '../graph/runtime.ts';
import { inputsByName } from '../lib/keras/inputs.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { RandomState, random } from '../lib/numpy/random.ts';
import { type DataSet, dataSetFromPickle, dataSetToPickle, getChallenge17Data } from '../port/finetuning/datasets.ts';
import { arrayRows } from '../port/finetuning/rows.ts';
import { createClassifier, finetune, predictAll } from '../port/finetuning/trainer.ts';
import { loadTrainingSet, trainTestSplit } from '../port/finetuning/training_set.ts';
import { loadPkl, savePkl } from '../port/transplant/utils.ts';
import { loadIntoClassifier } from '../port/weights/model_weights.ts';
import { selectRecords } from './select_records.ts';

/** One finetuning job on real recordings, in both languages. */
export interface ThreadOptions {
  /** Folder with the collection `cinc2017`. */
  readonly data: string;
  /** Output folder. */
  readonly jobDir: string;
  /** Challenge 2017 records to take, with the shares of the classes kept. */
  readonly records: number;
  readonly seed: number;
  readonly python: string;
  /** Folder with the Python packages. */
  readonly original: string;
  /** Lock that the Python side has to match. */
  readonly lock: string;
}

/** Settings of the comparison: small enough for two cores, with every layer of the network in use. */
const settings = {
  fs: 250,
  pad: 16384,
  testSize: 0.2,
  valSize: 0.2,
  batchSize: 16,
  epochs: 1,
  /** Records and samples (the last ones: padding is in front) of a compared batch. */
  batch: { records: 8, samples: 2048 },
  float64Steps: 10,
  float32Steps: 3,
  graphSteps: 5,
} as const;

/** Runs the thread; returns the rows of the verdict. */
export async function runThread(options: ThreadOptions, reporter: Reporter): Promise<Row[]> {
  const source = join(options.data, 'cinc2017');
  if (!existsSync(source)) {
    throw new InputError('no Challenge 2017 records', {
      file: source,
      expected: 'a folder with RECORDS and REFERENCE.csv',
    });
  }
  rmSync(options.jobDir, { recursive: true, force: true });
  mkdirSync(options.jobDir, { recursive: true });
  const say = (text: string): void => reporter({ kind: 'message', text });
  const path = (...parts: string[]): string => join(options.jobDir, ...parts);

  say(`Taking ${options.records} records of ${source}`);
  selectRecords(source, path('records'), options.records, options.seed);
  say('Starting the Python original');
  runtime();
  const original = await Original.open({ python: options.python, original: options.original });
  try {
    const facts = await handshake(original, options.lock);
    say(`Python ${facts.python}, TensorFlow ${facts.tensorflow}, Keras ${facts.keras}`);
    const rows = await prepare(original, options, path, reporter);
    say('Comparing the network: float64');
    const batches = makeBatches(await dataSet(path('port_train.pkl')), settings.float64Steps);
    const kind = { arch: 'resnet18', multiLabel: false, seed: options.seed } as const;
    rows.push(...(await sameMathematics(original, batches.map(toFloat64), kind)));
    say('Comparing the network: float32');
    rows.push(...(await sameValues(original, batches.slice(0, settings.float32Steps), kind)));
    say("Running the port's graph in a Python session");
    const twins = await buildTwins(original, batches[0], { ...kind, precision: 'float32' });
    const weights = readAll(twins.session, twins.names);
    try {
      rows.push(...(await sameGraph(original, twins.session, batches.slice(0, settings.graphSteps))));
    } finally {
      twins.session.dispose();
    }
    rows.push(...(await runJobs(original, options, path, weights, reporter)));
    return rows;
  } finally {
    await original.close();
  }
}

async function prepare(
  original: Original,
  { seed }: ThreadOptions,
  path: (...parts: string[]) => string,
  reporter: Reporter,
): Promise<Row[]> {
  const { fs, pad, testSize } = settings;
  reporter({ kind: 'message', text: `Preparing on both sides: ${fs} Hz, ${pad} samples, normalised` });
  const ours = await getChallenge17Data(path('records'), { fs, pad, normalize: true, report: reporter });
  const theirs = await original.data.prepare(
    'challenge17',
    path('records'),
    { fs, pad, normalize: true },
    path('original_all.pkl'),
  );
  const rows = samePreparedData('Challenge 2017', ours, theirs);

  await savePkl(path('port_all.pkl'), dataSetToPickle(ours));
  const split = await original.data.split(path('original_all.pkl'), {
    testSize,
    seed,
    train: path('original_train.pkl'),
    test: path('original_test.pkl'),
  });
  random.seed(seed);
  const parts = trainTestSplit(await loadTrainingSet(path('port_all.pkl')), { testSize, stratify: ours.y });
  for (const [i, name] of (['train', 'test'] as const).entries()) {
    const { x, y, recordIds, classes } = parts[i];
    const all = x.take(Array.from({ length: x.shape[0] }, (_, row) => row)) as DataSet['x'];
    const part: DataSet = { x: all, y, recordIds, classes };
    rows.push(...samePreparedData(`${name} part`, part, split[name]));
    await savePkl(path(`port_${name}.pkl`), dataSetToPickle(part));
    rows.push(
      ...samePreparedData(
        `${name} part, file of the port read by Python`,
        part,
        await original.data.load(path(`port_${name}.pkl`)),
      ),
    );
    rows.push(
      ...samePreparedData(
        `${name} part, file of Python read by the port`,
        await dataSet(path(`original_${name}.pkl`)),
        split[name],
      ),
    );
  }
  return rows;
}

async function runJobs(
  original: Original,
  { seed }: ThreadOptions,
  path: (...parts: string[]) => string,
  weights: readonly NdArray[],
  reporter: Reporter,
): Promise<Row[]> {
  const { batchSize, epochs, valSize } = settings;
  const files = { train: path('port_train.pkl'), test: path('port_test.pkl') };
  const records = (await loadTrainingSet(files.train)).x.shape[0];
  const kept = records - Math.ceil(valSize * records);
  const orders = new RandomState(seed);
  const order: NdArray = ndarray(
    'int64',
    [epochs, kept],
    BigInt64Array.from(Array.from({ length: epochs }, () => orders.permutation(kept)).flat(), BigInt),
  );
  const portJob = path('port');
  const originalJob = path('original');
  reporter({ kind: 'message', text: 'Finetuning in the port' });
  await finetune(
    { jobDir: portJob, ...files, valSize, batchSize, epochs, seed },
    { reporter, fixed: { weights, order } },
  );
  reporter({ kind: 'message', text: 'Finetuning in the original' });
  const flags = ['--job-dir', originalJob, '--train', files.train, '--test', files.test];
  const numbers = { 'val-size': valSize, 'batch-size': batchSize, epochs, seed };
  const argv = [...flags, ...Object.entries(numbers).flatMap(([flag, value]) => [`--${flag}`, String(value)])];
  await original.run('finetuning.trainer', argv, { weights, order });

  random.seed(seed);
  const whole = await loadTrainingSet(files.train);
  const [train, val] = trainTestSplit(whole, { testSize: valSize, stratify: whole.y });
  const test = await loadTrainingSet(files.test);
  const session = createClassifier({}, train, false);
  const taught = new Map<string, NdArray>();
  try {
    loadIntoClassifier(session, join(originalJob, 'best_model.weights.h5'));
    for (const [name, set] of Object.entries({ train, val, test })) {
      taught.set(name, predictAll(session, set.x, batchSize, name, reporter));
    }
  } finally {
    session.dispose();
  }
  const parts = (
    [
      ['train', train],
      ['val', val],
      ['test', test],
    ] as const
  ).map(([name, { y, recordIds }]) => ({ name, y, recordIds }));
  return sameJobs(original, { portJob, originalJob, parts, classes: train.classes, taught });
}

async function dataSet(file: string): Promise<DataSet> {
  return dataSetFromPickle(await loadPkl(file), file);
}

/** Batches of real records, the last samples of each; they start anew where the records end. */
function makeBatches({ x, y }: DataSet, count: number): LabelledBatch[] {
  const { records, samples } = settings.batch;
  const [available, length, leads] = x.shape;
  const rows = arrayRows(x);
  return Array.from({ length: count }, (_, batch) => {
    const chosen = Array.from({ length: records }, (_unused, i) => (batch * records + i) % available);
    const whole = rows.take(chosen).data as Float32Array;
    const data = new Float32Array(records * samples * leads);
    for (let i = 0; i < records; i++) {
      const end = (i + 1) * length * leads;
      data.set(whole.subarray(end - samples * leads, end), i * samples * leads);
    }
    return { x: ndarray('float32', [records, samples, leads], data), y: arrayRows(y).take(chosen) };
  });
}

function toFloat64({ x, y }: LabelledBatch): LabelledBatch {
  return { x: asType(inputsByName(x).x, 'float64'), y };
}
