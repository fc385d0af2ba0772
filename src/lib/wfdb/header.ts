import { InputError } from '../../errors.ts';
import { shellCommand } from '../../text.ts';
import { parseNumber } from '../python/number.ts';
import { readWholeFile } from '../python/whole_file.ts';

/** One signal line of a WFDB header. `null`: the header does not say. */
export interface SignalSpec {
  readonly fileName: string;
  /** Storage format as written: '16', '212', … */
  readonly fmt: string;
  readonly samplesPerFrame: number;
  /** Frames by which this signal lags in its file. */
  readonly skew: number | null;
  /** Bytes before the first sample. */
  readonly byteOffset: number | null;
  /** ADC units per physical unit. */
  readonly adcGain: number;
  /** The header states the gain; otherwise it is the 200 that WFDB takes then. */
  readonly calibrated: boolean;
  /** Sample value that stands for 0 physical units. */
  readonly baseline: number;
  /** As written, such as `µV`; wfdb-python drops what is not ASCII. */
  readonly units: string;
  readonly adcResolution: number | null;
  readonly adcZero: number | null;
  readonly initialValue: number | null;
  /** Sum of all samples modulo 2¹⁶, as the header states it; not checked, as in wfdb-python. */
  readonly checksum: number | null;
  readonly blockSize: number | null;
  /** Name of the lead, as written; wfdb-python drops what is not ASCII. */
  readonly name: string | null;
}

/** Header of a single-segment WFDB record. */
export interface Header {
  readonly recordName: string;
  /** Frames per second (Hz). */
  readonly fs: number;
  /** Frames of each signal; `null`: to be inferred from the size of the signal file. */
  readonly signalLength: number | null;
  /** Start as written (`HH:MM:SS`, `DD/MM/YYYY`). */
  readonly baseTime: string | null;
  readonly baseDate: string | null;
  readonly signals: readonly SignalSpec[];
  /** Comment lines without `#` and surrounding blanks, and without what is not ASCII, as wfdb-python gives them. */
  readonly comments: readonly string[];
  /** Comments that lost characters so. */
  readonly cutComments: readonly string[];
}

/** One segment of a multi-segment record. */
export interface SegmentSpec {
  /** Name of its record, which lies in the same folder; `null`: nothing was recorded. */
  readonly name: string | null;
  /** Frames of each signal. */
  readonly length: number;
}

/** Header of a multi-segment WFDB record. */
export interface MultiSegmentHeader extends Omit<Header, 'signals'> {
  readonly signalCount: number;
  /** In order. A first segment of length 0 is the layout: it names all signals that segments may have. */
  readonly segments: readonly SegmentSpec[];
}

/** Headers are a few kilobytes; more than this is not a header. */
const MAX_HEADER_BYTES = 1 << 20;
/** WFDB allows 255 characters; the limit keeps hostile lines from costing quadratic time in the patterns below. */
const MAX_LINE = 4096;

// wfdb-python's own patterns (wfdb.io.header): what follows the last field that matches is ignored, as there.
const RECORD_LINE =
  /^[ \t]*([-\w]+)\/?(\d*)[ \t]+(\d+)[ \t]*(\d*\.?\d*)\/*(-?\d*\.?\d*)\(?(-?\d*\.?\d*)\)?[ \t]*(\d*)[ \t]*(\d{0,2}:?\d{0,2}:?\d{0,2}\.?\d{0,6})[ \t]*(\d{0,2}\/?\d{0,2}\/?\d{0,4})/;
const SIGNAL_LINE =
  /^[ \t]*(~?[-\w]*\.?\w*)[ \t]+(\d+)x?(\d*):?(\d*)\+?(\d*)[ \t]*(-?\d*\.?\d*e?[+-]?\d*)\(?(-?\d*)\)?\/?([\w^\-?%/]*)[ \t]*(\d*)[ \t]*(-?\d*)[ \t]*(-?\d*)[ \t]*(-?\d*)[ \t]*(\d*)[ \t]*(\S?[^\t\n\r\f\v]*)/d;
const SEGMENT_LINE = /^[ \t]*([-\w]*~?)[ \t]+(\d+)/;

// To Python the separators 1C to 1F are white space, and 1C to 1E line ends.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above.
const LINE_END = /\r\n|[\n\r\v\f\x1c\x1d\x1e]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above.
const BLANK = /[\s\x1c-\x1f]/;

/**
 * Reads the header of a single-segment WFDB record. Twin of `wfdb.rdheader` for such records.
 *
 * @param path record path without the `.hea` ending.
 * @throws as `readAnyHeader`; InputError for a multi-segment record.
 */
export function readHeader(path: string): Header {
  const header = readAnyHeader(path);
  if ('signals' in header) return header;
  throw new InputError('the record has several segments', {
    file: `${path}.hea`,
    got: `${header.recordName}/${header.segments.length}`,
    expected: 'a record of one segment',
  });
}

