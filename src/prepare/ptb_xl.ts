import { InputError } from '../errors.ts';
import { wholeNumber } from '../lib/csv/table.ts';
import {
  byCodePoint,
  type Listing,
  missingColumn,
  multiHot,
  openTable,
  recordPath,
  refuseRepeated,
  requireDirectory,
  requireFile,
  statementClasses,
  statementCodes,
} from '../port/transplant/datasets/physionet/listing.ts';

/** The six tasks of the public benchmark (Strodthoff et al. 2021, doi:10.1109/JBHI.2020.3022989). */
export const benchmarkTasks = ['all', 'diagnostic', 'subdiagnostic', 'superdiagnostic', 'form', 'rhythm'] as const;

/** Which labels of PTB-XL a network learns. */
export type BenchmarkTask = (typeof benchmarkTasks)[number];

/** Column of `scp_statements.csv` that gives the class of a diagnostic statement. */
const coarseColumn = { subdiagnostic: 'diagnostic_subclass', superdiagnostic: 'diagnostic_class' } as const;

/** How `listPtbXlTask` lists. */
export interface PtbXlTaskOptions {
  /** `lr`: 100 Hz, `hr`: 500 Hz. */
  readonly fs: 'lr' | 'hr';
  /** Keep only these `strat_fold` (default: all). */
  readonly folds?: readonly number[];
}

/**
 * Records of PTB-XL with the labels of a task of the benchmark, without the signals. As there, a statement of likelihood 0 counts; the classes are those that occur, in the order of
 * their code points; a record without any class is left out.
 *
 * @throws InputError or ValueError if a table cannot be read or lacks a column.
 */
export function listPtbXlTask(
  folder: string,
  task: BenchmarkTask,
  { fs, folds = [] }: PtbXlTaskOptions,
): Listing<'int64', number> {
  requireDirectory(folder);
  const file = requireFile(folder, 'ptbxl_database.csv');
  const database = openTable(file);
  const signals = `filename_${fs}`;
  for (const column of ['ecg_id', 'patient_id', 'strat_fold', 'scp_codes', signals]) {
    if (!database.has(column)) throw new InputError(missingColumn(database, column));
  }
  const classOf = classesOfStatements(folder, task);
  const rows = database.rows.map((row) => {
    const number = (column: string): number => wholeNumber(database.cell(row, column), file, row.line, column);
    const codes = statementCodes(database.cell(row, 'scp_codes'), file, row.line);
    const labels = new Set([...codes].map(classOf).filter((name) => name !== undefined));
    const [id, patient, fold] = (['ecg_id', 'patient_id', 'strat_fold'] as const).map(number);
    return { row, id, patient, fold, labels };
  });
  refuseRepeated(rows, file);
  const wanted = rows.filter(({ fold }) => folds.length === 0 || folds.includes(fold));
  const kept = wanted.filter(({ labels }) => labels.size > 0);
  const columns = [...new Set(kept.flatMap(({ labels }) => [...labels]))].sort(byCodePoint);
  const present = kept.map(({ labels }) => labels);
  return {
    paths: kept.map(({ row }) => recordPath(folder, database.cell(row, signals), file, row.line)),
    labels: { index: kept.map(({ id }) => id), columns, values: multiHot('int64', present, columns, file) },
    patientIds: kept.map(({ patient }) => patient),
    folds: kept.map(({ fold }) => fold),
    unlabelled: wanted.filter(({ labels }) => labels.size === 0).map(({ id }) => id),
  };
}

/** The class of each statement in a task. The task `all` also takes statements that `scp_statements.csv` does not list. */
function classesOfStatements(folder: string, task: BenchmarkTask): (code: string) => string | undefined {
  if (task === 'all') return (code) => code;
  const statements = openTable(requireFile(folder, 'scp_statements.csv'));
  const coarse = task === 'subdiagnostic' || task === 'superdiagnostic' ? coarseColumn[task] : undefined;
  for (const column of [coarse ? 'diagnostic' : task, ...(coarse ? [coarse] : [])]) {
    if (!statements.columns.slice(1).includes(column)) throw new InputError(missingColumn(statements, column));
  }
  const codes = new Set(statementClasses(statements, coarse ? 'diagnostic' : task));
  if (coarse === undefined) return (code) => (codes.has(code) ? code : undefined);
  const listed = statements.rows.filter(({ fields }) => codes.has(fields[0]));
  const names = new Map(listed.map((row) => [row.fields[0], statements.cell(row, coarse).trim() || undefined]));
  return (code) => names.get(code);
}
