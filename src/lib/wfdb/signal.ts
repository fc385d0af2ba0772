import { dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { type ByteSource, openFile } from '../python/byte_source.ts';
import { convertCommand } from './convert_command.ts';
import { flacFormats, type SignalFormat, signalFormats } from './formats.ts';
import type { Header, SignalSpec } from './header.ts';

/** Samples of one record that are held at once: 512 MiB of physical units. */
export const maxSamples = 2 ** 26;

/**
 * Reads samples of a record in physical units.
 *
 * @param places signals to read, by their number in the header (default: all); files of other signals are neither opened nor checked.
 * @returns shape (frames, places); missing samples are NaN.
 */
export function readPhysical(header: Header, path: string, places = everySignal(header)): NdArray<'float64'> {
  const signals = places.map((place) => header.signals[place]);
  return toPhysical(readDigital(header, path, places), { signals });
}

function everySignal(header: Header): readonly number[] {
  return header.signals.map((_, place) => place);
}

/**
 * Reads the samples of a record in ADC units.
 *
 * @param header the record's header.
 * @param path record path without ending.
 * @param places as of `readPhysical`.
 * @returns shape (frames, places); values as `wfdb.rdrecord(path, physical=False)`, there int64.
 */
export function readDigital(header: Header, path: string, places = everySignal(header)): NdArray<'int32'> {
  const file = `${path}.hea`;
  const leadOf = new Map(places.map((place, lead) => [place, lead]));
  const groups = groupsWith(header, places, file);
  const first = groups[0];
  if (!first) throw new InputError('the record has no signals', { file, expected: 'at least one signal line' });
  const formats = new Map(groups.map((group) => [group, checkedFormat(group, file)]));
  const length = header.signalLength ?? inferLength(first, formats.get(first)!, dirname(path));
  const width = places.length;
  const used = groups.flatMap(({ signals }) => signals);
  if (length < 1) throw new InputError('the record has no samples', { file, got: `${length} samples per signal` });
  if (length * frameSize(used) > maxSamples) {
    throw new InputError('the record is too long to be read whole', {
      file,
      got: `${length} frames of ${frameSize(used)} samples`,
      expected: `at most ${maxSamples} samples`,
    });
  }
  checkSkews(used, length, file);
  const out = new Int32Array(length * width);
  for (const [group, format] of formats) {
    const samples = readSamples(group, format, length, dirname(path), file);
    const frame = frameSize(group.signals);
    let start = 0;
    group.signals.forEach((signal, i) => {
      const lead = leadOf.get(group.from + i);
      if (lead !== undefined) copySignal(samples, { frame, format, signal, start }, { out, lead, width, length });
      start += signal.samplesPerFrame;
    });
  }
  return ndarray('int32', [length, width], out);
}

/** Samples in physical units. Twin of `wfdb.Record.dac`. */
function toPhysical(digital: NdArray<'int32'>, header: Pick<Header, 'signals'>): NdArray<'float64'> {
  const leads = header.signals.length;
  const out = new Float64Array(digital.data.length);
  header.signals.forEach((signal, lead) => {
    const missing = signalFormats.get(signal.fmt)?.missing ?? null;
    const { baseline, adcGain } = signal;
    for (let i = lead; i < out.length; i += leads) {
      const sample = digital.data[i];
      out[i] = sample === missing ? Number.NaN : (sample - baseline) / adcGain;
    }
  });
  return ndarray('float64', digital.shape, out);
}

/** Signals that lie interleaved in one file. */
interface FileGroup {
  readonly fileName: string;
  /** Number of the first signal in the header. */
  readonly from: number;
  readonly signals: readonly SignalSpec[];
}

function groupByFile(signals: readonly SignalSpec[], file: string): FileGroup[] {
  const groups: { fileName: string; from: number; signals: SignalSpec[] }[] = [];
  const names = new Set<string>();
  signals.forEach((signal, index) => {
    const last = groups.at(-1);
    if (last?.fileName === signal.fileName) last.signals.push(signal);
    else if (names.has(signal.fileName)) {
      throw new InputError('the signals of a file are not listed together', {
        file,
        where: `signal ${index}`,
        got: signal.fileName,
      });
    } else groups.push({ fileName: signal.fileName, from: index, signals: [signal] });
    names.add(signal.fileName);
  });
  return groups;
}

/** The files that hold the signals at these places. */
function groupsWith(header: Header, places: readonly number[], file: string): FileGroup[] {
  const wanted = new Set(places);
  return groupByFile(header.signals, file).filter(({ from, signals }) => signals.some((_, i) => wanted.has(from + i)));
}

/** Samples of each frame that have to be decoded to read the signals at these places. */
export function decodedPerFrame(header: Header, places: readonly number[], file: string): number {
  return frameSize(groupsWith(header, places, file).flatMap(({ signals }) => signals));
}

/** Storage format of a file. As in wfdb-python, its first signal says how all of it is stored. */
function checkedFormat({ signals, from }: FileGroup, file: string): SignalFormat {
  signals.forEach(({ fmt, samplesPerFrame }, i) => {
    const where = `signal ${from + i}`;
    if (flacFormats.has(fmt)) {
      throw new InputError('the signals are compressed (FLAC), which cannot be read here', {
        file,
        where,
        got: `format ${fmt}`,
        expected: [...signalFormats.keys()].join(', '),
        next: convertCommand(file),
      });
    }
    if (!signalFormats.has(fmt)) {
      throw new InputError('the signal format is not known', {
        file,
        where,
        got: fmt,
        expected: [...signalFormats.keys()].join(', '),
      });
    }
    if (samplesPerFrame < 1) {
      throw new InputError('a frame needs samples', {
        file,
        where,
        got: `${samplesPerFrame} samples per frame`,
        expected: 'at least 1',
      });
    }
  });
  return signalFormats.get(signals[0].fmt)!;
}

function frameSize(signals: readonly SignalSpec[]): number {
  return signals.reduce((sum, signal) => sum + signal.samplesPerFrame, 0);
}

function checkSkews(signals: readonly SignalSpec[], length: number, file: string): void {
  const skews = new Set(signals.map((signal) => signal.skew ?? 0).filter((skew) => skew > 0));
  const longest = [...skews].reduce((most, skew) => Math.max(most, skew), 0);
  if (longest > length) {
    throw new InputError('a signal is skewed by more than the length of the record', {
      file,
      got: `${longest} frames`,
      expected: `at most ${length}`,
    });
  }
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
      got: `format ${signals[index].fmt}`,
    });
  }
}

