import {
  array,
  boolean,
  description,
  type GenericSchema,
  gtValue,
  ltValue,
  maxValue,
  minLength,
  minValue,
  nullable,
  number,
  optional,
  picklist,
  pipe,
  regex,
  strictObject,
  string,
  title,
  union,
} from 'valibot';
import { finiteNumber, mapOf, name, positive, rate, samples, whole } from './lib/json/fields.ts';
import type { Described } from './lib/json/file.ts';
import { archs } from './port/finetuning/utils.ts';
import { pretrainingTasks } from './port/pretraining/utils.ts';

/**
 * The one description of an experiment. The types below follow from it, and so does `experiment.schema.json`, which
 * `npx vitest run test/experiment_schema.test.ts --update` writes.
 */
const said = <S extends GenericSchema>(schema: S, text: string) => pipe(schema, description(text));

/** Name of a job: it becomes the name of a folder. */
const jobName = pipe(
  string(),
  regex(
    /^\w[\w.-]{0,99}$/,
    'at most 100 letters, digits, dots, hyphens or underscores; the first is not a dot or a hyphen',
  ),
);

/** A fraction of something, or a count of at least 1. */
const size = pipe(number(), gtValue(0), maxValue(1e9));
const fraction = pipe(number(), gtValue(0), ltValue(1));
const count = whole(1, 1e9);
const epochs = whole(1, 99_999);

const dataSource = picklist(['generated', 'folder', 'either']);

const generatedData = strictObject({
  patients: said(whole(1, 11_000), 'Patients of Icentia11k'),
  segments: said(whole(1, 1000), 'Segments of each patient'),
  samples: said(samples, 'Samples of each segment, at 250 Hz'),
  records: said(count, 'Recordings of each PhysioNet set'),
  seconds: said(positive, 'Seconds of each recording'),
});

const setName = picklist([
  'physionet',
  'challenge20',
  'ptbxl',
  'ptbxl-all',
  'ptbxl-diagnostic',
  'ptbxl-subdiagnostic',
  'ptbxl-superdiagnostic',
  'ptbxl-form',
  'ptbxl-rhythm',
]);

const finetuningSet = strictObject({
  name: said(
    setName,
    'Challenge 2017 (physionet; one lead), CPSC 2018 in Challenge 2020 form, or PTB-XL (twelve leads); ptbxl-TASK: a task of the PTB-XL benchmark, divided by its folds',
  ),
  records: said(union([literalAll(), count]), 'Records taken from the collection, stratified by class'),
  fs: said(rate, 'Hz'),
  pad: said(samples, 'Samples of each prepared recording; shorter ones are padded at the front'),
  testSize: optional(
    said(fraction, 'Fraction of the records in the test set. Not for ptbxl-TASK, which tests on fold 10'),
  ),
});

/** Options of the optimiser that only the port has; names and units as the flags of the trainers. */
const optimizerFields = {
  learningRate: optional(said(positive, 'Learning rate, or the highest one of a schedule; default 0.001. Port only')),
  schedule: optional(said(picklist(['cosine', 'plateau']), 'How the learning rate falls. Port only')),
  warmupSteps: optional(said(count, 'Steps in which the learning rate rises from 0. Port only')),
  plateauPatience: optional(said(count, 'Epochs without a better loss before plateau acts; default 10. Port only')),
  plateauFactor: optional(said(fraction, 'What plateau multiplies the learning rate by; default 0.1. Port only')),
  clipnorm: optional(said(positive, 'Largest norm of the gradient of each weight tensor. Port only')),
  globalClipnorm: optional(said(positive, 'Largest norm of all gradients taken together. Port only')),
  weightDecay: optional(said(positive, 'Weight decay as in AdamW. Port only')),
};

