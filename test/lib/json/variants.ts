import { truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';

type Fields = { readonly [name: string]: unknown };

/** A value of one file, changed in one place. */
export interface Variant {
  readonly title: string;
  /** Place of the change, as errors name it; undefined for the whole file. */
  readonly where?: string;
  readonly value: unknown;
}

/** Every field of a value, in objects and in the first item of arrays: left out, or of another type. None of them may be read. */
export function brokenFields(value: unknown): Variant[] {
  return placesOf(value).flatMap(({ path, where, item }) => {
    const wrong: [string, unknown][] = [
      ['of another type', typeof item === 'string' ? 5 : 'a text'],
      [
        'an array for an object, an object for an array',
        Array.isArray(item) ? { 0: item[0], length: 1 } : [item, item, item, item],
      ],
    ];
    const missing =
      typeof path.at(-1) === 'number' ? [] : [{ title: `${where} missing`, where, value: changed(value, path) }];
    return [
      ...missing,
      ...wrong.map(([title, to]) => ({ title: `${where} ${title}`, where, value: changed(value, path, to) })),
    ];
  });
}

/** Every field with values of its type, or null, that may make no sense. They are read, or refused by name. */
export function oddFields(value: unknown): Variant[] {
  return placesOf(value).flatMap(({ path, where, item }) => {
    const odd: unknown[] = [null];
    if (typeof item === 'number') odd.push(-1, 0, 0.5, 1e300, 2 ** 53, { $float: 'nan' }, { $float: 'inf' });
    if (typeof item === 'string') odd.push('', 'x'.repeat(1e6), '\u001b[31m\u0000', '../../x');
    if (Array.isArray(item)) odd.push([], Array(100_000).fill(item[0]));
    return odd.map((to) => ({
      title: `${where} = ${String(to).slice(0, 20)}`,
      where,
      value: changed(value, path, to),
    }));
  });
}

/** What a file can hold in place of its value. */
export const brokenTexts: readonly (readonly [title: string, text: string | { readonly bytes: number }])[] = [
  ['nothing', ''],
  ['null', 'null'],
  ['a number', '1'],
  ['an array', '[]'],
  ['a text', '"text"'],
  ['bytes that are not UTF-8', '\u0000'],
  ['deep arrays', '['.repeat(200_000)],
  ['deep objects', '{"format":'.repeat(100_000)],
  ['five million arrays', `[${'[],'.repeat(5_000_000)}[]]`],
  ['100 MB of zeros', { bytes: 1e8 }],
];

/** Writes a variant's text into a file. */
export function writeText(file: string, text: string | { readonly bytes: number }): void {
  writeFileSync(file, typeof text === 'string' ? text : '');
  if (typeof text !== 'string') truncateSync(file, text.bytes);
}

/** Calls a reader that has to refuse a file, and checks that the error names the file and the place. */
export function expectRefusal(read: () => unknown, file: string, where?: string): InputError {
  let error: unknown;
  try {
    read();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InputError);
  const { problem, message } = error as InputError;
  expect(problem.file).toContain(file);
  expect(message.length).toBeLessThan(1000);
  if (where !== undefined && !/too (many values|large)/.test(message)) {
    // The field itself, one that holds it, or one inside it.
    const named = problem.where ?? '';
    expect(where.startsWith(named) || named.startsWith(where), `${message} names ${where}`).toBe(true);
    expect(named).not.toBe('');
  }
  return error as InputError;
}

interface Place {
  readonly path: readonly (string | number)[];
  readonly where: string;
  readonly item: unknown;
}

function placesOf(value: unknown, path: readonly (string | number)[] = [], where = ''): Place[] {
  const inner = Array.isArray(value)
    ? value.slice(0, 1).map((item, i) => [i, `${where}[${i}]`, item] as const)
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([name, item]) => {
          const shown = /^[\w$-]+$/.test(name) ? `${where ? '.' : ''}${name}` : `[${JSON.stringify(name)}]`;
          return [name, `${where}${shown}`, item] as const;
        })
      : [];
  return inner.flatMap(([key, place, item]) => [
    { path: [...path, key], where: place, item },
    ...placesOf(item, [...path, key], place),
  ]);
}

