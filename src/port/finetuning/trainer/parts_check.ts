import { InputError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import type { Rows } from '../../../lib/numpy/rows.ts';
import { countByClass } from '../../../prepare/labels.ts';
import { requireFinite, type SetOfFile } from '../../../prepare/set_check.ts';

/**
 * Warns about records and patients that are in both sets: compares record names, samples, and patients if both sets have them. Sets of different collections are not
 * compared, as their numbers mean different records.
 */
export function warnOfShared(train: SetOfFile, other: SetOfFile, report: Reporter): void {
  if (train.preprocessing && other.preprocessing && train.preprocessing.collection !== other.preprocessing.collection)
    return;
  const warn = (text: string): void => report({ kind: 'warning', text });
  const places = new Map(train.set.recordIds.map((id, i) => [id, i]));
  const shared = other.set.recordIds.flatMap((id, i) => (places.has(id) ? [[places.get(id)!, i] as const] : []));
  const total = other.set.recordIds.length;
  if (shared.length > 0) {
    const equal = shared.filter(([a, b]) => sameSamples(train.set.x, a, other.set.x, b)).length;
    warn(
      `${shared.length} of the ${total} records of ${other.file} have the name of a training record (${equal} also its samples): figures on records that were trained ` +
        'on say nothing about new records',
    );
  }
  const [known, found] = [train.set.patientIds, other.set.patientIds];
  if (known === undefined || found === undefined) return;
  const trained = new Set(known);
  const records = found.filter((id) => trained.has(id));
  if (records.length === 0) return;
  warn(
    `${new Set(records).size} patients of ${other.file} (${records.length} of its ${total} records) are in the training set too: figures will be better than for new ` +
      'patients',
  );
}

function sameSamples(a: Rows, i: number, b: Rows, k: number): boolean {
  const [one, two] = [a.take([i]), b.take([k])];
  return (
    one.shape.join() === two.shape.join() &&
    one.data.every((value: number | bigint, at: number) => value === two.data[at])
  );
}

/**
 * Checks a part of the data: it needs at least two records and finite samples; training records also need different labels.
 *
 * @param name name of the part in messages.
 * @throws InputError for data that would make the job fail later, or make its result worthless.
 */
export function checkPart(name: 'training' | 'validation' | 'test', { file, set }: SetOfFile, report: Reporter): void {
  const { x, y, recordIds, classes } = set;
  if (recordIds.length < 2) {
    // Quirk Q2: the table of predictions of one record cannot be written.
    const next = {
      training: 'Train on more records.',
      validation: 'Hold out more: --val-size 2, or leave validation out.',
      test: 'Leave out --test, and predict the record when the job is complete: ecg-transplant predict --job-dir DIR --data FILE',
    };
    throw new InputError(`one ${name} record is too few`, { file, expected: 'at least 2', next: next[name] });
  }
  requireFinite(x, recordIds, file);
  const counts = countByClass(y);
  const varying = counts.some((count) => count > 0 && count < recordIds.length);
  if (!varying && name === 'training') {
    throw new InputError('all training records have the same labels, so there is nothing to learn', {
      file,
      got: classes.filter((_, k) => counts[k] > 0).join(', ') || 'no labels',
    });
  }
  const absent = classes.filter((_, k) => counts[k] === 0);
  if (absent.length === 0) return;
  report({
    kind: 'warning',
    text: `${file}: no ${name} record has the class${absent.length > 1 ? 'es' : ''} ${absent.join(', ')}`,
  });
}

/** Throws an InputError unless each class has records with and without it. Otherwise the area under its ROC curve is undefined (Quirk Q9). */
export function requireAucDefined(name: 'training' | 'validation', { file, set }: SetOfFile, held: boolean): void {
  const { y, classes, recordIds } = set;
  const counts = countByClass(y);
  const k = counts.findIndex((count) => count === 0 || count === recordIds.length);
  if (k === -1) return;
  const more = held ? 'a larger --val-size' : 'another --val';
  throw new InputError(`--val-metric auc needs ${name} records with and without each class`, {
    file,
    where: `class ${classes[k]}`,
    got: `${counts[k]} of ${recordIds.length} ${name} records`,
    next: `Choose --val-metric f1 or loss${name === 'validation' ? `, or ${more}` : ''}.`,
  });
}
