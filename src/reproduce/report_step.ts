import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from 'markdown-table';
import { identifyOriginal } from '../bridge/witness.ts';
import { joinFindings } from '../compare/comparison.ts';
import { type Comparison, sidesOf, writeReport } from '../compare/report/index.ts';
import { machine } from '../lib/machine.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { readFacts, readFindings } from './comparison_steps.ts';
import { readRunDescription } from './description.ts';
import { collectionNames } from './recordings.ts';
import { scoreTables } from './score_tables.ts';
import { readScores } from './scores.ts';
import type { RunSettings } from './settings.ts';

/** File with the tables of scores. */
export const scoresFile = 'scores.md';

/** Writes the tables of scores of the sides that ran and, if both did, the report of their comparison. */
export async function writeRunReport(
  run: RunSettings,
  findingsFiles: readonly string[],
  seconds: number,
): Promise<void> {
  const { experiment, folder, sides } = run;
  const tables = scoreTables(experiment, new Map(sides.map((side) => [side, readScores(run, side)])));
  const parts = tables.flatMap(({ title, columns, rows, note }) => [
    `## ${title}`,
    markdownTable([[...columns], ...rows.map((row) => row.map(String))]),
    ...(note ? [note] : []),
  ]);
  const head = [`# Scores of the experiment ${experiment.name}`, ...experiment.remarks.map((remark) => `- ${remark}`)];
  writeFileAtomic(join(folder.root, scoresFile), `${[head.join('\n'), ...parts].join('\n\n')}\n`);
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
        ...tables.map((table) => ({ ...table, suite: 'metrics' as const })),
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
