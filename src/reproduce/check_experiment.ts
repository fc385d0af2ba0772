import { suiteNames } from '../compare/suite.ts';
import { UsageError } from '../errors.ts';
import type { Experiment, FinetuningJob, PretrainingJob, SetName } from '../experiment_schema.ts';
import { experiments } from '../experiments.ts';
import { checkOptimizerOptions } from '../jobs/optimizer_options.ts';
import { checkScheduleOptions } from '../jobs/schedule.ts';
import type { FlagTable } from '../lib/argparse/flags.ts';
import type { JsonFault } from '../lib/json/text.ts';
import { near } from '../lib/near.ts';
import { finetuneFlags } from '../port/finetuning/trainer/flags.ts';
import { checkTrainingOptions } from '../port/finetuning/trainer/options.ts';
import { pretrainFlags } from '../port/pretraining/trainer/flags.ts';
import { benchmarkTaskOf } from './recordings.ts';
import { given } from './settings.ts';

/** A contradiction: `where` is a place as in `finetuning[2].weights`. */
type Fault = JsonFault & { readonly where: string };

/** The first contradiction in an experiment that fits the schema, if there is one. */
export function contradictionIn(experiment: Experiment): JsonFault | undefined {
  for (const check of checks) for (const fault of check(experiment)) return fault;
  return undefined;
}

const checks: readonly ((experiment: Experiment) => Iterable<Fault>)[] = [
  checkName,
  checkData,
  checkNames,
  checkPretraining,
  checkDivision,
  checkFinetuning,
  checkTraining,
  checkPublished,
  checkSizes,
  checkContrasts,
  checkSuites,
];

function* checkName({ name }: Experiment): Iterable<Fault> {
  if (!Object.hasOwn(experiments, name)) return;
  yield {
    summary: 'a built-in profile has this name, and its runs would lie in the same folder',
    where: 'name',
    got: name,
    expected: `another name than ${Object.keys(experiments).join(', ')}`,
  };
}

function* checkData({ data, generated, sets, pretraining }: Experiment): Iterable<Fault> {
  if (data !== 'folder' && generated === undefined) {
    const what = { summary: 'it is not said which recordings to generate', where: 'generated', got: 'nothing' };
    yield { ...what, expected: `this field, because data is ${JSON.stringify(data)}` };
  }
  yield* repeated('sets', sets);
  for (const [i, { name, records }] of sets.entries()) {
    const where = `sets[${i}].records`;
    if (name !== 'physionet' && records !== 'all') {
      yield { summary: 'records can be selected only from physionet', where, got: String(records), expected: '"all"' };
    }
    if (generated !== undefined && records !== 'all' && records !== generated.records) {
      const expected = `"all" or ${generated.records}, as generated.records`;
      yield { summary: 'another number of records is generated', where, got: String(records), expected };
    }
  }
  const frames = generated === undefined ? [] : pretraining.entries();
  for (const [i, job] of frames) {
    const needed = samplesNeeded(job);
    if (needed <= generated!.samples) continue;
    yield {
      summary: 'the frames are longer than the generated segments',
      where: `pretraining[${i}].frameSize`,
      got: `${needed} samples${job.task === 'cpc' ? ' with the context and the frame after it' : ''}`,
      expected: `at most ${generated!.samples}, as generated.samples`,
    };
  }
}

/** Samples of a segment that one frame, or one context and the frame after it, takes. */
function samplesNeeded({ task, frameSize, contextSize = 8 }: PretrainingJob): number {
  return task === 'cpc' ? frameSize * (contextSize + 1) : frameSize;
}

function* checkNames({ pretraining, finetuning }: Experiment): Iterable<Fault> {
  yield* repeated('pretraining', pretraining);
  yield* repeated('finetuning', finetuning);
  for (const [i, { name }] of pretraining.entries()) {
    const where = `pretraining[${i}].name`;
    const got = JSON.stringify(name);
    if (name === given)
      yield { summary: 'this name stands for the weights of --weights-file', where, got, expected: 'another name' };
    if (name.endsWith('.adjusted'))
      yield { summary: 'files of weights for several leads end like this', where, got, expected: 'another name' };
  }
}

/** Names that two entries share. Names that differ only in case are one folder on some file systems. */
function* repeated(list: string, entries: readonly { readonly name: string }[]): Iterable<Fault> {
  const seen = new Map<string, number>();
  for (const [i, { name }] of entries.entries()) {
    const before = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), i);
    if (before === undefined) continue;
    const other = entries[before].name;
    yield {
      summary: other === name ? 'two entries have the same name' : 'two names differ only in upper and lower case',
      where: `${list}[${i}].name`,
      got: JSON.stringify(name),
      expected: other === name ? 'a name of its own' : `a name that differs more from ${other}`,
    };
  }
}

