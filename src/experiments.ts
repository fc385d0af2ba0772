import type { Experiment, FinetuningJob, PublishedScore, SetName } from './experiment_schema.ts';

/** The recipe of the original's README for both collections. */
const recipe = { fs: 250, pad: 16_384, testSize: 0.2 } as const;

/** So short a job learns next to nothing. */
const plumbing = 'The jobs are so short that their scores show only that everything runs, not how well it works.';

const oneEpoch = { batchSize: 8, epochs: 1, valSize: 0.25, valMetric: 'loss' } as const;

const smallest: Experiment = {
  name: 'smallest',
  summary: 'one pretraining and one finetuning job in each language; for continuous integration',
  remarks: [plumbing],
  data: 'either',
  generated: { patients: 4, segments: 1, samples: 16_384, records: 60, seconds: 9 },
  patients: 4,
  sets: [{ name: 'physionet', records: 60, fs: 250, pad: 2048, testSize: 0.25 }],
  pretraining: [
    {
      name: 'beat',
      task: 'beat',
      arch: 'resnet18',
      frameSize: 512,
      batchSize: 8,
      samplesPerPatient: 32,
      stepsPerEpoch: 8,
      epochs: 1,
      validation: { patients: 1, frames: 16 },
    },
  ],
  finetuning: [{ name: 'physionet-beat', set: 'physionet', weights: 'beat', ...oneEpoch }],
  contrasts: [],
  trials: 1,
  margin: 0.01,
  suites: ['sampling', 'preprocessing', 'splits', 'weights', 'gradients', 'metrics'],
};

/** Large enough for the loss to fall, small enough to take seconds. */
const quickPretraining = {
  arch: 'resnet18',
  frameSize: 512,
  batchSize: 16,
  samplesPerPatient: 64,
  stepsPerEpoch: 10,
  epochs: 2,
  validation: { patients: 2, frames: 32 },
} as const;

const quickFinetuning = { batchSize: 16, epochs: 2, valSize: 0.2, valMetric: 'loss' } as const;

const quick: Experiment = {
  name: 'quick',
  summary: 'everything once on a small scale: four pretraining tasks, single- and multi-label finetuning, every suite',
  remarks: [plumbing],
  data: 'generated',
  generated: { patients: 6, segments: 2, samples: 16_384, records: 80, seconds: 10 },
  patients: 6,
  sets: [
    { name: 'physionet', records: 80, fs: 250, pad: 2560, testSize: 0.25 },
    { name: 'challenge20', records: 'all', fs: 100, pad: 1024, testSize: 0.25 },
  ],
  pretraining: [
    { name: 'beat', task: 'beat', ...quickPretraining },
    // The first stage of the bottleneck network tests the other kind of block in a fraction of the time.
    { name: 'rhythm', task: 'rhythm', ...quickPretraining, arch: 'resnet50', stages: 1 },
    { name: 'hr', task: 'hr', ...quickPretraining },
    // Keras is slow on its contexts, so it gets fewer steps.
    {
      name: 'cpc',
      task: 'cpc',
      ...quickPretraining,
      frameSize: 256,
      contextSize: 3,
      batchSize: 8,
      stepsPerEpoch: 6,
      epochs: 1,
    },
  ],
  finetuning: [
    { name: 'physionet-random', set: 'physionet', ...quickFinetuning },
    { name: 'physionet-beat', set: 'physionet', weights: 'beat', ...quickFinetuning },
    { name: 'challenge20-hr', set: 'challenge20', weights: 'hr', ...quickFinetuning },
  ],
  contrasts: [{ pretrained: 'physionet-beat', random: 'physionet-random' }],
  trials: 1,
  margin: 0.01,
  suites: 'quick',
};

const samplePretraining = {
  arch: 'resnet18',
  frameSize: 2048,
  batchSize: 32,
  samplesPerPatient: 200,
  stepsPerEpoch: 15,
  epochs: 2,
  validation: { patients: 1, frames: 64 },
} as const;

const sampleFinetuning = { batchSize: 32, epochs: 2, valSize: 0.0625, valMetric: 'loss' } as const;

