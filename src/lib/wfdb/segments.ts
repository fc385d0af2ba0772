import { dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { type Header, type MultiSegmentHeader, readAnyHeader, type SignalSpec } from './header.ts';
import { decodedPerFrame, maxSamples, readPhysical } from './signal.ts';

/** Limit on segments times signals. A day in 1,000 segments of 12 signals has 12,000. */
const maxParts = 2 ** 22;

/** A segment with samples. */
interface Segment {
  /** Path of its record, without ending. */
  readonly path: string;
  readonly header: Header;
  /** First frame in the whole record. */
  readonly from: number;
  readonly length: number;
  /** Number in the segment of each signal of the whole record; -1: the segment lacks it. */
  readonly places: readonly number[];
}

/** A signal of the whole record. */
interface JoinedSignal {
  readonly name: string | null;
  readonly units: string;
  readonly calibrated: boolean;
}

/** A multi-segment record as one. */
interface Joined {
  readonly signals: readonly JoinedSignal[];
  read(places: readonly number[]): NdArray<'float64'>;
}

/**
 * Joins the segments of a record. Twin of `wfdb.MultiRecord.multi_to_single(physical=True)`. In a fixed layout, every segment has the same signals in the
 * same order. In a variable layout, the first segment names all signals, and the others have some of them in any order. Samples that no segment holds are
 * NaN.
 *
 * @param path path of the record, without ending; its segments lie in the same folder.
 * @throws FileNotFoundError; InputError where segments contradict the record or each other. wfdb-python mixes units and signals silently there, or fails.
 */
export function joinSegments(header: MultiSegmentHeader, path: string): Joined {
  const file = `${path}.hea`;
  const [first] = header.segments;
  if (first === undefined) throw new InputError('the record has no segments', { file });
  const isVariable = first.length === 0;
  const total = totalLength(header, file);
  const layout = isVariable ? readLayout(header, path) : undefined;
  const segments: Segment[] = [];
  const known = new Map<string, Segment>();
  let names = layout?.map((signal) => signal.name);
  let from = 0;
  for (const [number, { name, length }] of header.segments.entries()) {
    if (name !== null && !(isVariable && number === 0)) {
      const found = known.get(`${name} ${length}`) ?? openSegment(header, path, number, names);
      known.set(`${name} ${length}`, found);
      names ??= found.header.signals.map((signal) => signal.name);
      if (header.segments.length * names.length > maxParts) throw tooMany(header, names.length, file);
      segments.push({ ...found, from });
    }
    from += length;
  }
  if (names === undefined) throw new InputError('the record has only empty segments', { file });
  const signals = names.map((name, place) => joinSignal(name, place, segments, layout?.[place]));
  return { signals, read: (places) => readSegments(segments, places, total, file) };
}

function tooMany({ segments }: MultiSegmentHeader, signals: number, file: string): InputError {
  return new InputError('the record has too many segments', {
    file,
    got: `${segments.length} segments of ${signals} signals`,
    expected: `at most ${maxParts} segments times signals`,
  });
}

/** Opens a segment; `from` is left at 0. `names`: the signals of the whole record, undefined for the first segment of a fixed layout. */
function openSegment(
  header: MultiSegmentHeader,
  path: string,
  number: number,
  names: readonly (string | null)[] | undefined,
): Segment {
  const segment = readSegment(header, path, number);
  const own = join(dirname(path), header.segments[number].name!);
  const found = segment.signals.map(({ name }) => name);
  if (header.segments[0].length > 0) requireSame(found, names ?? found, `${own}.hea`);
  // The first of two signals of one name counts, as in wfdb-python.
  const first = new Map(found.map((name, place) => [name, place] as const).reverse());
  const places = (names ?? found).map((name, place) =>
    header.segments[0].length > 0 ? place : (first.get(name) ?? -1),
  );
  return { path: own, header: segment, from: 0, length: header.segments[number].length, places };
}

/** Frames of the whole record. */
function totalLength({ segments, signalLength }: MultiSegmentHeader, file: string): number {
  const total = segments.reduce((sum, { length }) => sum + length, 0);
  if (signalLength === null || signalLength === total) return total;
  throw new InputError('the segments do not add up to the length of the record', {
    file,
    got: `${total} samples in ${segments.length} segments`,
    expected: `${signalLength}, as the record line says`,
  });
}

/** The signals that the layout of a record names. */
function readLayout(header: MultiSegmentHeader, path: string): readonly SignalSpec[] {
  const { name } = header.segments[0];
  if (name === null) {
    throw new InputError('the first segment must have samples or be the layout', { file: `${path}.hea`, got: '~ 0' });
  }
  return readSegment(header, path, 0).signals;
}

/** The header of a segment, checked against the record. */
function readSegment({ segments, fs, signalCount }: MultiSegmentHeader, path: string, number: number): Header {
  const { name, length } = segments[number];
  const isLayout = number === 0 && length === 0;
  const file = `${join(dirname(path), name!)}.hea`;
  const header = readAnyHeader(join(dirname(path), name!));
  const differs = (what: string, got: string | number, expected: string | number): InputError =>
    new InputError(`the segment has another ${what} than its record says`, {
      file,
      got: `${got}`,
      expected: `${expected} (${path}.hea)`,
    });
  if (!('signals' in header)) {
    throw new InputError('a segment has segments itself', { file, expected: 'a record of one segment' });
  }
  if (header.fs !== fs) throw differs('sampling rate', `${header.fs} Hz`, `${fs} Hz`);
  if (!isLayout && length === 0) throw new InputError('a segment has no samples', { file: `${path}.hea`, got: name! });
  if ((header.signalLength ?? length) !== length) throw differs('length', header.signalLength!, length);
  const isWhole = isLayout || segments[0].length > 0;
  if (isWhole && header.signals.length !== signalCount) {
    throw differs('number of signals', header.signals.length, signalCount);
  }
  return { ...header, signalLength: length };
}

function requireSame(found: readonly (string | null)[], expected: readonly (string | null)[], file: string): void {
  if (found.every((name, place) => name === expected[place])) return;
  throw new InputError('the segment has other signals than the first one', {
    file,
    got: found.join(', '),
    expected: expected.join(', '),
  });
}

/** What the segments say about one signal: they must agree on its unit, and with the layout on its samples per frame. */
function joinSignal(
  name: string | null,
  place: number,
  segments: readonly Segment[],
  layout: SignalSpec | undefined,
): JoinedSignal {
  const parts = segments
    .filter(({ places }) => places[place] !== -1)
    .map(({ header, path, places }) => ({ path, spec: header.signals[places[place]] }));
  const units = parts[0]?.spec.units ?? layout!.units;
  for (const { path, spec } of parts) {
    const [got, expected] =
      layout && spec.samplesPerFrame !== layout.samplesPerFrame
        ? [`${spec.samplesPerFrame} samples per frame`, `${layout.samplesPerFrame}`]
        : [spec.units, units];
    if (got === expected) continue;
    throw new InputError('a signal is stored differently in two segments', {
      file: `${path}.hea`,
      where: `signal ${name}`,
      got,
      expected,
    });
  }
  return { name, units, calibrated: parts.every(({ spec }) => spec.calibrated) };
}

function readSegments(
  segments: readonly Segment[],
  places: readonly number[],
  total: number,
  file: string,
): NdArray<'float64'> {
  const width = places.length;
  const parts = segments
    .map((segment) => ({
      segment,
      leads: places.map((_, lead) => lead).filter((lead) => segment.places[places[lead]] !== -1),
    }))
    .filter(({ leads }) => leads.length > 0)
    .map(({ segment, leads }) => ({ ...segment, leads, taken: leads.map((lead) => segment.places[places[lead]]) }));
  const decoded = parts.map(
    ({ header, path, length, taken }) => length * decodedPerFrame(header, taken, `${path}.hea`),
  );
  const most = Math.max(
    total * width,
    decoded.reduce((sum, count) => sum + count, 0),
  );
  if (most > maxSamples) {
    throw new InputError('the record is too long to be read whole', {
      file,
      got: `${most} samples in ${segments.length} segments`,
      expected: `at most ${maxSamples} samples`,
    });
  }
  const out = new Float64Array(total * width).fill(Number.NaN);
  for (const { header, path, from, length, leads, taken } of parts) {
    const { data } = readPhysical(header, path, taken);
    leads.forEach((lead, column) => {
      for (let i = 0; i < length; i++) out[(from + i) * width + lead] = data[i * leads.length + column];
    });
  }
  return ndarray('float64', [total, width], out);
}