function* checkPretraining({ pretraining, generated, patients }: Experiment): Iterable<Fault> {
  for (const [i, job] of pretraining.entries()) {
    const place = `pretraining[${i}]`;
    const { task, contextSize, epochs, chosenEpoch, validation } = job;
    if (contextSize !== undefined && task !== 'cpc') {
      const what = { summary: 'only CPC has contexts', where: `${place}.contextSize`, got: String(contextSize) };
      yield { ...what, expected: 'no contextSize, or the task cpc' };
    }
    if (chosenEpoch !== undefined && chosenEpoch > epochs) {
      const what = { summary: 'this epoch is never trained', where: `${place}.chosenEpoch`, got: String(chosenEpoch) };
      yield { ...what, expected: `at most ${epochs}, as epochs` };
    }
    const held = validation?.patients ?? 0;
    const all = Math.min(generated?.patients ?? Infinity, typeof patients === 'number' ? patients : Infinity);
    if (held >= 1 && all > 1 && held >= all) {
      yield {
        summary: 'no patient is left to train on',
        where: `${place}.validation.patients`,
        got: String(held),
        expected: `less than ${all}, the number of patients`,
      };
    }
  }
}

function* checkFinetuning({ sets, pretraining, finetuning }: Experiment): Iterable<Fault> {
  const setNames = sets.map(({ name }) => name);
  const weightNames = [...pretraining.map(({ name }) => name), given];
  for (const [i, { set, weights, arch }] of finetuning.entries()) {
    const place = `finetuning[${i}]`;
    if (!setNames.includes(set)) yield unknown('set', `${place}.set`, set, setNames);
    if (weights === undefined || weights === given) continue;
    const source = pretraining.find(({ name }) => name === weights);
    if (source === undefined) {
      yield unknown('pretraining job', `${place}.weights`, weights, weightNames);
      continue;
    }
    if (source.stages !== undefined) {
      yield {
        summary: 'these weights cannot be finetuned',
        where: `${place}.weights`,
        got: `${weights}, with stages ${source.stages}`,
        expected: 'weights of a pretraining job without stages',
      };
    }
    if (arch !== undefined && arch !== source.arch) {
      yield {
        summary: 'the weights are of another network',
        where: `${place}.arch`,
        got: arch,
        expected: `${source.arch}, as the pretraining job ${weights}`,
      };
    }
  }
}

/** Options of training that a trainer would refuse when its job starts. */
function* checkTraining({ pretraining, finetuning }: Experiment): Iterable<Fault> {
  const faultOf = (where: string, check: () => void): Fault | undefined => {
    try {
      check();
      return undefined;
    } catch (error) {
      if (error instanceof UsageError) return { summary: error.message, where };
      throw error;
    }
  };
  for (const [i, job] of pretraining.entries()) {
    const fault = faultOf(`pretraining[${i}]`, () => {
      checkOptimizerOptions(job);
      checkScheduleOptions(job);
    });
    if (fault) yield fault;
  }
  for (const [i, job] of finetuning.entries()) {
    const fault = faultOf(`finetuning[${i}]`, () => {
      checkTrainingOptions({ ...job, startsFromWeights: job.weights !== undefined, validates: true });
    });
    if (fault) yield fault;
  }
}

/** The first option of training in an experiment that the original does not have, as in `finetuning[2].clipnorm`. */
export function portOnlyOption({ pretraining, finetuning }: Experiment): string | undefined {
  const placesIn = (list: string, jobs: readonly object[], flags: FlagTable): string[] =>
    jobs.flatMap((job, i) =>
      Object.entries(job)
        .filter(([field, value]) => value !== undefined && flags[field]?.addition)
        .map(([field]) => `${list}[${i}].${field}`),
    );
  return [
    ...placesIn('pretraining', pretraining, pretrainFlags),
    ...placesIn('finetuning', finetuning, finetuneFlags),
  ][0];
}

/** Sets with folds of their own are divided by these; for all others, the sizes of the parts must be given. */
function* checkDivision({ sets, finetuning }: Experiment): Iterable<Fault> {
  const faultOf = (name: SetName, size: number | undefined, field: string, where: string): Fault | undefined => {
    const hasFolds = benchmarkTaskOf(name) !== undefined;
    if (hasFolds === (size === undefined)) return undefined;
    return hasFolds
      ? { summary: `${name} is divided by its folds`, where, got: String(size), expected: `no ${field}` }
      : { summary: `${name} has no folds to divide it by`, where, got: 'nothing', expected: `a ${field}` };
  };
  for (const [i, { name, testSize }] of sets.entries()) {
    const fault = faultOf(name, testSize, 'testSize', `sets[${i}].testSize`);
    if (fault) yield fault;
  }
  for (const [i, { set, valSize }] of finetuning.entries()) {
    const fault = faultOf(set, valSize, 'valSize', `finetuning[${i}].valSize`);
    if (fault) yield fault;
  }
}