const sample: Experiment = {
  name: 'sample',
  summary: 'real recordings of a folder (--data), at their full length, for two epochs',
  remarks: [plumbing],
  data: 'folder',
  patients: 'all',
  sets: [
    { name: 'physionet', records: 1000, ...recipe },
    // Ten seconds of twelve leads; the recipe's padding to 65 seconds would be 85 % zeros.
    { name: 'ptbxl', records: 'all', ...recipe, pad: 2500 },
  ],
  pretraining: [
    { name: 'beat', task: 'beat', ...samplePretraining },
    { name: 'rhythm', task: 'rhythm', ...samplePretraining },
    { name: 'hr', task: 'hr', ...samplePretraining },
    { name: 'cpc', task: 'cpc', ...samplePretraining, frameSize: 512, contextSize: 8, batchSize: 16 },
  ],
  finetuning: [
    { name: 'physionet-random', set: 'physionet', ...sampleFinetuning },
    { name: 'physionet-beat', set: 'physionet', weights: 'beat', ...sampleFinetuning },
    { name: 'ptbxl-hr', set: 'ptbxl', weights: 'hr', ...sampleFinetuning, batchSize: 8, valSize: 0.2 },
  ],
  contrasts: [{ pretrained: 'physionet-beat', random: 'physionet-random' }],
  trials: 1,
  margin: 0.01,
  suites: 'quick',
};

/** As in the reproduction's scripts and notebook. */
const dl4hPretraining = {
  arch: 'resnet18',
  frameSize: 2048,
  batchSize: 32,
  samplesPerPatient: 1000,
  stepsPerEpoch: 100,
  epochs: 10,
  // Its scripts take epoch 1 of all three tasks, although its text says the best epoch.
  chosenEpoch: 1,
} as const;

const dl4hPhysionet = { set: 'physionet', batchSize: 64, epochs: 200, valSize: 0.0625, valMetric: 'loss' } as const;
const dl4hPtbxl = {
  set: 'ptbxl',
  batchSize: 32,
  epochs: 20,
  valSize: 0.0625,
  valMetric: 'loss',
  subset: 0.25,
} as const;

function dl4hScore(macroF1: number, [a, n, o, noise]: readonly number[] = []): readonly PublishedScore[] {
  return [{ source: 'DL4H', macroF1, ...(a === undefined ? {} : { perClass: { A: a, N: n, O: o, '~': noise } }) }];
}

const dl4h: Experiment = {
  name: 'dl4h',
  summary: 'the seven jobs of the DL4H reproduction (2024) with their own settings; days on a CPU',
  remarks: [
    'It is not known which patients of Icentia11k the reproduction used (it says 20 %); here the first 2,200 are used.',
    'Its data and validation splits were not seeded, so no figure can be reproduced exactly.',
    'Its job beat_random used a validation split without stratification; here it is stratified.',
    'It is not known how it adapted one-lead weights to the twelve leads of PTB-XL; here adjust_network does.',
    'Its job hr ended after 20 epochs (inferred from its files), so it is not comparable with the others.',
  ],
  data: 'folder',
  patients: 2200,
  sets: [
    { name: 'physionet', records: 'all', ...recipe },
    { name: 'ptbxl', records: 'all', ...recipe },
  ],
  pretraining: (['beat', 'rhythm', 'hr'] as const).map((task) => ({ name: task, task, ...dl4hPretraining })),
  finetuning: [
    {
      name: 'af',
      weights: 'beat',
      ...dl4hPhysionet,
      published: dl4hScore(0.7361224341147975, [0.72026, 0.89712, 0.74378, 0.58333]),
    },
    {
      name: 'beat',
      weights: 'beat',
      ...dl4hPhysionet,
      published: dl4hScore(0.7363092239280914, [0.68966, 0.90395, 0.74378, 0.60784]),
    },
    {
      name: 'rhythm',
      weights: 'rhythm',
      ...dl4hPhysionet,
      published: dl4hScore(0.7077099640846096, [0.61132, 0.90038, 0.72265, 0.59649]),
    },
    {
      name: 'hr',
      weights: 'hr',
      ...dl4hPhysionet,
      epochs: 20,
      published: dl4hScore(0.7250877549790594, [0.68864, 0.9011, 0.71445, 0.59615]),
    },
    {
      name: 'beat_random',
      ...dl4hPhysionet,
      published: dl4hScore(0.7110824093186333, [0.67114, 0.90415, 0.73571, 0.53333]),
    },
    { name: 'ptbxl', weights: 'hr', ...dl4hPtbxl, published: dl4hScore(0.34088040135188563) },
    { name: 'ptbxl_random', ...dl4hPtbxl, published: dl4hScore(0.36170576887478095) },
  ],
  contrasts: [
    { pretrained: 'beat', random: 'beat_random' },
    { pretrained: 'rhythm', random: 'beat_random' },
    { pretrained: 'ptbxl', random: 'ptbxl_random' },
  ],
  trials: 1,
  margin: 0.01,
  suites: 'quick',
};

