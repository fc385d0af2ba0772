import { InputError } from '../errors.ts';
import { type NumberTable, readNumberTable } from '../lib/csv/number_table.ts';
import { loadmat, matlab4 } from '../lib/matlab/mat5.ts';
import { toFloat64 } from '../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { readNpy } from '../lib/numpy/npy.ts';
import { pythonToType } from '../lib/python/interpreter.ts';
import { openRecord } from '../lib/wfdb/record.ts';
import { knownUnits, millivoltsPer } from '../lib/wfdb/units.ts';
import { shellCommand } from '../text.ts';
import { asClock, type Clock, fitsRate, rateOf } from './clock.ts';
import { openDeviceRecording, openEdfRecording } from './devices.ts';
import { findLeads, leadKey, twelveLeads } from './leads.ts';
import { recordingFile } from './record_files.ts';
import type { ReadOptions, RecordingFormat, StoredRecording } from './stored.ts';

export { twelveLeads } from './leads.ts';
export type { Note, ReadOptions, RecordingFormat, StoredRecording } from './stored.ts';

/** One recording in physical units. */
export interface Recording {
  /** The file that says what the recording is. */
  readonly file: string;
  /** Shape (samples, leads), in `units`. */
  readonly signal: NdArray<'float64'>;
  /** Sampling rate (Hz). */
  readonly fs: number;
  /** Names of the leads in the file, in the order of the signal. */
  readonly leads: readonly string[];
}

const cpsc2018Rate = 500;

/**
 * Reads one recording.
 *
 * @param path see `recordingFile`; for published collections without ending.
 * @returns the leads in one unit. Missing samples are NaN.
 * @throws FileNotFoundError; InputError naming file and place for contents that cannot be used: missing leads, two leads of one name, unknown units,
 *   clocks with gaps.
 */
export function readRecording(path: string, format: RecordingFormat, options: ReadOptions = {}): Recording {
  const stored = openRecording(path, format, options);
  const places = options.leads ? findLeads(stored.leads, options.leads, stored.file) : stored.leads.map((_, i) => i);
  const fs = stored.fs ?? (format.kind === 'any' ? format.fs : undefined);
  if (fs === undefined) {
    throw new InputError('the sampling rate of the recording is not known', {
      file: stored.file,
      next: 'Give it: --record-fs HZ.',
    });
  }
  const { units: wanted = 'mV' } = options;
  const factors = places.map((place) => conversion(stored, place, wanted));
  const signal = stored.read(places);
  const width = places.length;
  factors.forEach(({ source, target }, lead) => {
    if (source === target) return;
    for (let i = lead; i < signal.data.length; i += width) signal.data[i] = (signal.data[i] * source) / target;
  });
  return { file: stored.file, signal, fs, leads: places.map((place) => stored.leads[place]) };
}

/** Millivolts per unit of a lead, and per wanted unit. */
function conversion(
  { file, leads, units }: StoredRecording,
  place: number,
  to: string,
): { source: number; target: number } {
  const unitOf = (lead: number): string => units[lead] ?? 'mV';
  const [source, target] = [millivoltsPer(unitOf(place)), millivoltsPer(to)];
  if (source !== undefined && target !== undefined) return { source, target };
  const usable = leads.filter((_, lead) => millivoltsPer(unitOf(lead)) !== undefined);
  throw new InputError('the unit cannot be converted', {
    file,
    where: `lead ${leads[place]}`,
    got: unitOf(place),
    expected: to === 'mV' ? knownUnits : to,
    next:
      usable.length > 0
        ? `Leave the lead out: --leads ${shellCommand([usable.join(',')])}`
        : 'Write the unit of the lead into the file.',
  });
}

/** Opens one recording without checking whether it can be used. Throws like `readRecording` if the file cannot be understood. */
export function openRecording(path: string, format: RecordingFormat, options: ReadOptions = {}): StoredRecording {
  if (format.kind === 'cpsc2018') return openCpsc2018(`${path}.mat`);
  if (format.kind === 'wfdb') return openWfdb(path, options);
  const { form, file } = recordingFile(path);
  if (form === 'wfdb') return openWfdb(file.slice(0, -'.hea'.length), options);
  if (form === 'mat') return openLoneMat(file);
  if (form === 'edf') return openEdfRecording(file, format, options);
  if (form === 'csv') return openCsv(file, format, options);
  return form === 'npy' ? openNpy(file, format, options) : openDeviceRecording(file, form, options);
}

function openWfdb(path: string, { note }: ReadOptions): StoredRecording {
  const file = `${path}.hea`;
  const { fs, signals, read } = openRecord(path);
  const leads = signals.map(({ name }, lead) => name ?? `${lead}`);
  return {
    file,
    fs,
    leads,
    units: signals.map(({ units }) => units),
    read: (places) => {
      const uncalibrated = places.filter((place) => !signals[place].calibrated);
      if (uncalibrated.length > 0) {
        const names = uncalibrated.map((place) => leads[place]).join(', ');
        const text = `${file}: no gain of ${names}; 200 steps per ${signals[uncalibrated[0]].units} are assumed, as WFDB does`;
        note?.({ kind: 'warning', about: 'recordings without a gain', file, text });
      }
      return read(places);
    },
  };
}

