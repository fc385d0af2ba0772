import { join } from 'node:path';
import { writeModel } from '../../../export/export.ts';
import { inputName, outputName } from '../../../export/forward.ts';
import type { TrainedClassifier } from '../../../export/job.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { normalizer } from '../../../port/transplant/datasets/physionet/normalization.ts';
import { padRow } from '../../../port/transplant/utils/padding.ts';
import { type LabelledBatch, networkBatches } from '../../batches.ts';
import { closely, type Row } from '../../closeness.ts';
import { type ComparedNetwork, casesOf, networks } from '../../networks/compared.ts';
import { buildModel, withTwins } from '../../networks/sides.ts';
import type { SuiteContext } from '../../suite.ts';
import { limitsOf } from '../../tolerances.ts';

/** What the exported models undo: recordings in mV. */
const normalization = { mean: 0.1, std: 0.25 };

/** Samples of the recordings, fewer than the network sees, so that the models have to pad. */
const recorded = 400;

/** Exported classifiers, run by others, against the original on recordings that are normalised and padded before it sees them. */
export const exportedCases = casesOf(compareExported, {
  chosen: networks.filter(({ task }) => task === 'finetuning'),
}).map((one) => ({ ...one, name: `${one.name}, exported` }));

async function compareExported(context: SuiteContext, network: ComparedNetwork): Promise<Row[]> {
  const { original, data, seed, scratch } = context;
  const [{ x, y }] = networkBatches(data, network, 1, seed);
  const recording = recordingsOf(x as NdArray<'float32'>);
  const batch: LabelledBatch = { x: prepared(recording, (x as NdArray).shape[1]), y };
  return withTwins(original, batch, { ...network, precision: 'float32', seed }, async (twins) => {
    const expected = await twins.network.predict(batch.x);
    const weights = new Map(twins.names.map((name, i) => [name, twins.weights[i]]));
    const classifier = describe(network, batch, weights);
    const [onnx, saved] = [join(scratch, 'model.onnx'), join(scratch, 'model')];
    writeModel(classifier, 'savedmodel', saved);
    writeModel(classifier, 'onnx', onnx);
    const { outputs } = limitsOf(network, 'float32');
    const row = (name: string, port: NdArray): Row =>
      closely('predictions', `${outputs.rung}: ${name}`, [{ name: outputName, port, original: expected }], outputs);
    const inTensorFlow = await original.callSavedModel(saved, new Map([[inputName, recording]]));
    const rows = [row("exported SavedModel, in Python's TensorFlow", inTensorFlow.get(outputName)!)];
    const inOnnxRuntime = await runOnnx(onnx, recording);
    if (inOnnxRuntime) rows.push(row('exported ONNX file, in onnxruntime-node', inOnnxRuntime));
    else context.say('onnxruntime-node is not installed: exported ONNX files are not compared');
    return rows;
  });
}

/** The ends of normalised signals as recordings in mV. */
function recordingsOf({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const [records, samples, leads] = shape as [number, number, number];
  const { mean, std } = normalization;
  const values = new Float32Array(records * recorded * leads);
  for (let record = 0; record < records; record++) {
    const end = data.subarray(((record + 1) * samples - recorded) * leads, (record + 1) * samples * leads);
    values.set(
      end.map((value) => value * std + mean),
      record * recorded * leads,
    );
  }
  return ndarray('float32', [records, recorded, leads], values);
}

/** What preparation makes of the recordings. */
function prepared(recording: NdArray<'float32'>, samples: number): NdArray<'float32'> {
  const [records, , leads] = recording.shape as [number, number, number];
  const normalized = normalizer(normalization)(recording);
  const values = new Float32Array(records * samples * leads);
  for (let record = 0; record < records; record++) {
    const signal = normalized.data.subarray(record * recorded * leads, (record + 1) * recorded * leads);
    padRow(signal, values.subarray(record * samples * leads, (record + 1) * samples * leads));
  }
  return ndarray('float32', [records, samples, leads], values);
}

function describe(
  network: ComparedNetwork,
  batch: LabelledBatch,
  weights: TrainedClassifier['weights'],
): TrainedClassifier {
  const { arch, leads, multiLabel } = network;
  const samples = (batch.x as NdArray).shape[1];
  const classes = Array.from({ length: batch.y.shape[1] }, (_, i) => `class ${i + 1}`);
  return {
    model: { format: 1, arch, precision: 'float32', samples, leads, classes, multiLabel },
    preprocessing: {
      collection: 'wfdb-csv',
      samplingRate: 250,
      leads: Array.from({ length: leads }, (_, i) => `lead ${i + 1}`),
      units: 'mV',
      normalization,
      resampling: null,
      padding: { samples, side: 'front', value: 0 },
      dtype: 'float32',
      classes,
      multiLabel,
    },
    build: (precision) => buildModel(batch, { ...network, precision }),
    weights,
    weightsDigest: '',
  };
}

/** A development dependency, which an installed package lacks. */
const onnxRuntime: string = 'onnxruntime-node';

/** Probabilities of an ONNX file in ONNX Runtime; undefined if that is not installed. */
async function runOnnx(file: string, { shape, data }: NdArray<'float32'>): Promise<NdArray | undefined> {
  let runtime: typeof import('onnxruntime-node');
  try {
    runtime = (await import(onnxRuntime)) as typeof runtime;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  const session = await runtime.InferenceSession.create(file);
  try {
    const results = await session.run({ [inputName]: new runtime.Tensor('float32', data, shape) });
    const { data: values, dims } = results[outputName];
    return ndarray('float32', dims, values as Float32Array);
  } finally {
    await session.release();
  }
}