/** The paper's own figures for ResNet-18 on Challenge 2017 (its Table 1). */
const paperScores = {
  random: { macroF1: 0.731, std: 0.019, perClass: { N: 0.898, A: 0.711, O: 0.701, '~': 0.613 } },
  512: { macroF1: 0.769, std: 0.011, perClass: { N: 0.911, A: 0.76, O: 0.758, '~': 0.647 } },
  2048: { macroF1: 0.779, std: 0.014, perClass: { N: 0.915, A: 0.777, O: 0.763, '~': 0.661 } },
  4096: { macroF1: 0.768, std: 0.01, perClass: { N: 0.908, A: 0.764, O: 0.754, '~': 0.646 } },
} as const;

/** 4,096 frames of each of the 10,450 training patients, once (said by a replication), in batches of 512. */
const paperPretraining = {
  arch: 'resnet18',
  batchSize: 512,
  samplesPerPatient: 4096,
  stepsPerEpoch: 83_600,
  epochs: 1,
  validation: { patients: 0.05, frames: 16_384 },
} as const;

/** 200 epochs and the selection by loss come from the code and from DL4H; the paper does not give them. 1/16 of 80 % is the paper's 5 %. */
const paperFinetuning = { set: 'physionet', batchSize: 128, epochs: 200, valSize: 0.0625, valMetric: 'loss' } as const;

const paper: Experiment = {
  name: 'paper',
  summary: "the paper's settings, ten trials of each job; weeks on a CPU",
  remarks: [
    'Printed in the paper: the tasks, the frame lengths, ten trials with mean and standard deviation, its figures.',
    "Said by a replication: 95/5 patients, 4,096 frames of each, one pass, batch 512, Adam with β2 = .98 and ε = 1e-9; finetuning 75/5/20, 250 Hz, batch 128, Adam 1e-3, early stopping on the training accuracy (the code's: on the validation loss, patience 50).",
    'Uncertain: the number of epochs of finetuning (here 200) and how the best model was chosen (here by validation loss); frame length of the tasks rhythm, hr and cpc (here 2,048).',
    'Padding: the paper says 60 s; the recipe of its code, taken here, is 16,384 samples (65.5 s).',
    'Independent teams differ by more than one standard deviation, so compare only the differences between jobs.',
  ],
  data: 'folder',
  patients: 'all',
  sets: [{ name: 'physionet', records: 'all', ...recipe }],
  pretraining: [
    ...[512, 2048, 4096].map((frameSize) => ({
      name: `beat-${frameSize}`,
      task: 'beat' as const,
      frameSize,
      ...paperPretraining,
    })),
    ...(['rhythm', 'hr', 'cpc'] as const).map((task) => ({ name: task, task, frameSize: 2048, ...paperPretraining })),
  ],
  finetuning: [
    { name: 'random', ...paperFinetuning, published: [{ source: 'paper', trials: 10, ...paperScores.random }] },
    ...([512, 2048, 4096] as const).map((frameSize) => ({
      name: `beat-${frameSize}`,
      weights: `beat-${frameSize}`,
      ...paperFinetuning,
      published: [{ source: 'paper', trials: 10, ...paperScores[frameSize] }],
    })),
    ...['rhythm', 'hr', 'cpc'].map((name) => ({ name, weights: name, ...paperFinetuning })),
  ],
  contrasts: ['beat-512', 'beat-2048', 'beat-4096', 'rhythm', 'hr', 'cpc'].map((pretrained) => ({
    pretrained,
    random: 'random',
  })),
  trials: 10,
  margin: 0.01,
  suites: 'quick',
};

const transfer: Experiment = {
  name: 'transfer',
  summary: 'your pretrained weights (--weights-file) against random ones, ten pairs; a day on one GPU',
  remarks: [
    'Icentia11k is not needed: the weights come from a file.',
    "The paper's figures are shown beside it: random initialisation, and beat pretraining with frames of 2,048 samples.",
  ],
  data: 'folder',
  sets: [{ name: 'physionet', records: 'all', ...recipe }],
  pretraining: [],
  finetuning: [
    { name: 'random', ...paperFinetuning, published: [{ source: 'paper', trials: 10, ...paperScores.random }] },
    {
      name: 'pretrained',
      weights: 'given',
      ...paperFinetuning,
      published: [{ source: 'paper', trials: 10, ...paperScores[2048] }],
    },
  ],
  contrasts: [{ pretrained: 'pretrained', random: 'random' }],
  trials: 10,
  margin: 0.01,
  suites: 'quick',
};