const pretrainingJob = strictObject({
  name: jobName,
  task: picklist(pretrainingTasks),
  arch: said(picklist(archs), 'Network'),
  stages: optional(said(whole(1, 4), 'Only the first stages of the network; such weights cannot be finetuned')),
  frameSize: said(samples, 'Samples per frame'),
  contextSize: optional(said(count, 'Frames in a context; CPC only')),
  batchSize: said(count, 'Frames per step'),
  samplesPerPatient: said(count, 'Frames taken each time a patient is loaded'),
  stepsPerEpoch: count,
  epochs,
  validation: optional(
    said(
      strictObject({
        patients: said(size, 'A count of 1 or more, or a fraction'),
        frames: said(count, 'Frames collected from them'),
      }),
      'Held-out patients. Ignored if there is only one patient',
    ),
  ),
  chosenEpoch: optional(said(epochs, 'Epoch whose weights are finetuned; default the last')),
  ...optimizerFields,
});

const publishedScore = strictObject({
  source: said(name, 'Where the score was published'),
  macroF1: optional(said(finiteNumber, 'Macro F1 over the classes of the test set')),
  macroAuc: optional(said(finiteNumber, 'Macro AUC over the classes of the test set')),
  std: optional(said(finiteNumber, 'Standard deviation over the trials')),
  trials: optional(said(count, 'Number of trials; default 1')),
  perClass: optional(said(mapOf(string(), finiteNumber), 'F1 by class')),
});

const finetuningJob = strictObject({
  name: jobName,
  set: said(setName, 'Name of one of the sets'),
  weights: optional(
    said(
      jobName,
      'Name of the pretraining job whose weights are used, or "given" for --weights-file. Absent (in a file also null): random weights',
    ),
  ),
  arch: optional(
    said(picklist(archs), 'Network. Default that of the pretrained weights; with random weights, resnet18'),
  ),
  batchSize: said(count, 'Records per step'),
  epochs,
  valSize: optional(
    said(
      size,
      'Training records to validate on: a count of 1 or more, or a fraction. Not for ptbxl-TASK, which validates on fold 9',
    ),
  ),
  valMetric: said(picklist(['loss', 'acc', 'f1', 'auc']), 'Metric that chooses the best weights'),
  subset: optional(
    said(
      pipe(number(), gtValue(0), maxValue(1)),
      'Fraction of the training records to train on; default 1, all of them',
    ),
  ),
  classWeights: optional(said(picklist(['balanced']), 'Weights of the losses. Port only')),
  augment: optional(said(name, 'Changes of the training records, such as "shift=100,noise". Port only')),
  stopMetric: optional(
    said(picklist(['loss', 'acc', 'f1', 'auc']), 'Metric whose standstill ends a job; default loss. Port only'),
  ),
  stopPatience: optional(said(count, 'Epochs without an improvement after which a job ends; default 50. Port only')),
  freezeEpochs: optional(said(count, 'Epochs at the start that train only the head. Port only')),
  ...optimizerFields,
  published: optional(array(publishedScore)),
});

const contrast = strictObject({
  pretrained: said(jobName, 'A finetuning job with pretrained weights'),
  random: said(jobName, 'The same job with random weights'),
});

/** Every field of an experiment. */
export const experimentSchema = strictObject({
  name: said(jobName, 'The folder of the run has this name'),
  summary: said(string(), 'One line that says what it is'),
  remarks: said(array(string()), 'What a reader of the report must know'),
  data: said(dataSource, 'Whether recordings are generated or come from --data'),
  generated: optional(said(generatedData, 'Recordings that the project makes itself, without --data')),
  patients: optional(said(union([literalAll(), whole(1, 1e6)]), 'Patients of Icentia11k, from the first on')),
  sets: pipe(array(finetuningSet), minLength(1)),
  pretraining: array(pretrainingJob),
  finetuning: pipe(array(finetuningJob), minLength(1)),
  contrasts: array(contrast),
  trials: said(
    whole(1, 1000),
    'How often each finetuning job runs, each time with another seed. All jobs use the same seeds, so their trials are paired',
  ),
  margin: said(pipe(number(), minValue(0), maxValue(1)), 'Difference of macro F1 below which two jobs count as equal'),
  suites: said(
    union([picklist(['quick']), array(name)]),
    'Comparison suites whose quick cases run: "quick" for all, or their names',
  ),
});

