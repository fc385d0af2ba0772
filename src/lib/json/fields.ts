import {
  array,
  check,
  custom,
  finite,
  type GenericSchema,
  gtValue,
  integer,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  pipe,
  record,
  regex,
  string,
} from 'valibot';

/** A whole number from `least` to `most`. */
export const whole = (least: number, most: number) => pipe(number(), integer(), minValue(least), maxValue(most));

/** A count: a whole number from 0 to 2^53 - 1. */
export const amount = whole(0, Number.MAX_SAFE_INTEGER);

/** Any number, including NaN and infinities. */
export const anyNumber = custom<number>((value) => typeof value === 'number', 'a number');

/** Any number except NaN and infinities. */
export const finiteNumber = pipe(number(), finite());

export const positive = pipe(number(), finite(), gtValue(0));

/** An object with arbitrary field names. (Valibot's `record` would accept an array too.) */
export const mapOf = <Key extends GenericSchema<string, string>, Value extends GenericSchema>(key: Key, value: Value) =>
  pipe(
    custom<object>((item) => typeof item === 'object' && item !== null && !Array.isArray(item), 'an object'),
    record(key, value),
  );

/** A name or a short text, not empty. */
export const name = pipe(string(), minLength(1), maxLength(4096));

/** The name of a file in the same folder as the file that names it. */
export const fileName = pipe(
  name,
  check((text) => !/[/\\\0]/.test(text) && text !== '.' && text !== '..', 'the name of a file in the same folder'),
);

/** A SHA-256 in hexadecimal digits. */
export const sha256 = pipe(string(), regex(/^[0-9a-f]{64}$/));

/** Number of samples of a recording. */
export const samples = whole(1, 2 ** 31 - 1);

/** Largest number of leads of a recording. */
export const maxLeads = 4096;

/** Names of classes, in their order. */
export const classNames = pipe(array(string()), minLength(1), maxLength(10_000));

/** A sampling rate in Hz. */
export const rate = pipe(positive, maxValue(1e6));

/** Largest recording that a network accepts, in bytes as float32. */
export const maxRecordBytes = 2 ** 30;
