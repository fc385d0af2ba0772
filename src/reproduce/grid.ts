import { gridFields } from '../experiment_schema.ts';
import type { JsonFault } from '../lib/json/text.ts';
import { near } from '../lib/near.ts';

/** An experiment of a file with its grids written out. */
export interface Expanded {
  /** Not checked yet. */
  readonly experiment: unknown;
  /** The place in the file of a place in the expanded experiment: `finetuning[5].weights` may be `finetuning[0].for.weights[1]`. */
  placeOf(where: string): string;
}

/** A fault of a grid. */
export class GridFault extends Error {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(fault.summary);
    this.fault = fault;
  }
}

type Fields = Readonly<Record<string, unknown>>;
type ListName = keyof typeof gridFields;

/** Which entry of a list an expanded one comes from, and which value of each field in `for` it has. */
interface Origin {
  readonly entry: number;
  readonly picks: ReadonlyMap<string, number>;
}

const listNames = Object.keys(gridFields) as readonly ListName[];

/** More entries than anyone can run. */
const maxEntries = 10_000;

/**
 * Writes out the grids of an experiment file: an entry with a field `for` becomes one entry per combination of its values, the last field
 * changing fastest. In jobs, the values become fields (null leaves the field out), and `{field}` in a name stands for the value. In contrasts, they
 * only stand in names. Fields that may be missing get their defaults.
 *
 * @throws GridFault
 */
export function expandExperiment(file: unknown): Expanded {
  if (!isFields(file)) return { experiment: file, placeOf: (where) => where };
  const { $schema: _schema, ...given } = file;
  const origins = new Map<string, readonly Origin[]>();
  const lists = listNames.flatMap((list) => {
    const entries = given[list];
    if (!Array.isArray(entries)) return [];
    const expanded = entries.flatMap((entry, i) => expandEntry(list, entry, i));
    requireFew(expanded.length, list);
    origins.set(
      list,
      expanded.map(({ origin }) => origin),
    );
    return [[list, expanded.map(({ value }) => value)] as const];
  });
  const defaults = {
    summary: '',
    remarks: [],
    data: given.generated === undefined ? 'folder' : 'either',
    pretraining: [],
    contrasts: [],
    trials: 1,
    margin: 0.01,
    suites: 'quick',
  };
  return {
    experiment: { ...defaults, ...given, ...Object.fromEntries(lists) },
    placeOf: (where) => placeInFile(where, origins),
  };
}

function placeInFile(where: string, origins: ReadonlyMap<string, readonly Origin[]>): string {
  const [, list = '', index = '', field, rest = ''] = /^(\w+)\[(\d+)\](?:\.(\w+))?(.*)$/.exec(where) ?? [];
  const origin = origins.get(list)?.[Number(index)];
  if (origin === undefined) return where;
  const pick = field === undefined ? undefined : origin.picks.get(field);
  const entry = `${list}[${origin.entry}]`;
  if (pick !== undefined) return `${entry}.for.${field}[${pick}]${rest}`;
  return field === undefined ? entry : `${entry}.${field}${rest}`;
}

function expandEntry(list: ListName, entry: unknown, index: number): { value: unknown; origin: Origin }[] {
  const alone = { entry: index, picks: new Map<string, number>() };
  if (!isFields(entry)) return [{ value: entry, origin: alone }];
  const { for: grid, ...fixed } = entry;
  if (grid === undefined) return [{ value: withoutNulls(fixed), origin: alone }];
  const where = `${list}[${index}].for`;
  const axes = axesOf(list, grid, fixed, where);
  return combinations(axes.map(([, values]) => values.length)).map((positions) => {
    const values = Object.fromEntries(axes.map(([field, all], i) => [field, all[positions[i]]]));
    const known = { ...fixed, ...values };
    const named = Object.fromEntries(
      Object.entries(fixed).map(([field, value]) => [field, filled(value, known, `${list}[${index}].${field}`)]),
    );
    const isJob = list !== 'contrasts';
    return {
      value: isJob ? withoutNulls({ ...named, ...filledAll(values, known, where) }) : named,
      origin: {
        entry: index,
        picks: new Map(isJob ? axes.map(([field], i) => [field, positions[i]]) : []),
      },
    };
  });
}

/** The fields of `for` and their values. */
function axesOf(list: ListName, grid: unknown, fixed: Fields, where: string): [string, readonly unknown[]][] {
  if (!isFields(grid) || Object.keys(grid).length === 0) {
    throw new GridFault({ summary: 'the grid cannot be used', where, expected: 'an object with lists of values' });
  }
  const fields: readonly string[] = gridFields[list].filter((field) => field !== 'name');
  for (const [field, values] of Object.entries(grid)) {
    const place = `${where}.${field}`;
    if (list !== 'contrasts' && !fields.includes(field)) {
      throw new GridFault({
        summary: 'the grid has an unknown field',
        where: place,
        got: JSON.stringify(field),
        expected: fields.join(', '),
        hint: near(field, fields),
      });
    }
    if (field in fixed) {
      throw new GridFault({
        summary: 'this field stands in the grid and beside it',
        where: place,
        expected: `either ${list}[…].${field} or ${place}`,
      });
    }
    if (!Array.isArray(values) || values.length === 0) {
      throw new GridFault({ summary: 'the grid cannot be used', where: place, expected: 'a list of values' });
    }
  }
  const axes = Object.entries(grid) as [string, readonly unknown[]][];
  const count = axes.reduce((product, [, values]) => product * values.length, 1);
  requireFew(count, where);
  return axes;
}

function requireFew(count: number, where: string): void {
  if (count <= maxEntries) return;
  throw new GridFault({
    summary: 'the grid is too large',
    where,
    got: `${count.toLocaleString('en')} combinations`,
    expected: `at most ${maxEntries.toLocaleString('en')}`,
  });
}

/** Every choice of one position below each length; the last changes fastest. */
function combinations(lengths: readonly number[]): number[][] {
  return lengths.reduce<number[][]>(
    (found, length) => found.flatMap((begun) => Array.from({ length }, (_, i) => [...begun, i])),
    [[]],
  );
}

function filledAll(values: Fields, known: Fields, where: string): Fields {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => [field, filled(value, known, `${where}.${field}`)]),
  );
}

/** A text with the values of the fields that it names in braces. */
function filled(value: unknown, known: Fields, where: string): unknown {
  if (typeof value !== 'string') return value;
  return value.replace(/\{([^{}]*)\}/g, (_, field: string) => {
    const found = Object.hasOwn(known, field) ? known[field] : undefined;
    if (found === null) return field === 'weights' ? 'random' : 'default';
    if (['string', 'number', 'boolean'].includes(typeof found)) return String(found);
    const fields = Object.keys(known).filter((name) => name !== 'name' && typeof known[name] !== 'object');
    throw new GridFault({
      summary: 'the name refers to an unknown field',
      where,
      got: `{${field}}`,
      expected: fields.map((name) => `{${name}}`).join(', '),
      hint: near(field, fields),
    });
  });
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
