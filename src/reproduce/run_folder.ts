import { join } from 'node:path';
import type { SetName } from '../experiment_schema.ts';

/** Which code ran. */
export type SideName = 'port' | 'original';

/** The part of a divided data set. */
export type PartName = 'train' | 'val' | 'test';

/** Where everything of a run lies. Nothing is written outside its root. */
export class RunFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Completion marks of the steps. */
  get steps(): string {
    return join(this.root, 'steps');
  }

  /** Log of a task. */
  log(task: string): string {
    return join(this.root, 'logs', `${task}.log`);
  }

  /** Lock of a task, relative to the root. */
  lock(task: string): string {
    return join('locks', `${task}.lock`);
  }

  /** Recordings as both sides read them. */
  get records(): string {
    return join(this.root, 'records');
  }

  /** Generated recordings for the comparison suites. */
  get suiteRecords(): string {
    return join(this.records, 'suites');
  }

  /** Prepared sets of one side. */
  data(side: SideName): string {
    return join(this.root, side, 'data');
  }

  prepared(side: SideName, set: SetName, part: PartName | 'all'): string {
    return join(this.data(side), part === 'all' ? `${set}.pkl` : `${set}_${part}.pkl`);
  }

  pretraining(side: SideName, job: string): string {
    return join(this.root, side, 'pretraining', job);
  }

  /** Validation frames of a pretraining job. */
  validationFrames(side: SideName, job: string): string {
    return join(this.data(side), `${job}_validation.pkl`);
  }

  /** A pretrained backbone for one lead, or for several. */
  weights(side: SideName, job: string, leads = 1): string {
    return join(this.root, side, 'weights', leads === 1 ? `${job}.weights.h5` : `${job}.adjusted.weights.h5`);
  }

  finetuning(side: SideName, job: string, trial: number): string {
    return join(this.root, side, 'finetuning', job, `trial-${trial}`);
  }

  predictions(job: string, trial: number): string {
    return join(this.root, 'port', 'predictions', job, `trial-${trial}.csv`);
  }

  scores(side: SideName): string {
    return join(this.root, side, 'scores.json');
  }

  /** What a comparison step found. */
  findings(step: string): string {
    return join(this.root, 'comparison', `${step}.json`);
  }

  get description(): string {
    return join(this.root, 'experiment.json');
  }
}
