import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from 'markdown-table';
import { identifyOriginal } from '../bridge/witness.ts';
import { joinFindings } from '../compare/comparison.ts';
import { type Comparison, sidesOf, writeObservations, writeReport } from '../compare/report/index.ts';
import { machine } from '../lib/machine.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { readFacts, readFindings } from './comparison_steps.ts';
import { contrastPictures } from './contrast_picture.ts';
import { readRunDescription } from './description.ts';
import { efficiencyOf } from './efficiency.ts';
import { collectionNames } from './recordings.ts';
import { scoreTables } from './score_tables.ts';
import { readScores } from './scores.ts';
import type { RunSettings } from './settings.ts';

/** File with the tables of scores. */
export const scoresFile = 'scores.md';

/** The same as a page with pictures. */
export const scoresPage = 'scores.html';

/** Writes the tables and pictures of the scores of the sides that ran and, if both did, the report of their comparison. */
export async function writeRunReport(
  run: RunSettings,
  findingsFiles: readonly string[],
  seconds: number,
): Promise<void> {
  const { experiment, folder, sides } = run;
  const scores = new Map(sides.map((side) => [side, readScores(run, side)]));
  const efficiency = efficiencyOf(run, scores);
  const tables = [...efficiency.tables, ...scoreTables(experiment, scores)];
  const parts = tables.flatMap(({ title, columns, rows, note }) => [
    `## ${title}`,
    markdownTable([[...columns], ...rows.map((row) => row.map(String))]),
    ...(note ? [note] : []),
  ]);
  const title = `Scores of the experiment ${experiment.name}`;
  const head = [`# ${title}`, ...experiment.remarks.map((remark) => `- ${remark}`)];
  writeFileAtomic(join(folder.root, scoresFile), `${[head.join('\n'), ...parts].join('\n\n')}\n`);
  const shown = [...contrastPictures(experiment, scores), ...efficiency.curves, ...tables];
  await writeObservations(join(folder.root, scoresPage), { title, remarks: experiment.remarks, observations: shown });
  if (sides.length < 2) return;

  const found = joinFindings(findingsFiles.map(readFindings));
  const { facts, shims } = readFacts(folder);
  const { begun } = readRunDescription(folder);
  const witness = identifyOriginal(run.original);
  const notes = experiment.remarks.map((remark) => [remark]);
  const comparison: Comparison = {
    title: `Reproduction, experiment ${experiment.name}`,
    witness,
    shims,
    findings: {
      ...found,
      observations: [
        {
          kind: 'table',
          suite: 'metrics',
          title: 'Before you read the scores',
          columns: ['remark'],
          rows: notes,
        },
        ...shown.map((one) => ({ ...one, suite: 'metrics' as const })),
        ...found.observations,
      ],
    },
    sides: sidesOf(machine(folder.root), facts),
    data: { kind: run.data === undefined ? 'generated' : 'real', names: collectionNames(experiment) },
    seed: run.seed,
    begun,
    seconds,
    command: run.command,
    settings: [
      ...(run.data === undefined ? [] : ['--data', run.data]),
      ...['--seed', String(run.seed)],
      ...(witness.kind === 'reimplementation' ? [] : ['--original', run.original]),
    ],
  };
  await writeReport(folder.root, comparison);
}

/** Tables of scores as text, if they were written. */
export function readScoreText({ folder }: Pick<RunSettings, 'folder'>): string | undefined {
  const file = join(folder.root, scoresFile);
  return existsSync(file) ? Buffer.from(readWholeFile(file)).toString() : undefined;
}
