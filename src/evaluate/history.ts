import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toFloat64 } from '../lib/numpy/convert.ts';
import { readCsv } from '../lib/pandas/csv.ts';

/** A figure of each epoch of a job. */
export interface LearningCurve {
  readonly metric: string;
  readonly epochs: Float64Array;
  readonly training?: Float64Array;
  readonly validation?: Float64Array;
}

/** The learning curves of a job folder; none without `history.csv`. Throws an InputError for a damaged file. */
export function learningCurves(job: string): LearningCurve[] {
  const file = join(job, 'history.csv');
  if (!existsSync(file)) return [];
  const { columns } = readCsv(file);
  const numbers = (name: string): Float64Array | undefined => {
    const column = columns.get(name);
    return column === undefined || column.dtype === 'object' || column.dtype === 'str' ? undefined : toFloat64(column);
  };
  const epochs = numbers('epoch');
  if (epochs === undefined || epochs.length === 0) return [];
  const metrics = new Set(
    [...columns.keys()].filter((name) => name !== 'epoch').map((name) => name.replace(/^val_/, '')),
  );
  return [...metrics].flatMap((metric): LearningCurve[] => {
    const [training, validation] = [numbers(metric), numbers(`val_${metric}`)];
    if (training === undefined && validation === undefined) return [];
    return [{ metric, epochs, ...(training && { training }), ...(validation && { validation }) }];
  });
}
