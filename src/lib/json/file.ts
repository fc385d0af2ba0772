import { existsSync } from 'node:fs';
import { type BaseIssue, type GenericSchema, type InferOutput, safeParse } from 'valibot';
import { InputError } from '../../errors.ts';
import { near } from '../near.ts';
import { writeFileAtomic } from '../python/atomic_file.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { defaultMaxBytes, encodeJson, type JsonFault, type JsonLimits, parseJson, throwFault } from './text.ts';

/** The type that a schema describes, for reading. */
export type Described<S extends GenericSchema> = DeepReadonly<InferOutput<S>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: DeepReadonly<T[Name]> }
    : T;

export interface ReadJsonOptions extends JsonLimits {
  /** What the user can do about a file that cannot be used. */
  readonly next?: string;
  /** What the file is, for messages, such as "the description of the job"; default "the file". */
  readonly what?: string;
}

/**
 * Reads a JSON file and checks it against a schema. Fields that the schema does not name are allowed. A different number in `format` (or `schema`) is
 * refused as another version.
 *
 * @throws InputError that names the file and the first wrong field, or if the file does not exist.
 */
export function readJson<S extends GenericSchema>(
  file: string,
  schema: S,
  options: ReadJsonOptions = {},
): Described<S> {
  return checkJson(readJsonText(file, options), schema, file, options);
}

/** As `readJson`, for any JSON. */
export function readAnyJson(file: string, options: ReadJsonOptions = {}): unknown {
  return parsed(readJsonText(file, options), file, options);
}

/** What `readJson` does with the text of a file; `file` names it in errors. */
export function checkJson<S extends GenericSchema>(
  text: string,
  schema: S,
  file: string,
  options: ReadJsonOptions = {},
): Described<S> {
  const value = parsed(text, file, options);
  const fault = faultOf(value, schema, options.what);
  if (fault) throwFault(fault, file, options.next);
  return value as Described<S>;
}

/** The value of a file whose loss costs only time (a cache); undefined if it is missing, cut off or damaged. */
export function readJsonIfSound<S extends GenericSchema>(
  file: string,
  schema: S,
  options?: ReadJsonOptions,
): Described<S> | undefined {
  try {
    return readJson(file, schema, options);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** Values of a file with one JSON text per line, up to the first line that is cut off or does not match the schema; none if the file is missing. */
export function readSoundLines<S extends GenericSchema>(
  file: string,
  schema: S,
  options: ReadJsonOptions = {},
): Described<S>[] {
  if (!existsSync(file)) return [];
  const text = readJsonText(file, options);
  const values: Described<S>[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const result = parseJson(line, options);
    if (!('value' in result) || faultOf(result.value, schema)) break;
    values.push(result.value as Described<S>);
  }
  return values;
}

/** Writes a value in the form from which `readJson` reads the same value, NaN and infinities included. */
export function writeJson(file: string, value: unknown, indent = 2): void {
  writeFileAtomic(file, `${encodeJson(value, indent)}\n`);
}

function readJsonText(file: string, { maxBytes = defaultMaxBytes, next, what = 'the file' }: ReadJsonOptions): string {
  if (!existsSync(file)) throw new InputError(`${what} is missing`, { file, next });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readWholeFile(file, { maxBytes, next }));
  } catch (error) {
    if (error instanceof TypeError) throw new InputError(`${what} is not text in UTF-8`, { file, next });
    throw error;
  }
}

function parsed(text: string, file: string, options: ReadJsonOptions): unknown {
  const result = parseJson(text, options);
  return 'value' in result ? result.value : throwFault(result, file, options.next);
}

/** The first place where a value does not match a schema, if there is one. */
export function faultOf(value: unknown, schema: GenericSchema, what = 'the file'): JsonFault | undefined {
  const { issues } = safeParse(schema, value, { abortEarly: true });
  return issues && (unknownField(issues[0], schema, what) ?? describeIssue(issues[0], what));
}

/** A field that a strict object does not have. */
function unknownField(issue: BaseIssue<unknown>, schema: GenericSchema, what: string): JsonFault | undefined {
  if (issue.type !== 'strict_object' || issue.expected !== 'never') return undefined;
  const keys = (issue.path ?? []).map(({ key }) => key);
  const field = String(keys.at(-1));
  const known = fieldsAt(schema, keys.slice(0, -1));
  return {
    summary: `${what} has an unknown field`,
    where: placeOfPath(keys),
    got: shown(field),
    ...(known.length > 0 && { expected: known.join(', ') }),
    hint: near(field, known),
  };
}

/** Names of the fields of the object at a place in a schema; none if it is not known which schema applies there. */
function fieldsAt(schema: unknown, keys: readonly unknown[]): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if ('wrapped' in schema) return fieldsAt(schema.wrapped, keys);
  if ('item' in schema) return fieldsAt(schema.item, keys.slice(1));
  if (!('entries' in schema)) return [];
  const entries = schema.entries as Readonly<Record<string, unknown>>;
  return keys.length === 0 ? Object.keys(entries) : fieldsAt(entries[String(keys[0])], keys.slice(1));
}

function placeOfPath(keys: readonly unknown[]): string {
  return keys.map((key, i) => placeOf(key, i === 0)).join('');
}

function describeIssue(issue: BaseIssue<unknown>, what: string): JsonFault {
  const path = issue.path ?? [];
  const where = placeOfPath(path.map(({ key }) => key));
  // A check that spans several fields names one of them.
  const input = path.length > 0 ? path.at(-1)!.value : issue.input;
  const fault = { where, got: shown(input), expected: expectedBy(issue) };
  if (/(^|\.)(format|schema)$/.test(where) && issue.type === 'literal' && typeof issue.input === 'number') {
    return { summary: `${what} is of another version`, ...fault };
  }
  return { summary: `${what} cannot be used`, ...fault };
}

function placeOf(key: unknown, first: boolean): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  if (!/^[\w$-]{1,80}$/.test(name)) return `[${JSON.stringify(name.slice(0, 80))}]`;
  return first ? name : `.${name}`;
}

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  strict_object: 'an object',
  loose_object: 'an object',
  record: 'an object',
  integer: 'a whole number',
  finite: 'a finite number',
  iso_timestamp: 'a time as in 2026-01-31T12:00:00.000Z',
};

function expectedBy(issue: BaseIssue<unknown>): string {
  const { requirement } = issue;
  switch (issue.type) {
    case 'min_value':
      return `at least ${requirement}`;
    case 'gt_value':
      return `more than ${requirement}`;
    case 'max_value':
      return `at most ${requirement}`;
    case 'min_length':
    case 'min_entries':
      return `at least ${requirement} entries`;
    case 'max_length':
    case 'max_entries':
      return `at most ${requirement} entries`;
    case 'check':
    case 'custom':
      return issue.message;
    case 'regex':
      return issue.message.startsWith('Invalid ') ? `a text of the form ${requirement}` : issue.message;
    default: {
      if (issue.path?.at(-1)?.type === 'object' && issue.input === undefined) return 'this field';
      const named = types[issue.type] ?? issue.expected?.replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
      return (named ?? issue.message).slice(0, 200);
    }
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'number') return String(value);
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 80) : value);
}
