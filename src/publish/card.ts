import { markdownTable } from 'markdown-table';
import { type ClassWords, named } from '../evaluate/class_words.ts';
import type { Evaluation } from '../evaluate/evaluation.ts';
import { decisionText, intervalsText, intervalText, scoreNames } from '../evaluate/wording.ts';
import { dataSets } from '../fetch/data_sets.ts';
import type { JobModel } from '../jobs/job_model.ts';
import { type JobThresholds, thresholdsText } from '../jobs/job_thresholds.ts';
import { collectionKinds } from '../prepare/collections.ts';
import type { Preprocessing } from '../prepare/preprocessing.ts';
import { counted, oneLine } from '../text.ts';
import type { Origin } from './origin.ts';

/** What a model card says. */
export interface CardFacts {
  readonly title: string;
  readonly model: JobModel;
  readonly preprocessing: Preprocessing;
  readonly origin: Origin;
  /** Thresholds of the decisions, if the job chose its own. */
  readonly thresholds?: JobThresholds;
  /** Scores on records that were held out, and which. */
  readonly scores?: { readonly part: 'test' | 'val'; readonly evaluation: Evaluation; readonly words: ClassWords };
  readonly licence?: string;
  /** Version of this package. */
  readonly version: string;
}

/** The licence of Icentia11k, by the identifier of Hugging Face. */
export const icentiaLicence = 'cc-by-nc-sa-4.0';

/** Published data sets, by the form of a prepared collection. */
const published: Readonly<Record<string, string>> = {
  challenge17: 'cinc2017',
  challenge20: 'cpsc2018',
  cpsc2018: 'cpsc2018',
  'ptb-xl': 'ptbxl',
};

/** Whether the weights may be bound by the licence of Icentia11k. */
export function mayDescendFromIcentia({ kind }: Origin): boolean {
  return kind === 'pretrained' || kind === 'unknown';
}

/** `README.md` of a published model: a head in YAML for Hugging Face, then text. */
export function modelCard(facts: CardFacts): string {
  const sections: readonly (readonly [string, string])[] = [
    ['What it does', purpose(facts)],
    ['Use it with ecg-transplant', useHere(facts)],
    ['Use it in Keras', useInKeras(facts)],
    ['Training data and licence', origins(facts)],
    ['Scores', scoresOf(facts)],
    ['Limits', limits(facts)],
    ['Files', files],
  ];
  return `${head(facts)}
# ${markdown(facts.title)}

**For research, not for diagnosis.** This is not a medical device. Made with ecg-transplant ${facts.version}.

${sections.map(([title, text]) => `## ${title}\n\n${text}`).join('\n\n')}
`;
}

/** Text of users in Markdown. */
function markdown(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]<>|#~!]/g, '\\$&');
}

/** JSON is YAML. */
function yaml(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(oneLine(value)) : JSON.stringify(value);
}

function head({ title, licence, scores, preprocessing, model }: CardFacts): string {
  const tags = ['ecg', 'electrocardiogram', 'time-series', model.arch, 'ecg-transplant'];
  const lines = [
    '---',
    ...(licence === undefined ? [] : [`license: ${yaml(licence)}`]),
    'library_name: keras',
    `tags: ${yaml(tags)}`,
  ];
  if (scores !== undefined) {
    const { macroF1, macroAuc, accuracy } = scores.evaluation.scores;
    const metrics = [
      ['f1', 'macro F1', macroF1.value],
      ['roc_auc', 'macro AUC', macroAuc.value],
      ['accuracy', 'accuracy', accuracy.value],
    ] as const;
    const { collection } = preprocessing;
    const result = {
      task: { type: 'time-series-classification', name: 'ECG classification' },
      dataset: { type: collection, name: collection, split: scores.part === 'test' ? 'test' : 'validation' },
      metrics: metrics
        .filter(([, , value]) => !Number.isNaN(value))
        .map(([type, name, value]) => ({ type, name, value: Number(value.toFixed(4)) })),
    };
    lines.push(`model-index: ${JSON.stringify([{ name: oneLine(title), results: [result] }])}`);
  }
  return [...lines, '---'].join('\n');
}

function purpose({ model, preprocessing, thresholds, scores }: CardFacts): string {
  const { arch, classes, samples, multiLabel } = model;
  const { samplingRate, leads, units, padding, normalization } = preprocessing;
  const words: ClassWords = scores?.words ?? new Map();
  const rows = [
    [
      'Input',
      `${counted(leads.length, 'lead')} (${leads.map(markdown).join(', ')}), ${markdown(units)}, at ${samplingRate} Hz`,
    ],
    ['It sees', `${samples} samples, ${seconds(samples / samplingRate)}`],
    [
      'Preparation',
      `${normalization === null ? 'no normalisation' : 'each lead minus a mean, divided by a standard deviation'}; ${
        padding === null
          ? 'all recordings must have this length'
          : 'a shorter recording gets zeros in front, a longer one loses its start'
      } (\`preprocessing.json\`)`,
    ],
    ['Network', `${arch}, ${multiLabel ? 'one sigmoid per class' : 'softmax'}`],
    ['Classes', classes.map((name) => markdown(named(name, words))).join(', ')],
    [
      'Decision',
      thresholds
        ? `every class that reaches its threshold: ${thresholds.classes.map(({ name, threshold }) => `${markdown(name)} ${Number(threshold.toPrecision(4))}`).join(', ')}. ${markdown(thresholdsText(thresholds))}`
        : multiLabel
          ? 'every class with a probability of at least 0.5'
          : 'the class with the largest probability',
    ],
  ];
  return `Classifies electrocardiograms.\n\n${markdownTable([['', ''], ...rows])}`;
}