/** Opens a signal file and hands it to `use`. */
function withSignalFile<T>(path: string, use: (file: ByteSource) => T): T {
  const file = openFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

function inferLength({ fileName, signals }: FileGroup, format: SignalFormat, directory: string): number {
  return withSignalFile(join(directory, fileName), ({ size }) =>
    Math.trunc((size - (signals[0].byteOffset ?? 0)) / (format.bytesPerSample * frameSize(signals))),
  );
}

/** All samples of a file in their order there, and two more. */
function readSamples(
  { fileName, signals }: FileGroup,
  format: SignalFormat,
  length: number,
  directory: string,
  header: string,
): Int32Array {
  const path = join(directory, fileName);
  const { fmt, byteOffset } = signals[0];
  const count = length * frameSize(signals);
  const bytes = withSignalFile(path, (file) => {
    const { size } = file;
    const needed = format.byteCount(count);
    if (size < (byteOffset ?? 0) + needed) {
      throw new InputError('the signal file is shorter than its header says', {
        file: path,
        got: `${size} bytes`,
        expected: `${(byteOffset ?? 0) + needed} bytes for ${length} samples of ${signals.length} signals in format ${fmt} (${header})`,
        next: 'Fetch the file again.',
      });
    }
    const buffer = Buffer.alloc(needed + 8);
    file.read(buffer.subarray(0, needed), byteOffset ?? 0);
    return buffer;
  });
  // Two samples more, of zeros and what bits of theirs share the last byte: wfdb-python shows them at the end of skewed signals.
  const samples = new Int32Array(count + 2);
  format.decode(bytes, samples);
  if (fmt === '8') sumDifferences(samples.subarray(0, count), signals, path);
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
        value = (value + samples[k]) | 0;
        samples[k] = value;
      }
    }
    start += signal.samplesPerFrame;
  }
}

/** Copies one signal of a file into its lead: moved by its skew, averaged over each frame. */
function copySignal(
  samples: Int32Array,
  { frame, format, signal, start }: { frame: number; format: SignalFormat; signal: SignalSpec; start: number },
  { out, lead, width, length }: { out: Int32Array; lead: number; width: number; length: number },
): void {
  const { samplesPerFrame } = signal;
  const skew = signal.skew ?? 0;
  if (samplesPerFrame === 1 && skew === 0) {
    for (let i = 0; i < length; i++) out[i * width + lead] = samples[i * frame + start];
    return;
  }
  // The last `skew` samples (not frames) of a skewed signal become missing; the rest past the end of the file is zeros, as in wfdb-python.
  const firstMissing = skew === 0 ? Number.POSITIVE_INFINITY : length * samplesPerFrame - skew;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < samplesPerFrame; k++) {
      const at = (i + skew) * frame + start + k;
      if (i * samplesPerFrame + k >= firstMissing) sum += format.missing!;
      else sum += at < samples.length ? samples[at] : format.zero;
    }
    out[i * width + lead] = Math.trunc(sum / samplesPerFrame);
  }
}