/**
 * Reads the header of a WFDB record. Twin of `wfdb.rdheader`.
 *
 * @param path record path without the `.hea` ending.
 * @throws FileNotFoundError if there is no `<path>.hea`; InputError naming file, line and field for anything that wfdb-python refuses, and where the
 *   number of signal or segment lines differs from the record line.
 */
export function readAnyHeader(path: string): Header | MultiSegmentHeader {
  const file = `${path}.hea`;
  return parseHeader(
    readWholeFile(file, { maxBytes: MAX_HEADER_BYTES, next: 'A WFDB header is a few lines of text.' }),
    file,
  );
}

/** Parses the bytes of a header; `file` is named in errors. */
export function parseHeader(bytes: Uint8Array, file: string): Header | MultiSegmentHeader {
  const lines: Line[] = [];
  const comments: string[] = [];
  const cutComments: string[] = [];
  const written = decode(bytes, file).split(LINE_END);
  written.forEach((whole, index) => {
    const text = strip(ascii(whole));
    if (text.length > MAX_LINE) {
      throw new InputError('the line is too long', {
        file,
        where: `line ${index + 1}`,
        got: `${text.length} characters`,
        expected: `at most ${MAX_LINE}`,
      });
    }
    if (text.startsWith('#')) {
      const comment = strip(text, /[ \t#]/);
      comments.push(comment);
      if (ascii(whole) !== whole) cutComments.push(comment);
    } else if (text !== '') lines.push({ text, whole, number: index + 1 });
  });
  const [first, ...rest] = lines;
  if (!first) throw new InputError('the header is empty', { file, expected: 'a record line' });
  const record = parseRecordLine(first.text, new Place(file, first.number));
  const { segmentCount, signalCount, ...fields } = record;
  const kind = segmentCount === null ? 'signal' : 'segment';
  const count = segmentCount ?? signalCount;
  if (rest.length !== count) {
    throw new InputError(`the number of ${kind} lines is wrong`, {
      file,
      got: `${rest.length} ${kind} lines`,
      expected: `${count}, as the record line says`,
    });
  }
  if (segmentCount === null) {
    const signals = rest.map((line) => parseSignalLine(line, new Place(file, line.number)));
    return { ...fields, signals, comments, cutComments };
  }
  const segments = rest.map(({ text, number }) => parseSegmentLine(text, new Place(file, number)));
  return { ...fields, signalCount, segments, comments, cutComments };
}

/** A line of a header. */
interface Line {
  /** As wfdb-python reads it: only what is ASCII, without blanks around. */
  readonly text: string;
  readonly whole: string;
  readonly number: number;
}

/** Text of a header: UTF-8, or else Latin-1. */
function decode(bytes: Uint8Array, file: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new InputError('the header is UTF-16 text', {
      file,
      next: `Save it as UTF-8: iconv -f UTF-16 -t UTF-8 ${file}`,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** What Python's `encoding='ascii', errors='ignore'` leaves of a text. */
function ascii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
  return text.replace(/[^\x00-\x7f]/g, '');
}

/**
 * What stands in the whole line at the place of a field of its ASCII part, from the ASCII character before the field to the one after it: of `/µV 16` the
 * field `V` is `µV`.
 */
function asWritten({ text, whole }: Line, [start, end]: readonly [number, number]): string {
  const places = [...whole].flatMap((character, place) => (character <= '\x7f' ? [place] : []));
  const characters = [...whole];
  const lead = ascii(whole).indexOf(text);
  const from = start + lead === 0 ? 0 : places[start + lead - 1] + 1;
  return characters.slice(from, places[end + lead] ?? characters.length).join('');
}

/** `str.strip()` on ASCII text, of characters that match. A pattern for all of them at once would take quadratic time where many stand inside. */
function strip(text: string, character = BLANK): string {
  let [start, end] = [0, text.length];
  while (start < end && character.test(text[start])) start++;
  while (end > start && character.test(text[end - 1])) end--;
  return text.slice(start, end);
}

/** Where a field stands, for errors. */
class Place {
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number) {
    this.file = file;
    this.line = line;
  }

  fail(field: string, got: string, expected: string, next?: string): never {
    throw new InputError(`the ${field} cannot be read`, {
      file: this.file,
      where: `line ${this.line}`,
      got: JSON.stringify(got),
      expected,
      next,
    });
  }

  /** Whole number, or `null` for an empty field. */
  integer(field: string, text: string): number | null {
    if (text === '') return null;
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) this.fail(field, text, 'a whole number below 2⁵³');
    return value + 0; // no negative zero
  }

  /** Decimal number, or `null` for an empty field. */
  decimal(field: string, text: string): number | null {
    if (text === '') return null;
    return parseNumber(text) ?? this.fail(field, text, 'a number');
  }
}

function parseRecordLine(text: string, place: Place) {
  const match = RECORD_LINE.exec(text);
  if (!match) {
    return place.fail(
      'record line',
      text.slice(0, 80),
      'NAME SIGNALS [FREQUENCY [SAMPLES [TIME [DATE]]]], with letters, digits, _ and - in the name',
      /^[-\w]+\.\w+ +\d+ +[\d.]+ +\d+/.test(text)
        ? `Take the ending out of the name, and what follows the number of samples: sed -i -E '${place.line}s/^([-_A-Za-z0-9]+)\\.[a-z]+ +([0-9]+ +[0-9.]+ +[0-9]+).*/\\1 \\2/' ${shellCommand([place.file])}`
        : undefined,
    );
  }
  const [recordName, segments, signals, frequency, counterFrequency, baseCounter, length, time, date] = match.slice(
    1,
  ) as string[];
  place.decimal('counter frequency', counterFrequency);
  place.decimal('base counter value', baseCounter);
  return {
    recordName: recordName,
    segmentCount: place.integer('number of segments', segments),
    signalCount: place.integer('number of signals', signals)!,
    fs: nearInteger(place.decimal('sampling frequency', frequency) ?? 250),
    signalLength: place.integer('number of samples', length),
    baseTime: time === '' ? null : checkTime(time, place),
    baseDate: date === '' ? null : checkDate(date, place),
  };
}

/** A frequency within 1e-8 of a whole number is that number, as in wfdb-python. */
export function nearInteger(fs: number): number {
  return Number(fs.toFixed(8)) === Math.trunc(fs) ? Math.trunc(fs) : fs;
}

function checkTime(text: string, place: Place): string {
  const second = '(?:[0-5]\\d|\\d)(?:\\.\\d{1,6})?';
  const minute = '(?:[0-5]\\d|\\d)';
  if (!new RegExp(`^(?:(?:(?:2[0-3]|[01]\\d|\\d):)?${minute}:)?${second}$`).test(text))
    place.fail('base time', text, 'HH:MM:SS');
  return text;
}

function checkDate(text: string, place: Place): string {
  const [, day, month, year] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text)?.map(Number) ?? [];
  const known = day !== undefined && month !== undefined && year !== undefined && year > 0;
  // Day 0 of the next month is the last day of this one; setUTCFullYear keeps years below 100 as they are.
  const lastDay = known ? new Date(new Date(0).setUTCFullYear(year, month, 0)).getUTCDate() : 0;
  if (!known || month < 1 || month > 12 || day < 1 || day > lastDay) place.fail('base date', text, 'DD/MM/YYYY');
  return text;
}

function parseSegmentLine(text: string, place: Place): SegmentSpec {
  const match = SEGMENT_LINE.exec(text);
  if (!match) return place.fail('segment line', text.slice(0, 80), 'NAME SAMPLES');
  const [name, length] = match.slice(1) as [string, string];
  const isNull = name === '~';
  if (!isNull && !/^[-\w]+$/.test(name)) place.fail('name of the segment', name, 'letters, digits, _ and -, or ~');
  return { name: isNull ? null : name, length: place.integer('number of samples', length)! };
}

function parseSignalLine(line: Line, place: Place): SignalSpec {
  const { text } = line;
  const match = SIGNAL_LINE.exec(text);
  if (!match)
    return place.fail('signal line', text.slice(0, 80), 'FILE FORMAT [GAIN(BASELINE)/UNITS [RESOLUTION [ZERO …]]]');
  const [fileName, fmt, frame, skew, offset, gain, baseline, units, resolution, zero, initial, checksum, block, name] =
    match.slice(1) as string[];
  const adcZero = place.integer('ADC zero', zero);
  const stated = place.decimal('gain', gain);
  const isAscii = ascii(line.whole) === line.whole;
  return {
    fileName: fileName,
    fmt: fmt,
    samplesPerFrame: place.integer('samples per frame', frame) ?? 1,
    skew: place.integer('skew', skew),
    byteOffset: place.integer('byte offset', offset),
    // A gain of 0 means "not calibrated"; wfdb takes 200 then, as it does for a missing one.
    adcGain: stated || 200,
    calibrated: Boolean(stated),
    baseline: place.integer('baseline', baseline) ?? adcZero ?? 0,
    units: (isAscii ? units : asWritten(line, match.indices![8]!)) || 'mV',
    adcResolution: place.integer('ADC resolution', resolution),
    adcZero,
    initialValue: place.integer('initial value', initial),
    checksum: place.integer('checksum', checksum),
    blockSize: place.integer('block size', block),
    name: (isAscii ? name : asWritten(line, [match.indices![13]![1], Number.POSITIVE_INFINITY]).trim()) || null,
  };
}