function seconds(value: number): string {
  return `${Number(value.toFixed(1))} s`;
}

function useHere({ preprocessing }: CardFacts): string {
  const { samplingRate } = preprocessing;
  return `In the folder of these files, or with their address:

    npx ecg-transplant predict --job-dir . --record-fs ${samplingRate} recording.csv
    npx ecg-transplant predict --job-dir https://SERVER/FOLDER --record-fs ${samplingRate} recording.csv
    npx ecg-transplant predict --job-dir hf://OWNER/REPO@REVISION --record-fs ${samplingRate} recording.csv

\`recording.csv\` has a column per lead, named as above, in ${markdown(preprocessing.units)}; \`--record-fs\` is its sampling rate, whatever it is. WFDB records need neither. Recordings are prepared
as the training data were. To train on from these weights: \`ecg-transplant finetune --weights-file best_model.weights.h5\`.`;
}

function useInKeras({ model, preprocessing }: CardFacts): string {
  const { arch, samples, leads, classes, multiLabel } = model;
  const { normalization, padding, samplingRate, units } = preprocessing;
  const normalized =
    normalization === null
      ? ''
      : `constants = about["normalization"]\nx = (x - np.array(constants["mean"])) / np.array(constants["std"])\n`;
  const padded = padding === null ? '' : `x = np.concatenate([np.zeros((${samples}, ${leads})), x])[-${samples}:]\n`;
  return `With the networks of ecg-transplant (its folder \`original/\`) and TensorFlow 2.16:

\`\`\`python
# PYTHONPATH=ecg-transplant/original python predict.py
import json

import numpy as np
import tensorflow as tf
from finetuning.utils import ecg_feature_extractor

about = json.load(open("preprocessing.json"))
model = ecg_feature_extractor("${arch}")
model.add(tf.keras.layers.Dense(${classes.length}, activation="${multiLabel ? 'sigmoid' : 'softmax'}"))
model.build((None, ${samples}, ${leads}))
model.load_weights("best_model.weights.h5")

x = np.loadtxt("recording.csv", delimiter=",", skiprows=1, ndmin=2)  # (samples, leads), ${oneLine(units)} at ${samplingRate} Hz
${normalized}${padded}probabilities = model.predict(x[None].astype("float32"), verbose=0)[0]
print(dict(zip(about["classes"], probabilities.tolist())))
\`\`\`

Recordings at another rate must be resampled first. \`model.safetensors\` has the same weights under the names that they have in \`best_model.weights.h5\`, for other frameworks.`;
}