function literalAll() {
  return picklist(['all']);
}

/** Sets for finetuning: Challenge 2017 (one lead), CPSC 2018 in Challenge 2020 form and PTB-XL (twelve leads, several labels), also with the tasks of its benchmark. */
export type SetName = Described<typeof setName>;

/** A data set for finetuning, prepared by the documented recipe: normalised, resampled, padded at the front, split. */
export type FinetuningSet = Described<typeof finetuningSet>;

/** A pretraining job on Icentia11k; names and units as the flags of `pretrain`. */
export type PretrainingJob = Described<typeof pretrainingJob>;

/** A score that others published, with its spread over their trials if they have several. */
export type PublishedScore = Described<typeof publishedScore>;

/** A finetuning job; names and units as the flags of `finetune`. */
export type FinetuningJob = Described<typeof finetuningJob>;

/** Two finetuning jobs that differ only in their initial weights: does pretraining help? */
export type Contrast = Described<typeof contrast>;

/** A whole experiment as data: what is trained on which data, how often, and which difference counts. */
export type Experiment = Described<typeof experimentSchema>;

/** The lists of an experiment whose entries may be grids, and the fields of one entry. */
export const gridFields = {
  pretraining: Object.keys(pretrainingJob.entries),
  finetuning: Object.keys(finetuningJob.entries),
  contrasts: Object.keys(contrast.entries),
} as const;

/** The entries of a grid of jobs: each field has one value, or stands in `for` with several. */
function gridOf({
  entries: { name: _name, ...fields },
}: {
  readonly entries: Readonly<Record<string, GenericSchema>>;
}) {
  const text = said(string(), 'A name; {field} is the value of that field');
  const inGrid = { ...fields, ...(fields.weights && { weights: nullable(text) }) };
  const several = (field: GenericSchema) =>
    optional(pipe(array(nullable('wrapped' in field ? (field.wrapped as GenericSchema) : field)), minLength(1)));
  return strictObject({
    for: said(
      strictObject(mapped(inGrid, several)),
      'Values of fields: one job is made for each combination. null leaves the field out',
    ),
    name: text,
    ...mapped(inGrid, (field) => optional(field)),
  });
}

function mapped<T>(fields: Readonly<Record<string, GenericSchema>>, change: (field: GenericSchema) => T) {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, change(field)]));
}

const { entries } = experimentSchema;
const single = strictObject({
  ...finetuningJob.entries,
  weights: optional(nullable(finetuningJob.entries.weights.wrapped)),
});
const text = said(string(), 'A name; {variable} is the value of that variable of `for`');
const contrastGrid = strictObject({
  for: said(
    mapOf(string(), pipe(array(nullable(union([string(), number(), boolean()]))), minLength(1))),
    'Values of variables: one contrast is made for each combination',
  ),
  pretrained: text,
  random: text,
});

/** What a file for `reproduce --experiment` may hold: an experiment whose lists may have grids, and whose less important fields may be missing. */
export const experimentFileSchema = pipe(
  strictObject({
    $schema: optional(said(string(), 'Address of this schema, for editors')),
    ...entries,
    finetuning: pipe(array(union([single, gridOf(finetuningJob)])), minLength(1)),
    summary: optional(entries.summary),
    remarks: optional(entries.remarks),
    data: optional(said(dataSource, 'Default: either if there is a field generated, else folder')),
    pretraining: optional(array(union([pretrainingJob, gridOf(pretrainingJob)]))),
    contrasts: optional(array(union([contrast, contrastGrid]))),
    trials: optional(entries.trials),
    margin: optional(entries.margin),
    suites: optional(entries.suites),
  }),
  title('An experiment for ecg-transplant: reproduce --experiment FILE'),
  description(
    'An entry of pretraining, finetuning or contrasts with a field `for` is a grid: it stands for one entry per combination of the values.',
  ),
);

/** Schemas with a name of their own in `experiment.schema.json`. */
export const definitions = { finetuningSet, pretrainingJob, finetuningJob: single, publishedScore, contrast, jobName };
