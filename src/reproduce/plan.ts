import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identifyOriginal } from '../bridge/witness.ts';
import type { Chosen } from '../compare/comparison.ts';
import type { Experiment, FinetuningJob, FinetuningSet, PretrainingJob } from '../experiment_schema.ts';
import { brokeOff, compareStep, findingsFile, ownCase, runChecks, suiteChecks } from './comparison_steps.ts';
import { checkSetUp } from './doctor_step.ts';
import {
  copyGivenWeights,
  finetuneOriginal,
  prepareOriginal,
  pretrainOriginal,
  takeOriginalWeights,
} from './original_steps.ts';
import { finetunePort, predictPort, preparePort, pretrainPort, takeGivenWeights, takeWeights } from './port_steps.ts';
import { collectionOf, patientsFolder, providePatients, provideRecords, recordsFolder } from './recordings.ts';
import { scoresFile, writeRunReport } from './report_step.ts';
import type { SideName } from './run_folder.ts';
import { scoreSide } from './scores.ts';
import { given, type RunSettings, setOf } from './settings.ts';
import { type Setting, type Step, StepMarks } from './step.ts';

/** All steps of a run, in order. A side that was not requested has none. */
export function planRun(run: RunSettings): Step[] {
  return new Planner(run).plan();
}

/** Seconds per sample that passes through the network in training or prediction, measured on two cores. */
const secondsPerSample = { train: 7e-6, predict: 2.5e-6 };
const pythonStart = 12;

class Planner {
  readonly #run: RunSettings;
  readonly #digest: string;
  readonly #steps: Step[] = [];

  constructor(run: RunSettings) {
    this.#run = run;
    this.#digest = identifyOriginal(run.original).digest;
  }