function* checkPublished({ finetuning }: Experiment): Iterable<Fault> {
  for (const [i, { published = [] }] of finetuning.entries()) {
    for (const [k, { macroF1, macroAuc }] of published.entries()) {
      if (macroF1 !== undefined || macroAuc !== undefined) continue;
      const where = `finetuning[${i}].published[${k}]`;
      yield { summary: 'the published score has no figure', where, got: 'nothing', expected: 'macroF1 or macroAuc' };
    }
  }
}

/** Classes that each part of Challenge 2017 must hold. The other sets have several labels, and are not stratified. */
const challenge17Classes = 4;

/** Where the number of records is known: whether the parts of a set hold every class. */
function* checkSizes({ sets, finetuning, generated }: Experiment): Iterable<Fault> {
  for (const [i, { set: name, valSize, subset = 1 }] of finetuning.entries()) {
    const set = sets.find((one) => one.name === name);
    const records = set?.records === 'all' ? generated?.records : set?.records;
    if (set?.testSize === undefined || valSize === undefined || records === undefined) continue;
    // As scikit-learn rounds.
    const training = records - Math.ceil(set.testSize * records);
    const left = training - (valSize < 1 ? Math.ceil(valSize * training) : Math.trunc(valSize));
    const few = name === 'physionet' ? challenge17Classes : 1;
    if (left < few) {
      yield {
        summary: 'too few training records are left',
        where: `finetuning[${i}].valSize`,
        got: `${valSize} of ${training} records`,
        expected: `at least ${few} records beside it`,
      };
    }
    const kept = Math.floor(subset * left);
    if (kept < few || (subset < 1 && left - kept < few)) {
      yield {
        summary: 'this part of the training records cannot be drawn with every class',
        where: `finetuning[${i}].subset`,
        got: `${subset} of ${left} records`,
        expected: `at least ${few} records in it${subset < 1 ? ' and beside it' : ''}`,
      };
    }
  }
}

/** Fields that a contrast may differ in: it is about the initial weights. */
const own: readonly string[] = ['name', 'weights', 'published', 'arch'];

function* checkContrasts({ contrasts, finetuning, pretraining }: Experiment): Iterable<Fault> {
  const names = finetuning.map(({ name }) => name);
  const pairs = new Set<string>();
  for (const [i, contrast] of contrasts.entries()) {
    const place = `contrasts[${i}]`;
    const [a, b] = (['pretrained', 'random'] as const).map((role) =>
      finetuning.find(({ name }) => name === contrast[role]),
    );
    if (a === undefined) yield unknown('finetuning job', `${place}.pretrained`, contrast.pretrained, names);
    if (b === undefined) yield unknown('finetuning job', `${place}.random`, contrast.random, names);
    if (a === undefined || b === undefined) continue;
    if (a.weights === undefined) {
      const what = { summary: 'this job has random weights', where: `${place}.pretrained`, got: a.name };
      yield { ...what, expected: 'a job with weights' };
    }
    if (b.weights !== undefined) {
      const what = { summary: 'this job has pretrained weights', where: `${place}.random`, got: b.name };
      yield { ...what, expected: 'a job without weights' };
    }
    const field = differing(a, b, pretraining);
    if (field !== undefined) {
      yield {
        summary: `the jobs of a contrast may differ only in their weights, but these differ in ${field.name}`,
        where: place,
        got: `${a.name}: ${field.a}; ${b.name}: ${field.b}`,
        expected: 'the same value',
      };
    }
    const pair = `${a.name} ${b.name}`;
    if (pairs.has(pair)) yield { summary: 'this contrast is there twice', where: place, got: `${a.name}, ${b.name}` };
    pairs.add(pair);
  }
}

function differing(
  a: FinetuningJob,
  b: FinetuningJob,
  pretraining: readonly PretrainingJob[],
): { readonly name: string; readonly a: string; readonly b: string } | undefined {
  const [first, second] = [a, b].map((job) => ({ subset: 1, ...job }) as Readonly<Record<string, unknown>>);
  const networks = [a, b].map(
    ({ arch, weights }) => arch ?? pretraining.find(({ name }) => name === weights)?.arch ?? 'resnet18',
  );
  // The network of the user's weights is not known here; a random job without one takes it.
  if (a.weights !== given && networks[0] !== networks[1]) return { name: 'arch', a: networks[0], b: networks[1] };
  const name = Object.keys({ ...first, ...second }).find(
    (field) => !own.includes(field) && first[field] !== second[field],
  );
  return name === undefined ? undefined : { name, a: String(first[name]), b: String(second[name]) };
}

function* checkSuites({ suites }: Experiment): Iterable<Fault> {
  if (suites === 'quick') return;
  for (const [i, suite] of suites.entries()) {
    if (!suiteNames.some((name) => name === suite)) yield unknown('suite', `suites[${i}]`, suite, suiteNames);
  }
}

function unknown(what: string, where: string, got: string, names: readonly string[]): Fault {
  return {
    summary: `the experiment has no such ${what}`,
    where,
    got: JSON.stringify(got),
    expected: names.length > 0 ? `one of ${names.join(', ')}` : undefined,
    hint: near(got, names),
  };
}
