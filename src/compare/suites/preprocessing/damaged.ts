import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { CollectionCall, CollectionOutcome } from '../../../bridge/original_data.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import type { LabelFrame } from '../../../port/transplant/datasets/physionet.ts';
import {
  readChallenge17Data,
  readChallenge20Data,
  readPtbXlData,
} from '../../../port/transplant/datasets/physionet.ts';
import { type Row, sameText } from '../../closeness.ts';
import type { SuiteCase, SuiteContext } from '../../suite.ts';
import { outcomeOf } from '../shared/data_cases.ts';
import { portData } from './port_data.ts';
import { type Recipe, recipes, sourcesOf } from './recipes.ts';

/** How a copy of a collection is damaged. */
interface Damage {
  readonly title: string;
  readonly change: (folder: string) => void;
  /** Options of the calls, by their Python names. */
  readonly options?: CollectionCall['options'];
}

type Edit = (text: string) => string;

function editing(name: string, edit: Edit): Damage['change'] {
  return (folder) => writeFileAtomic(join(folder, name), edit(readFileSync(join(folder, name), 'utf8')));
}

function removing(name: string): Damage['change'] {
  return (folder) => rmSync(join(folder, name));
}

const everyLine =
  (edit: Edit): Edit =>
  (text) =>
    text.trim().split(/\r?\n/).map(edit).join('\n');

/** Changes the rows of a CSV text. */
function editingRows(name: string, edit: (rows: string[][]) => string[][]): Damage['change'] {
  return editing(name, (text) => {
    const rows = edit(parse(text, { skip_empty_lines: true }) as string[][]);
    return rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\n');
  });
}

function withoutColumn(name: string, column: string): Damage {
  const change = editingRows(name, ([header, ...rows]) => {
    const at = header.indexOf(column);
    return [header, ...rows].map((row) => row.filter((_, i) => i !== at));
  });
  return { title: `${name} without ${column}`, change };
}

function headers(edit: (text: string, record: number) => string): Damage['change'] {
  return (folder) => {
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.hea'))
      .sort();
    for (const [i, name] of names.entries()) editing(name, (text) => edit(text, i))(folder);
  };
}

function emptied(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
}

/** A WFDB header that describes only the first half of its signals. */
function withHalfOfTheLeads(text: string): string {
  const [first, ...lines] = text.split('\n');
  const [name, leads, ...fields] = first.split(' ');
  const kept = Math.floor(Number(leads) / 2);
  return [[name, kept, ...fields].join(' '), ...lines.slice(0, kept), ...lines.slice(Number(leads))].join('\n');
}

const diagnosis = /^# ?Dx:.*\n?/gm;

