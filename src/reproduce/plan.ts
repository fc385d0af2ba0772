import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identifyOriginal } from '../bridge/witness.ts';
import type { Chosen } from '../compare/comparison.ts';
import { generatedCollections, recipe } from '../compare/data.ts';
import type { SuiteName } from '../compare/suite.ts';
import type { Experiment, FinetuningJob, FinetuningSet, PretrainingJob } from '../experiment_schema.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import {
  brokeOff,
  type Compared,
  compareStep,
  findingsFile,
  ownCase,
  runChecks,
  suiteChecks,
} from './comparison_steps.ts';
import { checkSetUp } from './doctor_step.ts';
import {
  copyGivenWeights,
  finetuneOriginal,
  prepareOriginal,
  pretrainOriginal,
  takeOriginalWeights,
} from './original_steps.ts';
import { finetunePort, predictPort, preparePort, pretrainPort, takeGivenWeights, takeWeights } from './port_steps.ts';
import { collectionOf, partsOf, patientsFolder, providePatients, provideRecords, recordsFolder } from './recordings.ts';
import { scoresFile, scoresPage, writeRunReport } from './report_step.ts';
import type { SideName } from './run_folder.ts';
import { scoreSide } from './scores.ts';
import { archOf, given, type RunSettings, setOf } from './settings.ts';
import { type Setting, type Step, StepMarks, type TaskKind, type TaskPlace } from './step.ts';

/** All steps of a run, in order. A side that was not requested has none. */
export function planRun(run: RunSettings): Step[] {
  return new Planner(run).plan();
}

/** Seconds per sample that passes through the network in training or prediction, measured on two cores. */
const secondsPerSample = { train: 7e-6, predict: 2.5e-6 };
/** Roughly the cost of a training step relative to ResNet-18; estimated from the operations, not measured. */
const costOf: Readonly<Record<Arch, number>> = { resnet18: 1, resnet34: 1.9, resnet50: 3 };
const pythonStart = 12;
/** Seconds of a suite's quick cases on two cores, for suites that take more than a few. */
const suiteSeconds: { readonly [suite in SuiteName]?: number } = {
  training: 110,
  outcome: 80,
  predictions: 45,
  weights: 45,
  activations: 30,
  gradients: 30,
  optimiser: 25,
  metrics: 20,
  replicas: 20,
  splits: 20,
};

/** The steps of one side whose results others read, by the name of the set or job; trials by `trialOf`. */
interface SideSteps {
  readonly prepared: ReadonlyMap<string, Step>;
  readonly pretrained: ReadonlyMap<string, Step>;
  readonly weights: ReadonlyMap<string, Step>;
  readonly finetuned: ReadonlyMap<string, Step>;
  /** Of the port. */
  readonly predicted: ReadonlyMap<string, Step>;
  readonly scores: Step;
}

/** Recordings that both sides read: patients, records of each set, and what the suites compare with if it is generated. */
interface Recordings {
  readonly patients?: Step;
  readonly records: ReadonlyMap<string, Step>;
  readonly suites?: Step;
}

class Planner {
  readonly #run: RunSettings;
  readonly #digest: string;
  readonly #steps: Step[] = [];
  readonly #places = new Map<string, TaskPlace>();

  constructor(run: RunSettings) {
    this.#run = run;
    // The port alone needs no original.
    this.#digest = run.sides.includes('original') ? identifyOriginal(run.original).digest : '';
  }