function openCpsc2018(file: string): StoredRecording {
  const ecg = loadmat(file).get('ECG');
  const data = ecg instanceof Map ? ecg.get('data') : undefined;
  if (data === undefined || typeof data === 'string' || data instanceof Map || !('dtype' in data)) {
    throw new InputError('this is not a recording of CPSC 2018', { file, expected: 'a struct ECG with a matrix data' });
  }
  // Integers would be steps of a converter, and the file does not state the size of a step.
  if (!data.dtype.startsWith('float') || data.shape.length !== 2 || data.shape[0] !== twelveLeads.length) {
    throw new InputError('the recording has the wrong shape', {
      file,
      where: 'ECG.data',
      got: `${data.dtype} (${data.shape.join(', ')})`,
      expected: 'float64 or float32 (12, samples), in mV',
    });
  }
  const samples = data.shape[1]!;
  const values = toFloat64(data);
  return {
    file,
    fs: cpsc2018Rate,
    leads: twelveLeads,
    units: twelveLeads.map(() => 'mV'),
    read: (places) => gather(samples, places, (sample, lead) => values[lead * samples + sample]),
  };
}

function gather(
  samples: number,
  places: readonly number[],
  value: (sample: number, place: number) => number,
): NdArray<'float64'> {
  const width = places.length;
  const out = new Float64Array(samples * width);
  places.forEach((place, lead) => {
    for (let i = 0; i < samples; i++) out[i * width + lead] = value(i, place);
  });
  return ndarray('float64', [samples, width], out);
}

/** Python program that saves the first matrix of a MATLAB file (up to version 7) as a NumPy array (samples, leads). */
const matrixToArray =
  "import sys, numpy, scipy.io; path = sys.argv[1]; x = next(v for k, v in scipy.io.loadmat(path).items() if k[0] != '_'); numpy.save(path[:-4] + '.npy', x.T if x.shape[0] < x.shape[1] else x)";

/** Signal files of other collections end in `.mat` too, but cannot be read without their headers. */
function openLoneMat(file: string): StoredRecording {
  try {
    return openCpsc2018(file);
  } catch (error) {
    // A damaged or missing file is reported as such.
    if (!(error instanceof InputError) || error.problem.where?.startsWith('byte')) throw error;
    const { got, next } = error.problem;
    const convert = `Save its matrix as array: ${pythonToType()} -c "${matrixToArray}" ${shellCommand([file])}`;
    throw new InputError('this is not a recording of CPSC 2018, and has no WFDB header beside it', {
      file,
      got,
      next: `If it is the signal file of a WFDB record, put its header beside it: ${file.replace(/mat$/, 'hea')}. ${next && got !== matlab4 ? next : convert}`,
    });
  }
}

function openCsv(file: string, format: RecordingFormat & { kind: 'any' }, options: ReadOptions): StoredRecording {
  const table = readNumberTable(file);
  if (table.decimalCommas) {
    const text = `${file}: numbers are read with decimal commas`;
    options.note?.({ kind: 'message', about: 'recordings with decimal commas', file, text });
  }
  const stated = table.names?.map(nameAndUnit);
  const isText = (column: number): boolean => table.faults[column] !== undefined;
  return openTable(
    {
      file,
      rows: table.rows,
      columns: table.columns,
      names: stated?.map(({ name }) => name),
      units: (table.units ?? stated?.map(({ unit }) => unit) ?? []).map((unit) => unit?.replace(/^[[(]|[\])]$/g, '')),
      isTime: (column) => table.timestamps.has(column) && !isText(column),
      isText,
      at: (row, column) => table.cells[row * table.columns + column],
      check: (column, name) => checkCells(table, column, name),
    },
    format,
    options,
  );
}

/** `II (µV)` is lead II in µV. */
function nameAndUnit(text: string): { name: string; unit?: string } {
  const [, name, unit] = /^(.*\S)\s*[([]([^()[\]]*)[)\]]$/.exec(text) ?? [];
  return unit !== undefined && millivoltsPer(unit) !== undefined ? { name: name, unit } : { name: text };
}

function checkCells({ file, faults, timestamps }: NumberTable, column: number, name: string): void {
  const fault = faults[column];
  if (fault) {
    throw new InputError('a sample is not a number', {
      file,
      where: `line ${fault.line}, lead ${name}`,
      got: JSON.stringify(fault.text.slice(0, 40)),
      next: 'If the column is not a lead, name those that are: --leads I,II,…',
    });
  }
  if (timestamps.has(column)) throw new InputError('the samples are points in time', { file, where: `lead ${name}` });
}