const damages: Readonly<Record<Recipe['collection'], readonly Damage[]>> = {
  challenge17: [
    { title: 'without RECORDS', change: removing('RECORDS') },
    { title: 'without REFERENCE.csv', change: removing('REFERENCE.csv') },
    {
      title: 'REFERENCE.csv of three columns',
      change: editing(
        'REFERENCE.csv',
        everyLine((line) => `${line},x`),
      ),
    },
    {
      title: 'REFERENCE.csv of five columns',
      change: editing(
        'REFERENCE.csv',
        everyLine((line) => `${line},x,y,z`),
      ),
    },
    {
      title: 'RECORDS of two columns',
      change: editing(
        'RECORDS',
        everyLine((line) => `${line},x`),
      ),
    },
    { title: 'an empty REFERENCE.csv', change: editing('REFERENCE.csv', () => '') },
    { title: 'an empty RECORDS', change: editing('RECORDS', () => '') },
    {
      title: 'a name without files',
      change: editing(
        'RECORDS',
        everyLine((line) => line.replace(/^A/, 'B')),
      ),
    },
    {
      title: 'a header that is missing',
      change: (folder) => removing(readdirSync(folder).find((name) => name.endsWith('.hea'))!)(folder),
    },
  ],
  challenge20: [
    { title: 'no header with a Dx comment', change: headers((text) => text.replace(diagnosis, '')) },
    {
      title: 'one header with a Dx comment',
      change: headers((text, i) => (i === 1 ? text : text.replace(diagnosis, ''))),
    },
    {
      title: 'one header without a Dx comment',
      change: headers((text, i) => (i === 1 ? text.replace(diagnosis, '') : text)),
    },
    {
      title: 'a header with two Dx comments',
      change: headers((text, i) => (i === 1 ? `${text.trimEnd()}\n#Dx: 1\n` : text)),
    },
    {
      title: 'a header with half of its leads',
      change: headers((text, i) => (i === 1 ? withHalfOfTheLeads(text) : text)),
    },
    { title: 'no signals', change: emptied },
  ],
  ptb_xl: [
    { title: 'without ptbxl_database.csv', change: removing('ptbxl_database.csv') },
    { title: 'without scp_statements.csv', change: removing('scp_statements.csv') },
    ...['ecg_id', 'patient_id', 'scp_codes', 'strat_fold', 'filename_hr', 'filename_lr'].flatMap((column) => {
      const damage = withoutColumn('ptbxl_database.csv', column);
      return [damage, { ...damage, title: `${damage.title}, some folds`, options: { folds: [1, 2, 3, 4, 5] } }];
    }),
    withoutColumn('scp_statements.csv', 'rhythm'),
    { title: 'an empty ptbxl_database.csv', change: editing('ptbxl_database.csv', () => '') },
    { title: 'an empty scp_statements.csv', change: editing('scp_statements.csv', () => '') },
    { title: 'ptbxl_database.csv without rows', change: editing('ptbxl_database.csv', (text) => text.split('\n')[0]) },
    { title: 'a fold without records', change: () => {}, options: { folds: [77] } },
    { title: 'an unknown category', change: () => {}, options: { category: 'shape' } },
    {
      title: 'a statement without a name, others in three quotation marks',
      change: editing('ptbxl_database.csv', (text) =>
        text.replace(/"\{'/g, `"{'': 0.0, '''S''': 1.0, '`).replace(/'SR'/g, "'''SR'''"),
      ),
    },
    {
      title: 'statements as lists',
      change: editing('ptbxl_database.csv', (text) =>
        text.replace(/"\{('[^"]*)\}"/g, (_, codes: string) => `"[${codes.replace(/: [\d.]+/g, '')}]"`),
      ),
    },
  ],
};

const wordsOf = (labels: Pick<LabelFrame, 'index' | 'columns'>): string =>
  `${labels.index.join(' ')}; classes ${labels.columns.join(' ')}`;

/** What the port makes of a call, in words. */
async function portOutcome({ collection, reads, dbDir, options }: CollectionCall): Promise<string> {
  const outcome = await outcomeOf(async () => {
    if (!reads) {
      const { recordIds, classes } = await portData(collection, dbDir, options);
      return wordsOf({ index: recordIds, columns: classes });
    }
    const { category, folds } = options;
    return {
      challenge17: () => wordsOf(readChallenge17Data(dbDir).labels),
      challenge20: () => wordsOf(readChallenge20Data(dbDir).labels),
      ptb_xl: () => wordsOf(readPtbXlData(dbDir, { category, folds }).labels),
    }[collection]();
  });
  return 'error' in outcome ? outcome.error : outcome.value;
}

function originalOutcome(outcome: CollectionOutcome): string {
  return 'error' in outcome ? outcome.error : wordsOf(outcome);
}

/** One row for each way of damaging a collection: what both sides return, or which error they raise. */
async function sameOutcomes(context: SuiteContext, recipe: Recipe, source: string): Promise<Row[]> {
  const { collection, title: name } = recipe;
  const rows: Row[] = [];
  for (const [i, { title, change, options = {} }] of damages[collection].entries()) {
    const dbDir = join(context.scratch, `${collection}_${i}`);
    cpSync(source, dbDir, { recursive: true });
    change(dbDir);
    const calls: CollectionCall[] = [
      { collection, reads: true, dbDir, options },
      { collection, reads: false, dbDir, options: { ...options, pad: 'max' } },
      { collection, reads: false, dbDir, options: { ...options, pad: 100, normalize: true } },
    ];
    const theirs = await context.original.data.outcomes(calls);
    const ours: string[] = [];
    for (const call of calls) ours.push(await portOutcome(call));
    rows.push(
      sameText('preprocessing', `${name}, ${title}: outcome`, ours.join('\n'), theirs.map(originalOutcome).join('\n')),
    );
    rmSync(dbDir, { recursive: true });
  }
  return rows;
}

/** Collections with files, columns or comments missing: both sides return the same, or raise the same class of error. */
export const damagedCases: readonly SuiteCase[] = recipes.map((recipe) => ({
  name: `${recipe.title}: damaged files`,
  on: { dataSet: recipe.dataSet },
  quick: true,
  run: async (context) => {
    const [source] = sourcesOf(context, recipe, 6);
    return sameOutcomes(context, recipe, source);
  },
}));