  plan(): Step[] {
    const { experiment, sides } = this.#run;
    this.#doctor();
    const raw = this.#recordings();
    const port = sides.includes('port') ? this.#side('port', raw) : undefined;
    const original = sides.includes('original') ? this.#side('original', raw) : undefined;
    const compared = port && original ? this.#comparisons(port, original, raw.suites) : [];
    this.#report(
      experiment,
      [port, original].flatMap((side) => (side ? resultsOf(side) : [])),
      compared,
    );
    return this.#steps;
  }

  /** The task of this kind for these names. Two lists of names that make the same id get different ones. */
  #place(kind: TaskKind, ...names: readonly string[]): TaskPlace {
    const title = JSON.stringify(names);
    const known = this.#places.get(title);
    if (known) return known;
    const taken = new Set([...this.#places.values()].map(({ id }) => id));
    const plain = taskId(names);
    let id = plain;
    for (let i = 2; taken.has(id); i++) id = `${plain}-${i}`;
    const place = { id, kind };
    this.#places.set(title, place);
    return place;
  }

  #add(step: Omit<Step, 'settings' | 'outputs'> & { settings?: Setting; outputs?: readonly string[] }): Step {
    const { settings = null, outputs = [] } = step;
    // A different original invalidates its results and the comparisons with them.
    const of =
      step.stage === 'original' || step.stage === 'comparison' ? { settings, original: this.#digest } : settings;
    const whole: Step = { ...step, settings: of, outputs };
    this.#steps.push(whole);
    return whole;
  }

  /** No step needs its result, so another version of Node does not invalidate a training. */
  #doctor(): void {
    const { lock, python, sides } = this.#run;
    this.#add({
      stage: 'doctor',
      name: 'environment',
      task: this.#place('check', 'check'),
      settings: {
        node: process.version,
        sides,
        python,
        lock: createHash('sha256').update(readFileSync(lock)).digest('hex'),
      },
      needs: [],
      seconds: 6,
      run: (context) => checkSetUp(this.#run, context),
    });
  }

  #recordings(): Recordings {
    const { experiment, folder, data, seed, sides } = this.#run;
    const generated = experiment.generated ? { ...experiment.generated } : null;
    const source = { data: data ?? null, seed, generated };
    const patients =
      experiment.pretraining.length === 0
        ? undefined
        : this.#add({
            stage: 'data',
            name: 'patients',
            task: this.#place('data', 'data', 'patients'),
            settings: { source, patients: experiment.patients ?? null },
            needs: [],
            seconds: 3,
            outputs: [patientsFolder(folder)],
            run: ({ report }) => providePatients(patientsFolder(folder), experiment, { data, seed, report }),
          });
    const records = new Map(
      experiment.sets.map((set) => {
        const place = recordsFolder(folder, set, data);
        const step = this.#add({
          stage: 'data',
          name: `records of ${set.name}`,
          task: this.#place('data', 'data', 'records', set.name),
          settings: { source, records: set.records },
          needs: [],
          seconds: 3,
          // The user's own folder is read in place.
          outputs: place.startsWith(folder.records) ? [place] : [],
          run: ({ report }) => provideRecords(place, set, experiment, { data, seed, report }),
        });
        return [set.name, step] as const;
      }),
    );
    const suites = sides.length === 2 && data === undefined ? this.#suiteRecords() : undefined;
    return { ...(patients && { patients }), records, ...(suites && { suites }) };
  }

  /** Made before the comparisons, because several processes may compare at the same time. */
  #suiteRecords(): Step {
    const { folder, seed } = this.#run;
    return this.#add({
      stage: 'data',
      name: 'records of the suites',
      task: this.#place('data', 'data', 'suites'),
      settings: { seed, recipe },
      needs: [],
      seconds: 2,
      outputs: [folder.suiteRecords],
      run: async ({ report }) => {
        await generatedCollections(folder.suiteRecords, seed, report);
      },
    });
  }

  /** Adds all steps of one side. */
  #side(side: SideName, raw: Recordings): SideSteps {
    const { experiment } = this.#run;
    const prepared = new Map(
      experiment.sets.map((set) => [set.name, this.#prepare(side, set, raw.records.get(set.name)!)] as const),
    );
    const pretrained = new Map(
      experiment.pretraining.map((job) => [job.name, this.#pretrain(side, job, raw.patients!)] as const),
    );
    const weights = new Map(
      [...pretrained].map(([name, step]) => [name, this.#weights(side, jobOf(experiment, name), step)] as const),
    );
    if (experiment.finetuning.some((job) => job.weights === given)) weights.set(given, this.#givenWeights(side));
    const trials = experiment.finetuning.flatMap((job) => this.#trials().map((trial) => ({ job, trial })));
    const finetuned = new Map(
      trials.map(({ job, trial }) => {
        const needs = [prepared.get(job.set)!, ...(job.weights === undefined ? [] : [weights.get(job.weights)!])];
        return [trialOf(job.name, trial), this.#finetune(side, job, trial, needs)] as const;
      }),
    );
    const predicted = new Map(
      (side === 'port' ? trials : []).map(({ job, trial }) => {
        const key = trialOf(job.name, trial);
        return [key, this.#predict(job, trial, finetuned.get(key)!)] as const;
      }),
    );
    const scores = this.#scores(side, [...(side === 'port' ? predicted : finetuned).values()]);
    return { prepared, pretrained, weights, finetuned, predicted, scores };
  }

  #prepare(side: SideName, set: FinetuningSet, records: Step): Step {
    const { folder, seed } = this.#run;
    const { fs, pad, testSize } = set;
    return this.#add({
      ...placed(side, 'data', `prepared ${set.name}`),
      task: this.#place('data', ...(side === 'port' ? ['data'] : ['original']), 'prepared', set.name),
      settings: { seed, fs, pad, testSize: testSize ?? null },
      needs: [records],
      seconds: 5 + (side === 'original' ? pythonStart : 0),
      outputs: partsOf(set.name).map((part) => folder.prepared(side, set.name, part)),
      run: (context) => (side === 'port' ? preparePort : prepareOriginal)(this.#run, set, context),
    });
  }

  #pretrain(side: SideName, job: PretrainingJob, patients: Step): Step {
    const { folder, seed, precision } = this.#run;
    // Another choice among the epochs does not train again.
    const { chosenEpoch: _chosen, ...settings } = job;
    const frames =
      job.batchSize * job.stepsPerEpoch * job.epochs * (job.task === 'cpc' ? (job.contextSize ?? 8) + 2 : 1);
    return this.#add({
      ...placed(side, 'pretraining', job.name),
      task:
        side === 'port'
          ? this.#place('pretraining', 'pretraining', job.name)
          : this.#place('original-pretraining', 'original', 'pretraining', job.name),
      settings: { job: settings, seed, ...(side === 'port' && { precision }) },
      needs: [patients],
      seconds:
        3 +
        frames * job.frameSize * costOf[job.arch] * secondsPerSample.train +
        (side === 'original' ? pythonStart : 0),
      outputs: [folder.pretraining(side, job.name)],
      training: { folder: folder.pretraining(side, job.name), epochs: job.epochs },
      run: (context) => (side === 'port' ? pretrainPort : pretrainOriginal)(this.#run, job, context),
    });
  }

  #weights(side: SideName, job: PretrainingJob, pretrained: Step): Step {
    const { folder } = this.#run;
    const leads = this.#leadsOf(job.name);
    return this.#add({
      ...placed(side, 'weights', job.name),
      task: pretrained.task,
      settings: { leads, chosenEpoch: job.chosenEpoch },
      needs: [pretrained],
      seconds: side === 'port' ? 1 : 4,
      outputs: [...new Set([1, ...leads])].map((count) => folder.weights(side, job.name, count)),
      run: (context) =>
        side === 'port' ? takeWeights(this.#run, job, leads) : takeOriginalWeights(this.#run, job, leads, context),
    });
  }

  #givenWeights(side: SideName): Step {
    const { folder, given: { file, arch } = { file: '', arch: null } } = this.#run;
    const leads = this.#leadsOf(given);
    const before = this.#steps.find(({ stage, name }) => stage === 'weights' && name === given);
    const whole = statSync(file, { throwIfNoEntry: false }) ?? statSync(`${file}.index`, { throwIfNoEntry: false });
    return this.#add({
      ...placed(side, 'weights', given),
      task: this.#place('data', ...(side === 'port' ? [] : ['original']), 'weights', given),
      settings: { file, arch, bytes: whole?.size ?? null, changed: whole?.mtimeMs ?? null, leads },
      needs: before ? [before] : [],
      seconds: 1,
      outputs: [...new Set([1, ...leads])].map((count) => folder.weights(side, given, count)),
      run: async () => {
        // Only the port reads the user's file, whichever side was requested.
        if (side === 'port' || !before) await takeGivenWeights(this.#run, leads);
        if (side === 'original') copyGivenWeights(this.#run, leads);
      },
    });
  }

  #finetune(side: SideName, job: FinetuningJob, trial: number, needs: readonly Step[]): Step {
    const { experiment, folder, seed, precision } = this.#run;
    const { published: _published, subset = 1, ...settings } = job;
    const arch = archOf(this.#run, job);
    const set = setOf(experiment, job);
    const usual = set.name.startsWith('ptbxl') ? 21_799 : 8000;
    const records = set.records === 'all' ? (experiment.generated?.records ?? usual) : set.records;
    const samples = records * set.pad;
    const kept = subset * (1 - (set.testSize ?? 0.2));
    return this.#add({
      ...placed(side, 'finetuning', `${job.name}, trial ${trial}`),
      task:
        side === 'port'
          ? this.#place('finetuning', 'finetuning', job.name, 'trial', String(trial))
          : this.#place('original-finetuning', 'original', 'finetuning', job.name, 'trial', String(trial)),
      settings: { job: { ...settings, arch, subset }, trial, seed, ...(side === 'port' && { precision }) },
      needs,
      seconds:
        4 +
        samples * costOf[arch] * (job.epochs * kept * secondsPerSample.train + secondsPerSample.predict) +
        (side === 'original' ? pythonStart : 0),
      outputs: [folder.finetuning(side, job.name, trial)],
      training: { folder: folder.finetuning(side, job.name, trial), epochs: job.epochs },
      run: (context) => (side === 'port' ? finetunePort : finetuneOriginal)(this.#run, job, trial, context),
    });
  }

  #predict(job: FinetuningJob, trial: number, finetuned: Step): Step {
    return this.#add({
      stage: 'predictions',
      name: `${job.name}, trial ${trial}`,
      // They must be the same bytes as the job's own, so they are made on the same machine.
      task: finetuned.task,
      needs: [finetuned],
      seconds: 2,
      outputs: [this.#run.folder.predictions(job.name, trial)],
      run: (context) => predictPort(this.#run, job, trial, context),
    });
  }

  #scores(side: SideName, results: readonly Step[]): Step {
    const { folder, experiment } = this.#run;
    return this.#add({
      ...placed(side, 'metrics', 'scores'),
      task: this.#place('finish', 'finish'),
      settings: { contrasts: experiment.contrasts.map((contrast) => ({ ...contrast })) },
      needs: results,
      seconds: 3,
      outputs: [folder.scores(side)],
      run: (context) => scoreSide(this.#run, side, context),
    });
  }

  #comparisons(port: SideSteps, original: SideSteps, suiteRecords: Step | undefined): Step[] {
    const { folder, data, seed } = this.#run;
    const add = (name: string, task: TaskPlace, needs: readonly Step[], chosen: Chosen, seconds: number): Step => {
      const file = findingsFile(folder, name);
      return this.#add({
        stage: 'comparison',
        name,
        task,
        settings: { data: data ?? null, seed, cases: chosen.map((one) => one.case.name) },
        needs: [...needs, ...(suiteRecords ? [suiteRecords] : [])],
        seconds,
        outputs: [file],
        run: (context) => compareStep(this.#run, file, chosen, context),
        retry: () => brokeOff(file),
      });
    };
    return [
      ...runChecks(this.#run).map(({ name, of, suite, compare }) =>
        add(
          name,
          this.#place('checks', 'checks', of.kind, of.name),
          readBy(of, port, original),
          ownCase(suite, name, compare),
          2,
        ),
      ),
      ...suiteChecks(this.#run).map(({ name, chosen }) =>
        add(`suite ${name}`, this.#place('suites', 'suite', name), [], chosen, suiteSeconds[name] ?? 5),
      ),
    ];
  }

  #report({ remarks, margin, finetuning }: Experiment, results: readonly Step[], compared: readonly Step[]): void {
    const { folder, sides, trials } = this.#run;
    this.#add({
      stage: 'report',
      name: 'report',
      task: this.#place('finish', 'finish'),
      settings: { sides, trials, remarks, margin, published: finetuning.map(({ published = [] }) => published) },
      needs: [...results, ...compared],
      seconds: 2,
      outputs: [scoresFile, scoresPage, ...(sides.length === 2 ? ['report.json'] : [])].map((file) =>
        join(folder.root, file),
      ),
      run: () => {
        const marks = new StepMarks(folder.steps);
        const seconds = this.#steps.reduce((sum, step) => sum + (marks.seconds(step) ?? 0), 0);
        return writeRunReport(
          this.#run,
          compared.flatMap(({ outputs }) => outputs),
          seconds,
        );
      },
    });
  }

  /** Numbers of leads of the sets on which a pretraining job's weights are finetuned. */
  #leadsOf(weights: string): number[] {
    const { finetuning } = this.#run.experiment;
    const leads = finetuning.filter((job) => job.weights === weights).map(({ set }) => collectionOf[set].leads);
    return [...new Set(leads)].sort((a, b) => a - b);
  }

  #trials(): number[] {
    return Array.from({ length: this.#run.trials }, (_, i) => i + 1);
  }
}

