import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Original } from '../../../bridge/original.ts';
import type { OriginalNetwork } from '../../../bridge/original_network.ts';
import { bytesOf, type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { archs } from '../../../port/finetuning/utils.ts';
import { readWeights, writeWeights } from '../../../weights/files.ts';
import { loadWeights, readAdamState } from '../../../weights/loading.ts';
import { loadIntoModel, saveSession } from '../../../weights/model_weights.ts';
import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { exactly, pairUp, type Row, sameText, vector } from '../../closeness.ts';
import { type ComparedNetwork, casesOf, largest, networks, quickWhole } from '../../networks/compared.ts';
import {
  buildPort,
  originalOptions,
  type PortNetwork,
  settledMoments,
  startingWeights,
  withBoth,
} from '../../networks/sides.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { outcomeOf, wordFor } from '../shared/data_cases.ts';

/** Weight files of both sides, each read by the other. */
export const weights: Suite = {
  name: 'weights',
  summary: 'weight files both ways: .weights.h5 with the state of Adam, TensorFlow checkpoints (bits)',
  cases: [
    ...casesOf(kerasFiles, { chosen: [...networks, largest], quick: quickWhole }),
    ...layoutCases(),
    ...checkpointCases(),
  ],
};

/** Keras 3's files: each side's file is loaded into the other's network; counts and shapes agree. */
async function kerasFiles(
  { original, data, seed, scratch }: SuiteContext,
  network: ComparedNetwork,
): Promise<readonly Row[]> {
  const [batch] = networkBatches(data, network, 1, seed);
  const kind = { ...network, precision: 'float32', seed } as const;
  const compare = async (port: PortNetwork, theirs: OriginalNetwork): Promise<Row[]> => [
    layoutRow(theirs, port),
    ...(await fromKeras(original, theirs, port, join(scratch, 'original.weights.h5'))),
    ...(await fromPort(theirs, port, join(scratch, 'port.weights.h5'), seed)),
    ...(network.task === 'finetuning' && network.stages === 1
      ? [await otherOutputs(theirs, port, await withOneOutputMore(batch, network, scratch))]
      : []),
  ];
  return withBoth(original, batch, kind, 'float32', compare, seed);
}

/** Only the layout of whole networks, which takes a second: every architecture, and an encoder behind several stages. */
function layoutCases(): SuiteCase[] {
  const whole: ComparedNetwork[] = [
    ...networks.filter(
      ({ task, leads, multiLabel, stages }) => task === 'finetuning' && leads === 1 && !multiLabel && !stages,
    ),
    { ...networks.find(({ task }) => task === 'cpc')!, name: 'resnet18 with 2 stages, cpc', stages: 2 },
  ];
  return casesOf(
    async ({ original, data, seed }, network) => {
      const [batch] = networkBatches(data, network, 1, seed);
      const compare = async (port: PortNetwork, theirs: OriginalNetwork): Promise<Row[]> => [layoutRow(theirs, port)];
      return withBoth(original, batch, { ...network, precision: 'float32', seed }, 'float32', compare);
    },
    { chosen: whole.map((one) => ({ ...one, name: `layout of ${one.name}`, quick: true })) },
  );
}

function layoutRow({ built }: OriginalNetwork, { session }: PortNetwork): Row {
  const lines = (specs: readonly { shape: readonly number[]; trainable: boolean }[]): string =>
    specs.map(({ shape, trainable }) => `(${shape.join(', ')}) ${trainable ? 'trained' : 'not trained'}`).join('\n');
  const count = session.model.weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const [ours, theirs] = [lines(session.model.weights), lines(built.weights)];
  const name = 'number of parameters, shapes in order';
  return sameText('weights', name, `${count}\n${ours}`, `${built.parameters}\n${theirs}`);
}

/** Keras's own draws and a made-up state of Adam, written by Keras. */
async function fromKeras(original: Original, theirs: OriginalNetwork, port: PortNetwork, file: string): Promise<Row[]> {
  const { session, names, trainable } = port;
  const drawn = await theirs.read();
  const state = { weights: drawn.weights, moments: settledMoments(session.model), iterations: 7 };
  await theirs.write(state);
  await theirs.saveWeights(file);
  loadIntoModel(session, file);
  const read = (await port.read()).weights;
  const specs = session.model.weights.filter((weight) => weight.trainable);
  const adam = readAdamState(file, readWeights(file).optimizer ?? [], specs);
  const moments = trainable.flatMap((name) => [adam.moments.get(name)!.m, adam.moments.get(name)!.v]);
  await original.files.commentHdf5(file);
  session.reset();
  loadIntoModel(session, file);
  const commented = (await port.read()).weights;
  await original.files.compactHdf5(file);
  session.reset();
  loadIntoModel(session, file);
  const compact = (await port.read()).weights;
  await original.files.bfloat16Hdf5(file);
  session.reset();
  loadIntoModel(session, file);
  const halved = (await port.read()).weights;
  return [
    exactly('weights', '.weights.h5 of the original, read by the port', pairUp(names, read, drawn.weights)),
    exactly('weights', 'the same with a comment on every object', pairUp(names, commented, drawn.weights)),
    exactly('weights', 'the same with small arrays in the headers', pairUp(names, compact, drawn.weights)),
    exactly('weights', 'the same in bfloat16', pairUp(names, halved, drawn.weights.map(upperHalf))),
    exactly('weights', 'state of Adam in it', [
      ...pairUp(momentLabels(trainable), moments, state.moments),
      { name: 'iterations', port: vector([Number(adam.iterations)]), original: vector([state.iterations]) },
    ]),
  ];
}

/** The port's weights and another state of Adam, written by the port. */
async function fromPort(theirs: OriginalNetwork, port: PortNetwork, file: string, seed: number): Promise<Row[]> {
  const { session, names, trainable } = port;
  session.reset();
  const ours = startingWeights(session.model, (await port.read()).weights, seed);
  const moments = settledMoments(session.model).map(doubled);
  await port.write({ weights: ours, moments, iterations: 11 });
  await saveSession(session, file);
  await theirs.loadWeights(file);
  const read = await theirs.read();
  return [
    exactly('weights', '.weights.h5 of the port, read by the original', pairUp(names, ours, read.weights)),
    exactly('weights', 'state of Adam in it', [
      ...pairUp(momentLabels(trainable), moments, read.moments),
      { name: 'iterations', port: vector([11]), original: vector([read.iterations]) },
    ]),
  ];
}

/** A weight file of the same network with one output more. */
async function withOneOutputMore({ x, y }: LabelledBatch, network: ComparedNetwork, scratch: string): Promise<string> {
  const file = join(scratch, 'other.weights.h5');
  const [records, outputs] = y.shape;
  const labels = ndarray('float32', [records, outputs + 1], new Float32Array(records * (outputs + 1)));
  const other = buildPort({ x, y: labels }, { ...network, precision: 'float32', seed: 1 });
  try {
    await saveSession(other.session, file);
  } finally {
    other.dispose();
  }
  return file;
}

/** Neither side loads weights of another shape. */
async function otherOutputs(theirs: OriginalNetwork, port: PortNetwork, file: string): Promise<Row> {
  const ours = await outcomeOf(() => loadIntoModel(port.session, file));
  const outcome = await outcomeOf(() => theirs.loadWeights(file));
  return sameText('weights', 'a file of a network with one output more', wordFor(ours), wordFor(outcome));
}

/** Checkpoints of all networks of an architecture in one case, because tf_keras runs in a process of its own, which is slow to start. */
function checkpointCases(): SuiteCase[] {
  const small = networks.filter(({ stages }) => stages === 1);
  const whole = archs.map((arch) => ({ arch, members: networks.filter((one) => one.arch === arch && !one.stages) }));
  return [
    {
      name: 'TensorFlow checkpoints, networks with 1 stage',
      on: { arch: 'resnet50', task: 'finetuning' },
      quick: true,
      run: (context) => checkpoints(context, small),
    },
    ...whole.map(({ arch, members }): SuiteCase => {
      return { name: `TensorFlow checkpoints, ${arch}`, on: { arch }, run: (context) => checkpoints(context, members) };
    }),
  ];
}

/** The files that the paper's authors and tf.keras 2 use, through tf_keras. */
async function checkpoints(
  { original, data, seed, scratch }: SuiteContext,
  members: readonly ComparedNetwork[],
): Promise<readonly Row[]> {
  const plans = await Promise.all(
    members.map(async (network, i) => {
      const [batch] = networkBatches(data, network, 1, seed);
      const port = buildPort(batch, { ...network, precision: 'float32', seed });
      try {
        const ours = startingWeights(port.session.model, (await port.read()).weights, seed + i);
        // Characters that the text file beside it has to quote.
        const written = join(scratch, `port ${i} "é".weights`);
        const wanted = join(scratch, `original-${i}.weights`);
        const given = ours.map((value, k) => ({ path: port.names[k], ...value }));
        await writeWeights(written, port.session.model, given);
        return { network, batch, model: port.session.model, names: port.names, ours, given, written, wanted };
      } finally {
        port.dispose();
      }
    }),
  );
  // TensorFlow finds no checkpoint with a backslash in its name, but it reads the name.
  const odd = join(scratch, 'odd', 'back\\new "é".weights');
  mkdirSync(dirname(odd));
  await writeWeights(odd, plans[0].model, plans[0].given);
  const written = [plans.at(-1)!.written, odd];
  const latest = await Promise.all(written.map((prefix) => original.files.latestCheckpoint(dirname(prefix))));
  const results = await original.checkpoints(
    plans.map(({ network, batch, written, wanted }) => {
      return { network: originalOptions(batch, network, 'float32'), written, wanted };
    }),
  );
  const rows = plans.flatMap(({ network, model, names, ours, wanted }, i) => {
    const read = loadWeights(readWeights(wanted), model.weights).assigned;
    const { loaded, saved } = results[i];
    return [
      exactly('weights', `${network.name}: checkpoint of the port, read by the original`, pairUp(names, ours, loaded)),
      exactly('weights', `${network.name}: checkpoint of the original, read by the port`, pairUp(names, read, saved)),
    ];
  });
  const graphs = await Promise.all(
    plans.flatMap(({ written, wanted }) => [written, wanted]).map((prefix) => original.files.checkpointValues(prefix)),
  );
  const listed = (side: 0 | 1): string =>
    plans
      .map(({ network }, i) => [network.name, ...graphs[2 * i + side].map((value) => value.join(' '))].join('\n'))
      .join('\n');
  return [
    ...rows,
    sameText('weights', 'the latest checkpoints of two folders', written.join('\n'), latest.join('\n')),
    sameText('weights', 'values that the object graphs name', listed(0), listed(1)),
  ];
}

/** Float32 values without the lower half of their bits, which leaves bfloat16 values. */
function upperHalf(array: NdArray): NdArray {
  const bits = new Uint32Array(bytesOf(array).slice().buffer).map((value) => value & 0xffff0000);
  return ndarray('float32', array.shape, new Float32Array(bits.buffer));
}

function doubled(array: NdArray): NdArray {
  return { ...array, data: (array.data as Float32Array).map((value) => 2 * value) };
}

function momentLabels(trainable: readonly string[]): string[] {
  return trainable.flatMap((name) => [`m of ${name}`, `v of ${name}`]);
}
