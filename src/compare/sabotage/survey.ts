import type { Reporter } from '../../events.ts';
import type { SuiteName } from '../suite.ts';
import type { CaseName, ListedCase } from './messages.ts';
import type { Mutant } from './mutants.ts';
import type { Probe } from './probes.ts';
import type { Site } from './rules.ts';
import { copyWithProbes } from './trees.ts';
import type { SabotageWorker } from './worker_process.ts';

/** A case on the undamaged sources: how long it takes and which places it runs. */
export interface SurveyedCase extends CaseName {
  readonly passed: boolean;
  /** Why it did not pass. */
  readonly detail: string;
  readonly seconds: number;
  /** Places that it runs, as {@link placesOf} names them. */
  readonly places: readonly string[];
}

/** Seconds that a case of the undamaged sources may take. */
const patience = 900;

/** What a survey needs. */
export interface SurveyOptions {
  readonly worker: SabotageWorker;
  /** The undamaged sources, and a folder for a copy of them with probes. */
  readonly base: string;
  readonly folder: string;
  /** What may be damaged later. */
  readonly mutants: readonly Mutant[];
  readonly wanted: (one: ListedCase) => boolean;
  /** Gets each case as soon as it has run. */
  readonly keep: (one: SurveyedCase) => void;
  readonly report: Reporter;
}

/** Runs cases once on an instrumented copy of the sources. */
export async function survey(options: SurveyOptions): Promise<void> {
  const { worker, base, folder, mutants, wanted, keep, report } = options;
  const { probes, places } = probesFor(mutants);
  const module = copyWithProbes(base, folder, probes);
  const cases = (await worker.list(folder)).filter(wanted);
  if (cases.length === 0) return;
  const task = 'Running the undamaged port';
  report({ kind: 'start', task, total: cases.length, unit: 'cases' });
  for (const [done, { suite, case: name }] of cases.entries()) {
    report({ kind: 'progress', task, done, detail: `${suite}: ${name}` });
    const { outcome, detail, seconds, hits } = await worker.run(folder, { suite, case: name }, patience * 1000, module);
    const hit = new Set(hits.flatMap((number) => places[number] ?? []));
    keep({ suite, case: name, passed: outcome === 'passed', detail, seconds, places: [...hit] });
  }
  report({ kind: 'end', task });
}

/** Names of the places of which at least one must run for a mutant to have an effect. */
function placesOf({ file, sites }: Mutant): string[] {
  return sites.length > 0 ? sites.map((site) => nameOf(file, site)) : [file];
}

function nameOf(file: string, { start, end }: Site): string {
  return `${file}:${start}-${end}`;
}

function probesFor(mutants: readonly Mutant[]): { probes: Map<string, Probe[]>; places: string[][] } {
  const probes = new Map<string, Probe[]>();
  const places: string[][] = [];
  const known = new Set<string>();
  for (const { file, sites } of mutants) {
    const inFile = probes.get(file) ?? [];
    for (const site of sites) {
      const place = nameOf(file, site);
      if (known.has(place)) continue;
      known.add(place);
      // Code that runs in a file depends on what the file defines when it is loaded.
      inFile.push({ ...site, number: places.push([place, file]) - 1 });
    }
    probes.set(file, inFile);
  }
  return { probes, places };
}

/**
 * Cases that run the code changed by a mutant, the fastest first. For a hand-made mutant, only those of the suite that must catch it; then
 * its other cases, because nobody knows what the change touches. Nor where other modules read a constant: all cases of the suites that depend
 * on its file take part.
 */
export function casesFor(
  mutant: Mutant,
  surveyed: readonly SurveyedCase[],
  dependsOn: (suite: SuiteName, file: string) => boolean = () => false,
): SurveyedCase[] {
  const { suite, case: only, file, exported = false } = mutant;
  const usable = surveyed.filter(
    (one) => one.passed && (!suite || suite === one.suite) && (!only || only === one.case),
  );
  const wanted = new Set(placesOf(mutant));
  const runs = ({ places }: SurveyedCase): boolean => places.some((place) => wanted.has(place));
  const isByHand = suite !== undefined;
  const runsFirst = (a: SurveyedCase, b: SurveyedCase): number => (isByHand ? Number(runs(b)) - Number(runs(a)) : 0);
  return usable
    .filter((one) => runs(one) || ((isByHand || exported) && dependsOn(one.suite, file)))
    .sort((a, b) => runsFirst(a, b) || a.seconds - b.seconds);
}