function openNpy(file: string, format: RecordingFormat & { kind: 'any' }, options: ReadOptions): StoredRecording {
  const array = readNpy(file);
  const shape = `${array.dtype} (${array.shape.join(', ')})`;
  if (array.dtype === 'object' || array.dtype === 'str' || array.shape.length < 1 || array.shape.length > 2) {
    throw new InputError('the recording cannot be used', { file, got: shape, expected: 'numbers (samples, leads)' });
  }
  const [rows, columns = 1] = array.shape as [number, number?];
  const count = format.leads?.length;
  if (count !== undefined && rows === count && columns > count + 1) {
    throw new InputError('the array has leads where samples are expected', {
      file,
      got: `${shape}: (leads, samples)`,
      expected: '(samples, leads)',
      next: `Transpose it: ${pythonToType()} -c "import sys, numpy; numpy.save(sys.argv[1], numpy.load(sys.argv[1]).T)" ${shellCommand([file])}`,
    });
  }
  const values = toFloat64(array as NdArray);
  const at = (row: number, column: number): number => values[row * columns + column];
  const none = (): boolean => false;
  return openTable(
    { file, rows, columns, names: undefined, units: [], isTime: none, isText: none, at, check: () => undefined, shape },
    format,
    options,
  );
}

/** Columns of numbers that may be leads. */
interface Columns {
  readonly file: string;
  readonly rows: number;
  readonly columns: number;
  readonly names: readonly string[] | undefined;
  readonly units: readonly (string | undefined)[];
  readonly isTime: (column: number) => boolean;
  /** Whether some cell is neither a number, nor a point in time, nor missing. */
  readonly isText: (column: number) => boolean;
  readonly at: (row: number, column: number) => number;
  /** Throws if a cell is not a number. */
  readonly check: (column: number, name: string) => void;
  /** Type and shape of an array. */
  readonly shape?: string;
}

/** A recording from a table: every column is a lead, except clocks. */
function openTable(table: Columns, format: RecordingFormat & { kind: 'any' }, options: ReadOptions): StoredRecording {
  const { file, rows, at } = table;
  if (rows === 0) throw new InputError('the recording has no samples', { file, got: table.shape });
  const all = Array.from({ length: table.columns }, (_, column) => column);
  const titles = table.names ?? (format.leads?.length === table.columns ? format.leads : undefined);
  const wanted = new Set(options.leads?.map(leadKey));
  const clocks = new Map<number, Clock>();
  for (const column of all) {
    const name = titles?.[column];
    // A column that the user asks for is a lead.
    if (table.isText(column) || (name !== undefined && wanted.has(leadKey(name)))) continue;
    const values = Float64Array.from({ length: rows }, (_, row) => at(row, column));
    const clock = asClock(values, { name, unit: table.units[column], isTime: table.isTime(column), file });
    if (clock) clocks.set(column, clock);
  }
  const columns = all.filter((column) => !clocks.has(column));
  const names = titles ? columns.map((column) => titles[column]) : format.leads;
  if (columns.length === 0) throw new InputError('the recording has no leads, only time', { file });
  if (names === undefined || names.length !== columns.length || names.includes('')) {
    throw new InputError('the leads have no names', {
      file,
      got: table.shape ?? `${columns.length} columns`,
      expected: table.names ? 'a name for every column in the first line' : `${format.leads?.length ?? 'stated'} leads`,
      next: table.names ? 'Write the names into the first line.' : 'Give them: --record-leads I,II,…',
    });
  }
  const units = columns.map((column, i) => statedUnit(table.units[column], format.units, file, names[i]));
  return {
    file,
    fs: rateFrom(clocks, table, format, options),
    leads: names,
    units,
    read: (places) => {
      for (const place of places) table.check(columns[place], names[place]);
      return gather(rows, places, (row, place) => at(row, columns[place]));
    },
  };
}

function statedUnit(
  own: string | undefined,
  stated: string | undefined,
  file: string,
  lead: string,
): string | undefined {
  if (own === undefined || stated === undefined) return own ?? stated;
  if (millivoltsPer(own) === millivoltsPer(stated)) return own;
  throw new InputError('the file states a different unit', {
    file,
    where: `lead ${lead}`,
    got: own,
    expected: `${stated}, as --record-units says`,
    next: 'Leave --record-units out.',
  });
}

/** The rate from the options or from a clock; both must agree. */
function rateFrom(
  clocks: ReadonlyMap<number, Clock>,
  table: Columns,
  { fs }: RecordingFormat & { kind: 'any' },
  { note }: ReadOptions,
): number | undefined {
  let rate = fs;
  for (const [column, clock] of clocks) {
    const { file } = table;
    const title = table.names ? JSON.stringify(table.names[column]) : `${column + 1}`;
    const told = rateOf(clock);
    if (rate !== undefined && !fitsRate(clock, rate)) {
      throw new InputError('the time axis does not fit the sampling rate', {
        file,
        where: `column ${title}`,
        got: `${told ?? 1 / clock.step!} Hz`,
        expected: `${rate} Hz${rate === fs ? ', as --record-fs says' : ''}`,
        next: rate === fs ? 'Leave --record-fs out, or correct it.' : 'Remove one of the columns of time.',
      });
    }
    rate ??= told;
    const text = `${file}: column ${title} is the time axis${told === undefined ? '' : ` (${told} Hz)`}, not a lead`;
    note?.({ kind: 'message', about: 'recordings with a column of time', file, text });
  }
  return rate;
}
