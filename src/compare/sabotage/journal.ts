import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { SurveyedCase } from './survey.ts';
import type { Trial } from './trial.ts';

type Line = { readonly campaign: string } | { readonly survey: readonly SurveyedCase[] } | { readonly trial: Trial };

/** What a sabotage run has found so far, a line of JSON each in `journal.jsonl`; a run that was stopped goes on from there. */
export class Journal {
  readonly #path: string;
  readonly trials = new Map<string, Trial>();
  #survey: readonly SurveyedCase[] | undefined;

  /** Opens the journal of a campaign; one of another campaign (other sources, data or cases) in the folder is replaced. */
  constructor(folder: string, campaign: string) {
    this.#path = join(folder, 'journal.jsonl');
    mkdirSync(folder, { recursive: true });
    const lines = existsSync(this.#path) ? readLines(this.#path) : [];
    const [head] = lines;
    const known = head && 'campaign' in head && head.campaign === campaign ? lines : [{ campaign }];
    // Written anew: a line that was cut off must not stand before the next one.
    writeFileAtomic(this.#path, known.map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (const line of known) {
      if ('survey' in line) this.#survey = line.survey;
      else if ('trial' in line) this.trials.set(line.trial.id, line.trial);
    }
  }

  get survey(): readonly SurveyedCase[] | undefined {
    return this.#survey;
  }

  keepSurvey(survey: readonly SurveyedCase[]): void {
    this.#survey = survey;
    this.#write({ survey });
  }

  keep(trial: Trial): void {
    this.trials.set(trial.id, trial);
    this.#write({ trial });
  }

  #write(line: Line): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}

/** Whole lines; one that was cut off by the end of its process is dropped. */
function readLines(path: string): Line[] {
  const lines: Line[] = [];
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    try {
      lines.push(JSON.parse(text) as Line);
    } catch {
      break;
    }
  }
  return lines;
}
