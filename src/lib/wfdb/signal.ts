import { dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { decodeFlac, type FlacStream, readFlacStream } from '../flac/flac.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { type ByteSource, openFile } from '../python/byte_source.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { flacFormats, type SampleValues, type SignalFormat, signalFormats, valuesOf } from './formats.ts';
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
  const length = header.signalLength ?? inferLength(first, dirname(path));
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
    const read = flacFormats.has(format) ? readFlacSamples : readSamples;
    const samples = read(group, length, dirname(path), file);
    const values = valuesOf(format)!;
    const frame = frameSize(group.signals);
    let start = 0;
    group.signals.forEach((signal, i) => {
      const lead = leadOf.get(group.from + i);
      if (lead !== undefined) copySignal(samples, { frame, values, signal, start }, { out, lead, width, length });
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
    const missing = valuesOf(signal.fmt)?.missing ?? null;
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

/** Code of the storage format of a file. As in wfdb-python, its first signal says how all of it is stored. */
function checkedFormat({ signals, from }: FileGroup, file: string): string {
  signals.forEach(({ fmt, samplesPerFrame }, i) => {
    const where = `signal ${from + i}`;
    if (valuesOf(fmt) === undefined) {
      throw new InputError('the signal format is not known', {
        file,
        where,
        got: fmt,
        expected: [...signalFormats.keys(), ...flacFormats.keys()].join(', '),
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
  const [{ fmt, samplesPerFrame }] = signals;
  const other = signals.findIndex((signal) => signal.samplesPerFrame !== samplesPerFrame);
  if (flacFormats.has(fmt) && other !== -1) {
    throw new InputError('signals in one FLAC stream must have equally many samples in a frame', {
      file,
      where: `signal ${from + other}`,
      got: `${signals[other].samplesPerFrame} samples per frame`,
      expected: `${samplesPerFrame}, as signal ${from}`,
    });
  }
  return fmt;
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
  const index = signals.findIndex((signal) => (signal.skew ?? 0) > 0 && valuesOf(signal.fmt)?.missing === null);
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

function inferLength({ fileName, signals }: FileGroup, directory: string): number {
  const path = join(directory, fileName);
  const [{ fmt, byteOffset, samplesPerFrame }] = signals;
  const format = signalFormats.get(fmt);
  if (format === undefined) {
    const { samples } = readFlacStream(flacBytes(path), path);
    return Math.trunc((samples - (byteOffset ?? 0)) / samplesPerFrame);
  }
  return withSignalFile(path, ({ size }) =>
    Math.trunc((size - (byteOffset ?? 0)) / (format.bytesPerSample * frameSize(signals))),
  );
}

/** A FLAC file of as many samples as may be read has fewer bytes. */
function flacBytes(path: string): Uint8Array {
  return readWholeFile(path, { maxBytes: 4 * maxSamples });
}

/** All samples of a FLAC file in the order of other files, and two more, which are zeros. The offset of its signals counts samples, not bytes. */
function readFlacSamples(
  { fileName, signals }: FileGroup,
  length: number,
  directory: string,
  header: string,
): Int32Array {
  const path = join(directory, fileName);
  const [{ fmt, byteOffset, samplesPerFrame }] = signals;
  const bytes = flacBytes(path);
  requireStream(readFlacStream(bytes, path), {
    path,
    header,
    signals: signals.length,
    bits: flacFormats.get(fmt)!.bits,
  });
  const width = signals.length;
  const [from, count] = [byteOffset ?? 0, length * samplesPerFrame];
  if ((from + count) * width > maxSamples) {
    throw new InputError('the record is too long to be read whole', {
      file: path,
      got: `${from + count} samples of ${width} signals`,
      expected: `at most ${maxSamples} samples`,
    });
  }
  const decoded = decodeFlac(bytes, path, { from, count });
  const samples = new Int32Array(decoded.length + 2);
  for (let at = 0; at < decoded.length; at++) {
    const [time, signal] = [Math.floor(at / width), at % width];
    const [frame, k] = [Math.floor(time / samplesPerFrame), time % samplesPerFrame];
    samples[(frame * width + signal) * samplesPerFrame + k] = decoded[at];
  }
  return samples;
}

/** As wfdb-python checks it: a channel for each signal, of 8, 16 or 24 bits, and not more than the format says. */
function requireStream(
  { channels, bitsPerSample }: FlacStream,
  { path, header, signals, bits }: { path: string; header: string; signals: number; bits: number },
): void {
  if (channels === signals && bitsPerSample <= bits && bitsPerSample % 8 === 0) return;
  throw new InputError('the FLAC stream is not the one that the header describes', {
    file: path,
    got: `${channels} channels of ${bitsPerSample} bits`,
    expected: `${signals} channels of ${[8, 16, 24].filter((one) => one <= bits).join(' or ')} bits (${header})`,
  });
}

/** All samples of a file in their order there, and two more. */
function readSamples({ fileName, signals }: FileGroup, length: number, directory: string, header: string): Int32Array {
  const path = join(directory, fileName);
  const { fmt, byteOffset } = signals[0];
  const format: SignalFormat = signalFormats.get(fmt)!;
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
  { frame, values, signal, start }: { frame: number; values: SampleValues; signal: SignalSpec; start: number },
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
      if (i * samplesPerFrame + k >= firstMissing) sum += values.missing!;
      else sum += at < samples.length ? samples[at] : values.zero;
    }
    out[i * width + lead] = Math.trunc(sum / samplesPerFrame);
  }
}