/** As the public benchmark: 50 epochs in batches of 128, recordings of 100 Hz, the epoch with the best macro AUC of fold 9. */
function benchmarkJob(set: SetName, published: Readonly<Record<string, number>>): FinetuningJob {
  return {
    name: set.replace('ptbxl-', ''),
    set,
    batchSize: 128,
    epochs: 50,
    valMetric: 'auc',
    published: Object.entries(published).map(([source, macroAuc]) => ({ source, macroAuc })),
  };
}

const benchmarkJobs = [
  benchmarkJob('ptbxl-all', { xresnet1d101: 0.925, inception1d: 0.925 }),
  benchmarkJob('ptbxl-diagnostic', { xresnet1d101: 0.937 }),
  benchmarkJob('ptbxl-subdiagnostic', { xresnet1d101: 0.929, inception1d: 0.93 }),
  benchmarkJob('ptbxl-superdiagnostic', { xresnet1d101: 0.928, resnet1d_wang: 0.93 }),
  benchmarkJob('ptbxl-form', { xresnet1d101: 0.896, inception1d: 0.899 }),
  benchmarkJob('ptbxl-rhythm', { xresnet1d101: 0.957 }),
];

const ptbXl: Experiment = {
  name: 'ptb-xl',
  summary: 'the six tasks of the public PTB-XL benchmark with random weights, ten trials of each; days on one GPU',
  remarks: [
    'Published figures: macro AUC of fold 10 in the leaderboard of the benchmark (Strodthoff et al. 2021, doi:10.1109/JBHI.2020.3022989): xresnet1d101, and the best network of the table where another one leads.',
    'The benchmark used PTB-XL 1.0.1 and its recordings of 100 Hz. Here the recordings of 500 Hz are resampled to 100 Hz, and each lead has its own mean and standard deviation.',
    'The networks differ: here ResNet-18 with Adam at a constant rate, there one-cycle training.',
    'Macro F1 counts only the most probable class, so it says little where a record has several labels.',
  ],
  data: 'folder',
  sets: benchmarkJobs.map(({ set }) => ({ name: set, records: 'all', fs: 100, pad: 1000 })),
  pretraining: [],
  finetuning: benchmarkJobs,
  contrasts: [],
  trials: 10,
  margin: 0.01,
  suites: 'quick',
};

/** Ten parts: eight for training, one for validation, one for testing. */
const cpsc2018Job = { set: 'challenge20', batchSize: 32, epochs: 40, valSize: 0.111, valMetric: 'auc' } as const;

const cpsc2018: Experiment = {
  name: 'cpsc2018',
  summary: 'the nine classes of CPSC 2018 with random weights, two networks, ten trials of each; days on one GPU',
  remarks: [
    'Published figures: Zhang et al. 2021 (doi:10.1016/j.isci.2021.102373, arXiv:2010.10328), a ResNet-34 on the training set of the challenge, divided into ten parts: eight for training, one for validation, one for testing. Their recordings have 500 Hz, here 250 Hz; both take the last 30 s.',
    'Their program takes for each class the threshold with the best F1 on the records that it scores, so their F1 is higher than one with thresholds chosen beforehand. Here the most probable class decides. AUC does not depend on thresholds.',
    'The test set of the challenge was not published, so figures of its ranking do not compare.',
  ],
  data: 'folder',
  sets: [{ name: 'challenge20', records: 'all', fs: 250, pad: 7500, testSize: 0.1 }],
  pretraining: [],
  finetuning: [
    { name: 'resnet18', ...cpsc2018Job },
    {
      name: 'resnet34',
      arch: 'resnet34',
      ...cpsc2018Job,
      published: [{ source: 'Zhang et al. 2021', macroF1: 0.813, macroAuc: 0.97 }],
    },
  ],
  contrasts: [],
  trials: 10,
  margin: 0.01,
  suites: 'quick',
};

/** Every experiment by its name, in the order of `--help`. */
export const experiments: Readonly<Record<string, Experiment>> = frozen({
  quick,
  smallest,
  sample,
  dl4h,
  paper,
  transfer,
  'ptb-xl': ptbXl,
  cpsc2018,
});

function frozen<T extends object>(value: T): T {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) frozen(item);
  return Object.freeze(value);
}