/** The port's work is spread over the stages; the original's work is one stage. */
function placed(side: SideName, stage: Exclude<Step['stage'], 'original'>, name: string): Pick<Step, 'stage' | 'name'> {
  if (side === 'port') return { stage, name };
  return { stage: 'original', name: name.startsWith('prepared ') ? name : `${stage} ${name}` };
}

function jobOf({ pretraining }: Experiment, name: string): PretrainingJob {
  return pretraining.find((job) => job.name === name)!;
}

function trialOf(job: string, trial: number): string {
  return `${job}, trial ${trial}`;
}

/** What the scores and the report read of a side. */
function resultsOf({ prepared, weights, finetuned, predicted, scores }: SideSteps): Step[] {
  return [...prepared.values(), ...weights.values(), ...(predicted.size > 0 ? predicted : finetuned).values(), scores];
}

/** The steps whose files a comparison reads; see compare_data.ts and compare_jobs.ts. */
function readBy(of: Compared, port: SideSteps, original: SideSteps): Step[] {
  switch (of.kind) {
    case 'data':
      return [port.prepared.get(of.name)!, original.prepared.get(of.name)!];
    case 'pretraining':
      return [port.pretrained.get(of.name)!, original.pretrained.get(of.name)!, original.weights.get(of.name)!];
    case 'finetuning': {
      const key = trialOf(of.name, of.trial);
      return [port.finetuned.get(key)!, port.predicted.get(key)!, original.finetuned.get(key)!];
    }
  }
}

/** Longest id of a task: it has to fit into names of 63 characters, with what others add. */
const longestId = 50;

/** An id from words, for names of files, targets of make, labels of Kubernetes. */
function taskId(words: readonly string[]): string {
  const plain = words
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  if (plain.length <= longestId) return plain;
  const hash = createHash('sha256').update(words.join('\n')).digest('hex').slice(0, 8);
  return `${plain.slice(0, longestId - 9).replace(/-$/, '')}-${hash}`;
}