function origins({ preprocessing, origin, licence }: CardFacts): string {
  const { collection, files: parts, split } = preprocessing;
  const set = dataSets.find(({ name }) => name === published[collection]);
  const records = parts.train?.records;
  const many =
    records === undefined
      ? 'Recordings'
      : `${counted(records, 'recording')} (before a validation part or a subset was taken)`;
  const form =
    set === undefined
      ? `${many} of the publisher's own. Who publishes this model has to state their source and licence.`
      : `${many} in the form of ${collectionKinds[collection]?.summary ?? collection}. The published data set, ${set.page}, has the licence [${set.licence.name}](${set.licence.address}).`;
  const divided = {
    patient: 'No patient is in both the training and the test set.',
    fold: 'The training and the test set are folds of the collection.',
    record: 'Training and test set were divided by record: patients with several records may be in both.',
    none: 'The set was not divided.',
  }[split.by];
  const lines = [form, divided, initial(origin)];
  lines.push(
    licence === undefined
      ? 'The publisher has not stated a licence for the weights.'
      : `Licence of the weights: \`${markdown(licence)}\`.`,
  );
  return lines.join('\n\n');
}

function initial(origin: Origin): string {
  const icentia = dataSets.find(({ name }) => name === 'icentia11k')!;
  const clause = `[${icentia.title}](${icentia.page}), whose licence is [${icentia.licence.name}](${icentia.licence.address}): ${icentia.licence.note}`;
  switch (origin.kind) {
    case 'random':
      return 'The training began from random weights.';
    case 'classifier':
      return `The training began from a classifier that was trained on data in the form of ${collectionKinds[origin.collection]?.summary ?? origin.collection}.`;
    case 'pretrained':
      return `The training began from a network pretrained (task ${markdown(origin.task)}) on ${clause}.`;
    case 'unknown':
      return `The training began from the weights \`${oneLine(origin.name).replaceAll('`', "'")}\`, whose training data the job does not know. The published weights of this method were trained on ${clause}.`;
  }
}

function scoresOf({ scores }: CardFacts): string {
  if (scores === undefined) {
    return 'No records were held out, so there are no scores that say anything about new recordings.';
  }
  const { part, evaluation, words } = scores;
  const { classes, scores: values, predictions } = evaluation;
  const rows = classes.map(({ name, support }, k) => [
    markdown(named(name, words)),
    support.toLocaleString('en'),
    ...scoreNames.map(([key]) => intervalText(values.perClass[k][key])),
  ]);
  const mean = [
    'mean of the classes',
    '',
    '',
    '',
    ...[values.macroF1, values.macroAuc, values.macroAveragePrecision].map(intervalText),
  ];
  const table = markdownTable([['Class', 'Records', ...scoreNames.map(([, name]) => name)], ...rows, mean], {
    align: ['l', 'r', ...scoreNames.map(() => 'r')],
  });
  const chosen = part === 'val' ? ' These records also chose the best epoch, so the scores are a little too good.' : '';
  return `On ${counted(predictions.recordIds.length, 'record')} of the ${part === 'test' ? 'test set, which the training did not see' : 'validation part'}.${chosen} Accuracy ${intervalText(values.accuracy)}.

${table}

${decisionText(evaluation.decision)} ${intervalsText(evaluation)}`;
}

function limits({ model, preprocessing, scores }: CardFacts): string {
  const { samples } = model;
  const { samplingRate, padding } = preprocessing;
  const count = scores?.evaluation.predictions.recordIds.length ?? 0;
  return [
    'It knows only the classes above, whatever else a recording shows.',
    ...(padding === null
      ? []
      : [`It does not see what lies before the last ${seconds(samples / samplingRate)} of a recording.`]),
    'It was tested on recordings of the collection it was trained on. On other devices, hospitals or patients it may be worse.',
    ...(count > 0 && count < smallTest
      ? [`The scores come from few records (${count}): their intervals are wide.`]
      : []),
    'Its probabilities are not calibrated.',
    'Weights can carry traces of the recordings they were trained on.',
  ]
    .map((line) => `* ${line}`)
    .join('\n');
}

/** Fewer held-out records than this are few. */
const smallTest = 200;

const files = markdownTable([
  ['File', 'What it is'],
  ['`best_model.weights.h5`', "weights in Keras 3's format"],
  ['`model.safetensors`', 'the same weights'],
  ['`model.json`', 'the network and its classes'],
  ['`preprocessing.json`', 'rate, leads, unit, normalisation, length and padding of the training data'],
  ['`SHA256SUMS`', 'checksums of the other files: `sha256sum --check SHA256SUMS`'],
]);
