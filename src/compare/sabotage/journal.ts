import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { array, boolean, custom, type GenericSchema, object, optional, picklist, string, union } from 'valibot';
import { finiteNumber } from '../../lib/json/fields.ts';
import { readSoundLines } from '../../lib/json/file.ts';
import { appendText } from '../../lib/own_files.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { SuiteName } from '../suite.ts';
import type { SurveyedCase } from './survey.ts';
import type { Trial } from './trial.ts';

/** Digests of everything that determines a run's results. */
export interface Campaign {
  /** Sources to damage, data, and the original. If they change, everything starts again. */
  readonly port: string;
  /** Suites and bridge. If they change, mutants that were not noticed are tried again. */
  readonly suites: string;
  /** Suites and the places that are watched. If they change, the cases run again on the undamaged sources. */
  readonly survey: string;
}

type Line =
  | { readonly port: string }
  | { readonly survey: string; readonly surveyed: SurveyedCase }
  | { readonly suites: string; readonly trial: Trial };

const suite = custom<SuiteName>((value) => typeof value === 'string', 'a text');
const caseName = object({ suite, case: string() });
const lineSchema: GenericSchema<unknown, Line> = union([
  object({
    survey: string(),
    surveyed: object({
      ...caseName.entries,
      passed: boolean(),
      detail: string(),
      seconds: finiteNumber,
      places: array(string()),
    }),
  }),
  object({
    suites: string(),
    trial: object({
      id: string(),
      outcome: picklist(['caught', 'survived', 'unsure']),
      how: optional(custom<NonNullable<Trial['how']>>((value) => typeof value === 'string', 'a text')),
      by: optional(caseName),
      detail: string(),
      finished: boolean(),
      cases: array(string()),
      seconds: finiteNumber,
    }),
  }),
  object({ port: string() }),
]);

/** What a sabotage run has found so far, one JSON line each in `journal.jsonl`, from which a stopped run resumes. */
export class Journal {
  readonly #path: string;
  readonly #suites: string;
  readonly #survey: string;
  readonly trials = new Map<string, Trial>();
  readonly surveyed: SurveyedCase[] = [];

  /** Opens the journal in a folder and drops entries of other campaigns that cannot be used. */
  constructor(folder: string, { port, suites, survey }: Campaign) {
    this.#path = join(folder, 'journal.jsonl');
    this.#suites = suites;
    this.#survey = survey;
    mkdirSync(folder, { recursive: true });
    const [head, ...lines] = readSoundLines(this.#path, lineSchema, { maxBytes: 2 ** 28 }) as Line[];
    const usable = head && 'port' in head && head.port === port ? lines.filter((line) => this.#isUsable(line)) : [];
    // Rewritten, so that no truncated line stays before the next one.
    writeFileAtomic(this.#path, [{ port }, ...usable].map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (const line of usable) {
      if ('surveyed' in line) this.surveyed.push(line.surveyed);
      else if ('trial' in line) this.trials.set(line.trial.id, line.trial);
    }
  }

  keepCase(surveyed: SurveyedCase): void {
    this.surveyed.push(surveyed);
    this.#write({ survey: this.#survey, surveyed });
  }

  keep(trial: Trial): void {
    this.trials.set(trial.id, trial);
    this.#write({ suites: this.#suites, trial });
  }

  #isUsable(line: Line): boolean {
    if ('trial' in line) return line.trial.outcome === 'caught' || line.suites === this.#suites;
    return 'surveyed' in line && line.survey === this.#survey;
  }

  #write(line: Line): void {
    appendText(this.#path, `${JSON.stringify(line)}\n`);
  }
}
