import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { FileNotFoundError } from '../python/errors.ts';
import { type SignalFormat, signalFormats } from './formats.ts';
import { type Header, readHeader, type SignalSpec } from './header.ts';

/** A WFDB record read whole. Twin of `wfdb.Record`. */
export interface WfdbRecord {
  /** Name as the header has it; a reader of a data set may put its own id here, as the Python original does. */
  recordName: string | number;
  /** Frames per second (Hz). */
  readonly fs: number;
  /** Names of the leads. */
  readonly sigName: readonly (string | null)[];
  /** Physical unit of each lead. */
  readonly units: readonly string[];
  readonly comments: readonly string[];
  /** Samples in physical units, shape (frames, leads); missing samples are NaN. Can be replaced, as in Python. */
  pSignal: NdArray<'float64'>;
}

/** Samples of one record that are held at once: 512 MiB of physical units. */
const MAX_SAMPLES = 2 ** 26;

/**
 * Reads a WFDB record in physical units: `(sample − baseline) / gain` in float64, missing samples NaN. Twin of `wfdb.rdrecord(path)`; equal to
 * the last bit. A signal with several samples a frame is averaged over each frame in ADC units, towards zero, as there.
 *
 * @param path record path without ending; its `.hea` names the signal files, which lie in the same folder.
 * @throws FileNotFoundError for a missing file; InputError for a header that cannot be used, an unsupported format, or a signal file that is
 *   shorter than its header says.
 */
export function rdrecord(path: string): WfdbRecord {
  const header = readHeader(path);
  return {
    recordName: header.recordName,
    fs: header.fs,
    sigName: header.signals.map((signal) => signal.name),
    units: header.signals.map((signal) => signal.units),
    comments: header.comments,
    pSignal: toPhysical(readDigital(header, path), header),
  };
}

/**
 * Reads the samples of a record in ADC units.
 *
 * @param header the record's header.
 * @param path record path without ending.
 * @returns shape (frames, leads); values as `wfdb.rdrecord(path, physical=False)`, there int64.
 */
export function readDigital(header: Header, path: string): NdArray<'int32'> {
  const file = `${path}.hea`;
  const groups = groupByFile(header.signals, file);
  const first = groups[0];
  if (!first) throw new InputError('the record has no signals', { file, expected: 'at least one signal line' });
  const length = header.signalLength ?? inferLength(first, dirname(path));
  const leads = header.signals.length;
  if (length < 1) throw new InputError('the record has no samples', { file, got: `${length} samples per signal` });
  if (length * frameSize(header.signals) > MAX_SAMPLES) {
    throw new InputError('the record is too long to be read whole', {
      file,
      got: `${length} frames of ${frameSize(header.signals)} samples`,
      expected: `at most ${MAX_SAMPLES} samples`,
    });
  }
  checkSkews(header.signals, file);
  const out = new Int32Array(length * leads);
  let lead = 0;
  for (const group of groups) {
    const samples = readSamples(group, length, dirname(path), file);
    let start = 0;
    for (const signal of group.signals) {
      copySignal(samples, group, signal, start, { out, lead, leads, length });
      start += signal.samplesPerFrame;
      lead++;
    }
  }
  return ndarray('int32', [length, leads], out);
}

/** Samples in physical units. Twin of `wfdb.Record.dac`. */
export function toPhysical(digital: NdArray<'int32'>, header: Header): NdArray<'float64'> {
  const leads = header.signals.length;
  const out = new Float64Array(digital.data.length);
  header.signals.forEach((signal, lead) => {
    const missing = signalFormats.get(signal.fmt)?.missing ?? null;
    const { baseline, adcGain } = signal;
    for (let i = lead; i < out.length; i += leads) {
      const sample = digital.data[i]!;
      out[i] = sample === missing ? Number.NaN : (sample - baseline) / adcGain;
    }
  });
  return ndarray('float64', digital.shape, out);
}

/** Signals that lie interleaved in one file. */
interface FileGroup {
  readonly fileName: string;
  readonly format: SignalFormat;
  readonly fmt: string;
  readonly byteOffset: number;
  readonly signals: readonly SignalSpec[];
}

function groupByFile(signals: readonly SignalSpec[], file: string): FileGroup[] {
  const groups: { fileName: string; signals: SignalSpec[] }[] = [];
  signals.forEach((signal, index) => {
    const where = `signal ${index}`;
    if (!signalFormats.has(signal.fmt)) {
      throw new InputError('the signal format is not supported', {
        file,
        where,
        got: signal.fmt,
        expected: [...signalFormats.keys()].join(', '),
        next: 'Convert the record to format 16 first (program xform of the WFDB package).',
      });
    }
    if (signal.samplesPerFrame < 1) {
      throw new InputError('a frame needs samples', {
        file,
        where,
        got: `${signal.samplesPerFrame} samples per frame`,
        expected: 'at least 1',
      });
    }
    const last = groups.at(-1);
    if (last?.fileName === signal.fileName) last.signals.push(signal);
    else if (groups.some((group) => group.fileName === signal.fileName)) {
      throw new InputError('the signals of a file are not listed together', { file, where, got: signal.fileName });
    } else groups.push({ fileName: signal.fileName, signals: [signal] });
  });
  // As in wfdb-python, the first signal of a file says how all of it is stored.
  return groups.map((group) => {
    const { fmt, byteOffset } = group.signals[0]!;
    return { ...group, fmt, format: signalFormats.get(fmt)!, byteOffset: byteOffset ?? 0 };
  });
}