  plan(): Step[] {
    const { experiment, sides } = this.#run;
    this.#doctor();
    const raw = this.#recordings();
    const results = new Map<SideName, Step[]>();
    for (const side of (['port', 'original'] as const).filter((one) => sides.includes(one))) {
      results.set(side, this.#side(side, raw));
    }
    const compared = sides.length === 2 ? this.#comparisons([...results.values()].flat()) : [];
    this.#report(experiment, [...results.values()].flat(), compared);
    return this.#steps;
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
    const { lock, python } = this.#run;
    this.#add({
      stage: 'doctor',
      name: 'environment',
      settings: {
        node: process.version,
        python,
        lock: createHash('sha256').update(readFileSync(lock)).digest('hex'),
      },
      needs: [],
      seconds: 6,
      run: checkSetUp,
    });
  }

  /** Recordings that both sides read: patients, and records of each set. */
  #recordings(): { readonly patients?: Step; readonly records: ReadonlyMap<string, Step> } {
    const { experiment, folder, data, seed } = this.#run;
    const generated = experiment.generated ? { ...experiment.generated } : null;
    const source = { data: data ?? null, seed, generated };
    const patients =
      experiment.pretraining.length === 0
        ? undefined
        : this.#add({
            stage: 'data',
            name: 'patients',
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
    return { ...(patients && { patients }), records };
  }

  /** Adds all steps of one side. Returns those whose results are compared. */
  #side(side: SideName, raw: { readonly patients?: Step; readonly records: ReadonlyMap<string, Step> }): Step[] {
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
    const trials = experiment.finetuning.flatMap((job) =>
      this.#trials().map((trial) => {
        const needs = [prepared.get(job.set)!, ...(job.weights === undefined ? [] : [weights.get(job.weights)!])];
        return { job, trial, step: this.#finetune(side, job, trial, needs) };
      }),
    );
    const results =
      side === 'port'
        ? trials.map(({ job, trial, step }) => this.#predict(job, trial, step))
        : trials.map(({ step }) => step);
    const scores = this.#scores(side, results);
    return [...prepared.values(), ...weights.values(), ...results, scores];
  }

  #prepare(side: SideName, set: FinetuningSet, records: Step): Step {
    const { folder, seed } = this.#run;
    const { fs, pad, testSize } = set;
    return this.#add({
      ...placed(side, 'data', `prepared ${set.name}`),
      settings: { seed, fs, pad, testSize },
      needs: [records],
      seconds: 5 + (side === 'original' ? pythonStart : 0),
      outputs: (['train', 'test'] as const).map((part) => folder.prepared(side, set.name, part)),
      run: (context) => (side === 'port' ? preparePort : prepareOriginal)(this.#run, set, context),
    });
  }

  #pretrain(side: SideName, job: PretrainingJob, patients: Step): Step {
    const { folder, seed, precision } = this.#run;
    const frames =
      job.batchSize * job.stepsPerEpoch * job.epochs * (job.task === 'cpc' ? (job.contextSize ?? 8) + 2 : 1);
    return this.#add({
      ...placed(side, 'pretraining', job.name),
      settings: { job: { ...job }, seed, ...(side === 'port' && { precision }) },
      needs: [patients],
      seconds: 3 + frames * job.frameSize * secondsPerSample.train + (side === 'original' ? pythonStart : 0),
      outputs: [folder.pretraining(side, job.name)],
      run: (context) => (side === 'port' ? pretrainPort : pretrainOriginal)(this.#run, job, context),
    });
  }

  #weights(side: SideName, job: PretrainingJob, pretrained: Step): Step {
    const { folder } = this.#run;
    const leads = this.#leadsOf(job.name);
    return this.#add({
      ...placed(side, 'weights', job.name),
      settings: { leads },
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
    const { published: _published, ...settings } = job;
    const set = setOf(experiment, job);
    const records = set.records === 'all' ? (experiment.generated?.records ?? 8000) : set.records;
    const samples = records * set.pad;
    return this.#add({
      ...placed(side, 'finetuning', `${job.name}, trial ${trial}`),
      settings: { job: settings, trial, seed, ...(side === 'port' && { precision }) },
      needs,
      seconds:
        4 +
        samples * (job.epochs * secondsPerSample.train + secondsPerSample.predict) +
        (side === 'original' ? pythonStart : 0),
      outputs: [folder.finetuning(side, job.name, trial)],
      run: (context) => (side === 'port' ? finetunePort : finetuneOriginal)(this.#run, job, trial, context),
    });
  }

  #predict(job: FinetuningJob, trial: number, finetuned: Step): Step {
    return this.#add({
      stage: 'predictions',
      name: `${job.name}, trial ${trial}`,
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
      settings: { contrasts: experiment.contrasts.map((contrast) => ({ ...contrast })) },
      needs: results,
      seconds: 3,
      outputs: [folder.scores(side)],
      run: (context) => scoreSide(this.#run, side, context),
    });
  }

  #comparisons(results: readonly Step[]): Step[] {
    const { folder, data, seed } = this.#run;
    const add = (name: string, needs: readonly Step[], chosen: Chosen): Step => {
      const file = findingsFile(folder, name);
      return this.#add({
        stage: 'comparison',
        name,
        settings: { data: data ?? null, seed, cases: chosen.map((one) => one.case.name) },
        needs,
        seconds: 5 * chosen.length,
        outputs: [file],
        run: (context) => compareStep(this.#run, file, chosen, context),
        retry: () => brokeOff(file),
      });
    };
    return [
      ...runChecks(this.#run).map(({ name, suite, compare }) => add(name, results, ownCase(suite, name, compare))),
      ...suiteChecks(this.#run).map(({ name, chosen }) => add(`suite ${name}`, [], chosen)),
    ];
  }

  #report({ remarks, margin }: Experiment, results: readonly Step[], compared: readonly Step[]): void {
    const { folder, sides, trials } = this.#run;
    this.#add({
      stage: 'report',
      name: 'report',
      settings: { sides, trials, remarks, margin },
      needs: [...results, ...compared],
      seconds: 2,
      outputs: [join(folder.root, scoresFile), ...(sides.length === 2 ? [join(folder.root, 'report.json')] : [])],
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
