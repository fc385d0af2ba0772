import { InputError } from '../../errors.ts';

/** How much a JSON text may hold. */
export interface JsonLimits {
  /** Default 16 MiB. */
  readonly maxBytes?: number;
  /** Number of values, including those in arrays and objects; default a million. */
  readonly maxValues?: number;
}

export const defaultMaxBytes = 2 ** 24;
const defaultMaxValues = 1_000_000;
const maxDepth = 64;
/** V8 hashes longer names by their length only, so thousands of them would collide. */
const maxNameLength = 4096;

/** A fault in a JSON text or in the value it holds. */
export interface JsonFault {
  readonly summary: string;
  /** For example `leads[3]`; empty for the whole text. */
  readonly where?: string;
  readonly got?: string;
  readonly expected?: string;
  /** What may have been meant. */
  readonly hint?: string;
}

/** Throws an InputError for a fault in a file. */
export function throwFault({ summary, where, hint, ...fault }: JsonFault, file: string, next?: string): never {
  const advice = [hint, next].filter(Boolean).join(' ') || undefined;
  throw new InputError(summary, { file, where: where || undefined, ...fault, next: advice });
}

const floats = new Map<unknown, number>([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['-0.0', -0],
]);

/**
 * JSON text of a value. Numbers that JSON cannot express, or that `JSON.stringify` changes, become `{"$float": "nan" | "inf" | "-inf" | "-0.0"}`,
 * which `readJson` turns back into the numbers.
 */
export function encodeJson(value: unknown, indent?: number): string {
  const replace = (_name: string, item: unknown): unknown => {
    if (Object.is(item, -0)) return { $float: '-0.0' };
    if (typeof item !== 'number' || Number.isFinite(item)) return item;
    return { $float: Number.isNaN(item) ? 'nan' : item > 0 ? 'inf' : '-inf' };
  };
  return JSON.stringify(value, replace, indent);
}

/** Inverse of {@link encodeJson}, for texts from processes of this package. Throws a SyntaxError for text that is not JSON. */
export function decodeJson(text: string): unknown {
  return withFloats(JSON.parse(text));
}

/** The value of an untrusted text, or what is wrong with it. Takes memory in proportion to the length of the text, whatever it contains. */
export function parseJson(text: string, limits: JsonLimits = {}): { readonly value: unknown } | JsonFault {
  const fault = structureFault(text, limits.maxValues ?? defaultMaxValues);
  if (fault) return fault;
  try {
    return { value: withFloats(JSON.parse(text)) };
  } catch (error) {
    return error instanceof UnsafeName
      ? { summary: 'the file has a field with a forbidden name', where: error.message }
      : { summary: 'the file is not JSON', got: (error as Error).message };
  }
}

/** Finds what would make parsing expensive. JSON.parse has no limits, so this runs before it. */
function structureFault(text: string, maxValues: number): JsonFault | undefined {
  let depth = 0;
  let values = 0;
  let stringLength = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: {
        const start = i++;
        for (; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
        stringLength = i - start;
        break;
      }
      case 0x3a:
        if (stringLength > maxNameLength) {
          return {
            summary: 'a name is too long',
            got: `${stringLength} characters`,
            expected: `at most ${maxNameLength}`,
          };
        }
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) {
          return {
            summary: 'the values are nested too deep',
            got: `more than ${maxDepth} levels`,
            where: `character ${i + 1}`,
          };
        }
        values++;
        break;
      case 0x2c:
        values++;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
    if (values > maxValues) {
      return { summary: 'the file holds too many values', got: `more than ${maxValues}`, where: `character ${i + 1}` };
    }
  }
  return undefined;
}

class UnsafeName extends Error {}

/** Replaces `$float` marks by their numbers. Throws for a field that would change an object's prototype. */
function withFloats(value: unknown, where = ''): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = withFloats(value[i], where);
    return value;
  }
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields);
  if (names.length === 1 && names[0] === '$float' && floats.has(fields.$float)) return floats.get(fields.$float);
  for (const name of names) {
    const place = where === '' ? name : `${where}.${name}`;
    if (name === '__proto__') throw new UnsafeName(place);
    fields[name] = withFloats(fields[name], place);
  }
  return value;
}