function frameSize(signals: readonly SignalSpec[]): number {
  return signals.reduce((sum, signal) => sum + signal.samplesPerFrame, 0);
}

function checkSkews(signals: readonly SignalSpec[], file: string): void {
  const skews = new Set(signals.map((signal) => signal.skew ?? 0).filter((skew) => skew > 0));
  if (skews.size > 1) {
    throw new InputError('signals with different skews are not supported (nor does wfdb-python read them)', {
      file,
      got: `skews of ${[...skews].join(', ')} frames`,
    });
  }
  const index = signals.findIndex(
    (signal) => (signal.skew ?? 0) > 0 && signalFormats.get(signal.fmt)?.missing === null,
  );
  if (index !== -1) {
    throw new InputError('a skewed signal needs a format with a value for missing samples', {
      file,
      where: `signal ${index}`,
      got: `format ${signals[index]!.fmt}`,
    });
  }
}

/** Opens a signal file and hands its size and a reader to `use`. */
function withSignalFile<T>(path: string, use: (descriptor: number, size: number) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileNotFoundError(path);
    throw error;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new InputError('this is not a file', { file: path, expected: 'a WFDB signal file' });
    return use(descriptor, status.size);
  } finally {
    closeSync(descriptor);
  }
}

function inferLength(group: FileGroup, directory: string): number {
  return withSignalFile(join(directory, group.fileName), (_, size) =>
    Math.trunc((size - group.byteOffset) / (group.format.bytesPerSample * frameSize(group.signals))),
  );
}

/** All samples of a file in their order there, and two more. */
function readSamples(group: FileGroup, length: number, directory: string, header: string): Int32Array {
  const path = join(directory, group.fileName);
  const count = length * frameSize(group.signals);
  const bytes = withSignalFile(path, (descriptor, size) => {
    const needed = group.format.byteCount(count);
    if (size < group.byteOffset + needed) {
      throw new InputError('the signal file is shorter than its header says', {
        file: path,
        got: `${size} bytes`,
        expected: `${group.byteOffset + needed} bytes for ${length} samples of ${group.signals.length} signals in format ${group.fmt} (${header})`,
        next: 'Fetch the file again.',
      });
    }
    const buffer = Buffer.alloc(needed + 8);
    let done = 0;
    while (done < needed) {
      const read = readSync(descriptor, buffer, done, needed - done, group.byteOffset + done);
      if (read === 0) throw new InputError('the signal file became shorter while it was read', { file: path });
      done += read;
    }
    return buffer;
  });
  // Two samples more, of zeros and what bits of theirs share the last byte: wfdb-python shows them at the end of skewed signals.
  const samples = new Int32Array(count + 2);
  group.format.decode(bytes, samples);
  if (group.fmt === '8') sumDifferences(samples.subarray(0, count), group.signals, path);
  return samples;
}

/** Format 8 holds differences: each signal is a running sum (int32, wrapping) that starts at the header's initial value. */
function sumDifferences(samples: Int32Array, signals: readonly SignalSpec[], file: string): void {
  const frame = frameSize(signals);
  let start = 0;
  for (const signal of signals) {
    let value = signal.initialValue ?? 0;
    if (value !== (value | 0))
      throw new InputError('the initial value is out of range', {
        file,
        got: `${value}`,
        expected: 'a 32-bit integer',
      });
    for (let at = start; at < samples.length; at += frame) {
      for (let k = at; k < at + signal.samplesPerFrame; k++) {
        value = (value + samples[k]!) | 0;
        samples[k] = value;
      }
    }
    start += signal.samplesPerFrame;
  }
}

/** Copies one signal of a file into its lead: moved by its skew, averaged over each frame. */
function copySignal(
  samples: Int32Array,
  group: FileGroup,
  signal: SignalSpec,
  start: number,
  { out, lead, leads, length }: { out: Int32Array; lead: number; leads: number; length: number },
): void {
  const frame = frameSize(group.signals);
  const { samplesPerFrame } = signal;
  const skew = signal.skew ?? 0;
  if (samplesPerFrame === 1 && skew === 0) {
    for (let i = 0; i < length; i++) out[i * leads + lead] = samples[i * frame + start]!;
    return;
  }
  // The last `skew` samples (not frames) of a skewed signal become missing; the rest past the end of the file is zeros, as in wfdb-python.
  const firstMissing = skew === 0 ? Number.POSITIVE_INFINITY : length * samplesPerFrame - skew;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < samplesPerFrame; k++) {
      const at = (i + skew) * frame + start + k;
      if (i * samplesPerFrame + k >= firstMissing) sum += group.format.missing!;
      else sum += at < samples.length ? samples[at]! : group.format.zero;
    }
    out[i * leads + lead] = Math.trunc(sum / samplesPerFrame);
  }
}