/** A copy with another value at a place; without one the place is left out. */
function changed(value: unknown, [first, ...rest]: readonly (string | number)[], ...to: [unknown?]): unknown {
  const copy = (Array.isArray(value) ? [...value] : { ...(value as Fields) }) as Record<string | number, unknown>;
  if (rest.length > 0) copy[first] = changed(copy[first], rest, ...to);
  else if (to.length > 0) copy[first] = to[0];
  else delete copy[first];
  return copy;
}

/** A JSON file, what a sound one holds, and what reads it. */
export interface JsonFile {
  readonly path: string;
  readonly sound: object;
  readonly read: () => unknown;
  /** Values that are of the right type and have to be refused, by place. */
  readonly refused: readonly (readonly [where: string, change: object])[];
  /** Fields that may be missing: by name, or by what a name begins with if that ends with `.` or `[`. */
  readonly optional?: readonly string[];
  /** A sound one with a field that is not known; default one at the end. */
  readonly withMore?: object;
  /** Fields whose content is of any type. */
  readonly free?: readonly string[];
}

/** Writes many broken forms of a file: none is read, and each is refused with the names of the file and the field. */
export function describeJsonFile({ path, sound, read, refused, optional = [], free = [], withMore }: JsonFile): void {
  const name = basename(path);
  const isIn = (where: string, places: readonly string[]): boolean => places.some((place) => where.startsWith(place));
  const mayMiss = (where: string): boolean =>
    optional.some((place) => (/[.[]$/.test(place) ? where.startsWith(place) : where === place));

  it('is read as it is, with fields that are not known', () => {
    writeFileSync(path, JSON.stringify(sound));
    const before = read();
    writeFileSync(path, JSON.stringify(withMore ?? { ...sound, later: { x: 1 } }));
    expect(JSON.stringify(read()).replace(',"later":{"x":1}', '')).toBe(JSON.stringify(before));
  });

  it('is refused by file and field where a field is missing or of another type', () => {
    const variants = brokenFields(sound).filter(
      ({ where, title }) => !isIn(where!, free) && !(title.endsWith('missing') && mayMiss(where!)),
    );
    expect(variants.length).toBeGreaterThan(3);
    for (const { title, where, value } of variants) {
      // One mean or std for each lead, or one for all.
      if (/normalization\.(mean|std) an array/.test(title)) continue;
      writeFileSync(path, JSON.stringify(value));
      expectRefusal(read, name, where);
    }
  });

  it('is read, or refused by file and field, with odd values', () => {
    for (const { where, value } of oddFields(sound)) {
      writeFileSync(path, JSON.stringify(value));
      try {
        read();
      } catch (error) {
        expectRefusal(
          () => {
            throw error;
          },
          name,
          where,
        );
      }
    }
  });

  it.each(refused.map(([where, change]) => [where, JSON.stringify(change).slice(0, 60), change] as const))(
    'is refused for %s: %s',
    (where, _text, change) => {
      writeFileSync(path, JSON.stringify({ ...sound, ...change }));
      const error = expectRefusal(read, name, where);
      expect(error.problem.next).toBeDefined();
      if (/format$/.test(where)) expect(error.message).toMatch(/of another version.*got 2; expected 1/);
    },
  );

  it('is refused where it is cut off anywhere', () => {
    const text = JSON.stringify(sound);
    for (let end = 1; end < text.length; end += 7) {
      writeFileSync(path, text.slice(0, end));
      expectRefusal(read, name);
    }
  });

  it.each(brokenTexts)('is refused if it holds %s', (title, text) => {
    writeText(path, text);
    if (title.includes('UTF-8')) writeFileSync(path, Buffer.of(0x7b, 0xff, 0x7d));
    expectRefusal(read, name);
  });

  it('is refused with a field __proto__', () => {
    writeFileSync(path, `{"__proto__": {"format": 1}, ${JSON.stringify(sound).slice(1)}`);
    expectRefusal(read, name, '__proto__');
    expect(({} as { format?: unknown }).format).toBeUndefined();
  });
}
