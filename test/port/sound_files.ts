import type { JobConfig } from '../../src/jobs/job.ts';
import type { JobModel } from '../../src/jobs/job_model.ts';
import type { JobThresholds } from '../../src/jobs/job_thresholds.ts';
import type { Description } from '../../src/prepare/icentia11k/description.ts';
import type { Preprocessing } from '../../src/prepare/preprocessing.ts';

export const digest = 'ab'.repeat(32);
export const model: JobModel = {
  format: 1,
  arch: 'resnet18',
  precision: 'float32',
  samples: 16_384,
  leads: 2,
  classes: ['A', 'N'],
  multiLabel: false,
};
export const thresholds: JobThresholds = {
  format: 1,
  rule: 'sensitivity=0.95',
  records: 12,
  classes: [
    { name: 'A', threshold: 0.25, chosen: true },
    { name: 'N', threshold: 0.5, chosen: false },
  ],
};
export const preprocessing: Preprocessing = {
  format: 1,
  collection: 'challenge17',
  source: { folder: '/data/cinc2017', records: 60, index: { 'REFERENCE.csv': digest } },
  samplingRate: 250,
  leads: ['I', 'II'],
  units: 'mV',
  normalization: { mean: [0.1, 0.2], std: [1, 2] },
  resampling: { library: 'libsamplerate', converter: 'sinc_best', targetRate: 250 },
  padding: { samples: 16_384, side: 'front', value: 0 },
  dtype: 'float32',
  classes: ['A', 'N'],
  multiLabel: false,
  split: { by: 'record', testSize: 0.2, testFolds: null, stratified: true, seed: 1 },
  files: { train: { file: 'physionet_train.pkl', records: 48, sha256: digest } },
};
export const config: JobConfig = {
  format: 1,
  job: 'finetune',
  options: { train: '/data/train.pkl', epochs: 3 },
  seed: 7,
  initSeed: 8,
  inputs: { '/data/train.pkl': 1000 },
  environment: {
    version: '0.1.0',
    node: '20.0.0',
    tensorflow: '2.16.1',
    libraries: { '/lib/libtensorflow_cc.so.2': digest },
    platform: 'linux x64',
    processor: 'some',
    gpu: false,
    settings: { TF_NUM_INTRAOP_THREADS: '2' },
  },
};
export const description: Description = {
  source: 'PhysioNet icentia11k-continuous-ecg (WFDB)',
  unit: 'mV',
  samplingRate: 250,
  dtype: 'float32',
  unzipped: false,
  mean: 0.1,
  std: 0.2,
  patients: { 7: { segments: 2, samples: 1000, sum: 1.5, sumOfSquares: 2.5 } },
};
