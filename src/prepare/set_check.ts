import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { toFloat64 } from '../lib/numpy/convert.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Rows } from '../lib/numpy/rows.ts';
import type { PreparedSet } from '../port/finetuning/datasets.ts';
import type { Normalization } from '../port/transplant/datasets/physionet/normalization.ts';
import { isMulticlass } from '../port/transplant/utils.ts';
import { leadKey } from '../recordings/leads.ts';
import { sameClasses, takeColumns } from './labels.ts';
import { type Preprocessing, withChannel } from './preprocessing.ts';

/** A prepared set with the file it comes from, and the description of that file if there is one. */
export interface SetOfFile {
  readonly file: string;
  readonly set: PreparedSet;
  readonly preprocessing?: Preprocessing;
}

/** What an input says about the data, by the name of the fact; unknown facts are absent. */
export type Facts = Readonly<Record<string, string | undefined>>;

/** An input and what it says about the data. */
export interface Source {
  readonly name: string;
  readonly facts: Facts;
}

/** The form of records: of a set, or of those that a network was trained on. */
export interface RecordForm {
  readonly dtype?: string;
  readonly samples: number;
  readonly leads: number;
}

/** What the form and the description of a set say about the data. `channel` is the only lead that is used, if set. */
export function factsOf({ dtype, samples, leads }: RecordForm, described?: Preprocessing, channel?: number): Facts {
  const form = { 'type of x': dtype, samples: String(samples), 'number of leads': String(leads) };
  if (described === undefined) return form;
  const { samplingRate, units, normalization, resampling, padding, ...rest } =
    channel === undefined || described.leads.length === leads ? described : withChannel(described, channel);
  return {
    ...form,
    'lead names': rest.leads.map(leadKey).join(' ').toUpperCase(),
    'sampling rate': `${samplingRate} Hz`,
    unit: units,
    normalisation: normalization === null ? 'none' : normalizationText(normalization, leads),
    resampling: resampling === null ? 'none' : `to ${resampling.targetRate} Hz`,
    padding: padding === null ? 'none' : `to ${padding.samples} samples`,
  };
}

/** A set as a source of facts. */
export function sourceOf({ file, set, preprocessing }: SetOfFile, channel?: number): Source {
  const [, samples, leads] = set.x.shape;
  return { name: file, facts: factsOf({ dtype: set.x.dtype, samples, leads }, preprocessing, channel) };
}

/**
 * Throws an InputError that names both sources and both values, unless all facts that both know are equal.
 *
 * @param next what the user can do.
 */
export function requireAgreement(reference: Source, other: Source, next: string): void {
  const different = Object.keys(reference.facts).filter((name) => {
    const [expected, got] = [reference.facts[name], other.facts[name]];
    return expected !== undefined && got !== undefined && expected !== got;
  });
  if (different.length === 0) return;
  const list = (facts: Facts): string => different.map((name) => `${name} ${facts[name]}`).join(', ');
  throw new InputError(`does not fit ${reference.name}`, {
    file: other.name,
    got: list(other.facts),
    expected: list(reference.facts),
    next,
  });
}

function normalizationText({ mean, std }: Normalization, leads: number): string {
  const text = (value: number | readonly number[]): string => {
    const values = typeof value === 'number' ? new Array<number>(leads).fill(value) : value;
    return [...new Set(values)].length === 1 ? short(values[0]) : `[${values.map(short).join(' ')}]`;
  };
  return `mean ${text(mean)} std ${text(std)}`;
}

/** Enough digits to tell measured numbers apart. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/**
 * Throws an InputError unless the set has records, at least two classes of different names, and labels of 0 and 1.
 *
 * @returns the set.
 */
export function requireLabels<T extends SetOfFile>(source: T): T {
  const { file, set } = source;
  const { classes, recordIds, y } = set;
  if (recordIds.length === 0) throw new InputError('the set has no records', { file });
  if (classes.length < 2) {
    // Quirk Q2: a table of one class cannot be written, so such a job would end after its last epoch.
    throw new InputError('the set has one class', {
      file,
      got: classes.join() || 'none',
      expected: 'at least two classes',
      next: 'Give the records without it a class of their own, such as "other".',
    });
  }
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError('two classes have the same name', { file, got: twice });
  const values = toFloat64(y);
  const wrong = values.findIndex((value) => value !== 0 && value !== 1);
  if (wrong !== -1) {
    throw new InputError('a label is not 0 or 1', {
      file,
      where: `record ${recordIds[Math.floor(wrong / classes.length)]}, class ${classes[wrong % classes.length]}`,
      got: String(values[wrong]),
    });
  }
  return source;
}

/**
 * The set with its label columns in the order of the classes of `reference`; reports a change of order. Throws an InputError if it has other classes, or if classes are
 * exclusive and a record has no label or several.
 */
export function withClassesOf<T extends SetOfFile>(
  reference: { readonly name: string; readonly classes: readonly string[]; readonly multiLabel: boolean },
  source: T,
  report: Reporter,
): T {
  const { file, set } = source;
  const { name, classes, multiLabel } = reference;
  if (!sameClasses(set.classes, classes)) {
    throw new InputError(`has other classes than ${name}`, {
      file,
      got: `${set.classes.length}: ${set.classes.join(', ')}`,
      expected: `${classes.length}: ${classes.join(', ')}`,
      next: 'Prepare both files from one collection, or with the same labels.',
    });
  }
  if (!multiLabel && isMulticlass(set.y)) {
    const row = toFloat64(set.y);
    const width = classes.length;
    const counts = set.recordIds.map((_, i) => row.subarray(i * width, (i + 1) * width).reduce((a, b) => a + b, 0));
    const other = counts.findIndex((count) => count !== 1);
    throw new InputError(`has records with several labels or none, ${name} has exactly one for each`, {
      file,
      where: `record ${set.recordIds[other]}`,
      got: `${counts[other]} labels`,
      expected: '1',
    });
  }
  if (set.classes.every((one, i) => one === classes[i])) return source;
  const order = classes.map((one) => set.classes.indexOf(one));
  report({
    kind: 'message',
    text: `${file}: classes ${set.classes.join(', ')} are put in the order of ${name}: ${classes.join(', ')}`,
  });
  return { ...source, set: { ...set, classes, y: takeColumns(set.y, order) } };
}

/** Throws an InputError that counts the records with missing or infinite samples and names the first ones. */
export function requireFinite(x: Rows, recordIds: readonly (string | number)[], file: string): void {
  const [records, samples, leads] = x.shape;
  const width = samples * leads;
  const piece = Math.max(1, Math.floor(2 ** 22 / Math.max(1, width)));
  const bad: number[] = [];
  for (let start = 0; start < records; start += piece) {
    const numbers = Array.from({ length: Math.min(piece, records - start) }, (_, i) => start + i);
    const { data } = x.take(numbers) as NdArray<'float32' | 'float64'>;
    for (const [i, record] of numbers.entries()) if (!isFiniteArray(data, i * width, width)) bad.push(record);
  }
  if (bad.length === 0) return;
  const names = bad.slice(0, 3).map((record) => recordIds[record]);
  throw new InputError('samples are missing (NaN) or infinite', {
    file,
    got: `${bad.length} of ${records} records: ${names.join(', ')}${bad.length > 3 ? ', …' : ''}`,
    next: 'Leave the records out or repair them, then prepare the set again. prepare-data without --keep-missing names the first such sample.',
  });
}

function isFiniteArray(data: Float32Array | Float64Array, start: number, count: number): boolean {
  for (let i = start; i < start + count; i++) if (data[i] - data[i] !== 0) return false;
  return true;
}
