import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bestModelFile, type JobModel, modelFile } from '../../src/jobs/job_model.ts';
import { writeJson } from '../../src/lib/json/file.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { buildNetwork } from '../../src/networks/network.ts';
import { type Preprocessing, preprocessingFile } from '../../src/prepare/preprocessing.ts';
import { writeWeights } from '../../src/weights/files.ts';

export interface JobForm
  extends Partial<Pick<JobModel, 'arch' | 'precision' | 'samples' | 'leads' | 'classes' | 'multiLabel'>> {
  readonly preprocessing?: Partial<Preprocessing>;
  readonly job?: 'finetune' | 'pretrain';
  /** Whether a weight is NaN. */
  readonly broken?: boolean;
}

const digest = '0'.repeat(64);

/** Writes the files of a finished finetuning job, with drawn weights and statistics instead of trained ones. */
export async function writeJob(dir: string, form: JobForm = {}): Promise<string> {
  const { arch = 'resnet18', precision = 'float32', samples = 300, leads = 2, multiLabel = false } = form;
  const { classes = ['normal', 'AF', 'other'], job = 'finetune' } = form;
  mkdirSync(dir, { recursive: true });
  const at = (name: string): string => join(dir, name);
  const network = buildNetwork({ arch, channels: leads, head: { classes: classes.length } });
  const random = new RandomState(7);
  const weights = network.weights.map(({ path, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const draw = (from: number, to: number): number => from + (to - from) * random.randomSample();
    const fanIn = size / shape.at(-1)!;
    // Kernels by Glorot's rule; batch normalisation around its initial values; so that probabilities are neither 0 nor 1.
    const isKernel = shape.length > 1;
    const isPositive = !isKernel && !path.includes('dense') && /\/vars\/[03]$/.test(path);
    const spread = isKernel ? Math.sqrt(3 / fanIn) * (path.includes('dense') ? 0.2 : 1) : 0.2;
    const data = Float32Array.from({ length: size }, () => (isPositive ? 1 : 0) + draw(-spread, spread));
    if (form.broken && path.includes('dense')) data[0] = Number.NaN;
    return { path, ...ndarray('float32', shape, data) };
  });
  await writeWeights(at(bestModelFile), network, weights);
  const model: JobModel = { format: 1, arch, precision, samples, leads, classes, multiLabel };
  writeJson(at(modelFile), model);
  const preprocessing: Preprocessing = {
    format: 1,
    collection: 'wfdb-csv',
    source: { folder: 'records', records: 12, index: {} },
    samplingRate: 125,
    leads: Array.from({ length: leads }, (_, i) => `L${i + 1}`),
    units: 'mV',
    normalization: { mean: 0.02, std: 0.25 },
    resampling: null,
    padding: { samples, side: 'front', value: 0 },
    dtype: 'float32',
    classes,
    multiLabel,
    split: { by: 'record', testSize: 0.25, testFolds: null, stratified: true, seed: 1 },
    files: { train: { file: 'train.pkl', records: 9, sha256: digest } },
    ...form.preprocessing,
  };
  writeJson(at(preprocessingFile), preprocessing);
  writeJson(at('config.json'), {
    format: 1,
    job,
    options: {},
    seed: 1,
    initSeed: 1,
    inputs: {},
    environment: {
      version: '0.1.0',
      node: process.versions.node,
      tensorflow: '2.16.1',
      libraries: {},
      platform: 'linux x64',
      processor: 'unknown',
      gpu: false,
      settings: {},
    },
  });
  writeJson(at('complete.json'), { epochs: 1 });
  return dir;
}
