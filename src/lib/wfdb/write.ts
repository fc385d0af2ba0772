import { join } from 'node:path';
import { writeFileAtomic } from '../python/atomic_file.ts';
import { ValueError } from '../python/errors.ts';
import { annotationSymbols, codes } from './annotation.ts';
import { signalFormats } from './formats.ts';

/** One signal to be written. */
export interface SignalToWrite {
  /** Name of the lead. */
  readonly name: string;
  /** Samples in ADC units. */
  readonly samples: Int16Array | Int32Array;
  /** ADC units per physical unit, as the header shall show it: `1000`, `1000.0`. */
  readonly gain: number | string;
  /** Sample value of 0 physical units; written only if given. */
  readonly baseline?: number;
  /** Default `mV`. */
  readonly units?: string;
  /** Default 16, for format 212 12. */
  readonly adcResolution?: number;
  /** Default 0. */
  readonly adcZero?: number;
}

/** A record to be written: all signals of equal length, interleaved in one file. */
export interface RecordToWrite {
  readonly recordName: string;
  /** Frames per second (Hz). */
  readonly fs: number;
  readonly signals: readonly SignalToWrite[];
  /** Lines that follow a `#`. */
  readonly comments?: readonly string[];
  /** `16`, `212`: a `.dat` file; `16+24`: a MATLAB 4 file `.mat`, whose 24 bytes of head WFDB skips. Default `16`. */
  readonly format?: '16' | '212' | '16+24';
}

/**
 * Writes header and signal file of a WFDB record. Covers what the data sets of this project use of `wfdb.wrsamp`.
 *
 * @param directory existing folder.
 * @throws ValueError for names, lengths or sample values that the format cannot hold.
 */
export function wrsamp(directory: string, record: RecordToWrite): void {
  const { recordName, fs, signals, comments = [], format = '16' } = record;
  if (!/^[-\w]+$/.test(recordName))
    throw new ValueError(`a record name has letters, digits, _ and - only; got ${JSON.stringify(recordName)}`);
  const length = signals[0]?.samples.length ?? 0;
  if (length === 0) throw new ValueError(`record ${recordName} has no samples`);
  const fmt = format === '212' ? '212' : '16';
  const [lowest, highest] = signalFormats.get(fmt)!.range;
  for (const { name, samples } of signals) {
    if (samples.length !== length)
      throw new ValueError(`record ${recordName}: lead ${name} has ${samples.length} samples, the first ${length}`);
    const wrong = samples.find((sample) => sample < lowest || sample > highest);
    if (wrong !== undefined)
      throw new ValueError(
        `record ${recordName}: lead ${name} has the sample ${wrong}; format ${fmt} holds ${lowest} to ${highest}`,
      );
  }
  const fileName = `${recordName}.${format === '16+24' ? 'mat' : 'dat'}`;
  const lines = [
    `${recordName} ${signals.length} ${fs} ${length}`,
    ...signals.map((signal) => signalLine(signal, fileName, format)),
    ...comments.map((comment) => `#${comment}`),
  ];
  const data = fmt === '212' ? encode212(interleave(signals, length)) : encode16(interleave(signals, length));
  const head = format === '16+24' ? matlab4Head(signals.length, length) : Buffer.alloc(0);
  writeFileAtomic(join(directory, fileName), Buffer.concat([head, data]));
  writeFileAtomic(join(directory, `${recordName}.hea`), `${lines.join('\n')}\n`);
}

function signalLine(signal: SignalToWrite, fileName: string, format: string): string {
  const { name, samples, gain, baseline, units = 'mV', adcZero = 0 } = signal;
  const resolution = signal.adcResolution ?? (format === '212' ? 12 : 16);
  let sum = 0;
  for (const sample of samples) sum += sample;
  // The checksum is a signed 16-bit sum.
  const checksum = (sum << 16) >> 16;
  const zero = baseline === undefined ? '' : `(${baseline})`;
  return `${fileName} ${format} ${gain}${zero}/${units} ${resolution} ${adcZero} ${samples[0]} ${checksum} 0 ${name}`;
}

function interleave(signals: readonly SignalToWrite[], length: number): Int16Array {
  const out = new Int16Array(length * signals.length);
  signals.forEach(({ samples }, lead) => {
    for (let i = 0; i < length; i++) out[i * signals.length + lead] = samples[i];
  });
  return out;
}

function encode16(samples: Int16Array): Buffer {
  const out = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => {
    out.writeInt16LE(sample, i * 2);
  });
  return out;
}

function encode212(samples: Int16Array): Buffer {
  const out = Buffer.alloc(Math.ceil(samples.length * 1.5));
  for (let i = 0, at = 0; i < samples.length; i += 2, at += 3) {
    const [first, second = 0] = [samples[i], samples[i + 1]];
    out[at] = first & 0xff;
    out[at + 1] = ((first >> 8) & 0x0f) | ((second >> 4) & 0xf0);
    if (i + 1 < samples.length) out[at + 2] = second & 0xff;
  }
  return out;
}

/** Head of a MATLAB 4 matrix `val` of int16, leads × samples. */
function matlab4Head(leads: number, length: number): Buffer {
  const head = Buffer.alloc(24);
  [30, leads, length, 0, 4].forEach((word, i) => {
    head.writeInt32LE(word, i * 4);
  });
  head.write('val\0', 20, 'latin1');
  return head;
}

/** Annotations to be written, in ascending order of samples. */
export interface AnnotationsToWrite {
  readonly sample: readonly number[];
  readonly symbol: readonly string[];
  readonly auxNote?: readonly string[];
  /** Samples per second (Hz), stated at the beginning of the file. */
  readonly fs?: number;
}

const symbolCodes: ReadonlyMap<string, number> = new Map(
  [...annotationSymbols].map(([code, symbol]) => [symbol, code]),
);

/**
 * Writes an annotation file. Twin of `wfdb.wrann` for symbols and notes.
 *
 * @throws ValueError for unknown symbols, descending samples, and notes that are longer than 255 characters or not Latin-1.
 */
export function wrann(directory: string, recordName: string, extension: string, annotations: AnnotationsToWrite): void {
  const { sample, symbol, auxNote, fs } = annotations;
  const bytes: number[] = [];
  if (fs !== undefined) {
    bytes.push(0, codes.comment << 2);
    pushNote(bytes, `## time resolution: ${fs}`);
    // A step back and a non-annotation that steps forth again end the description, as wfdb-python writes it.
    bytes.push(0, codes.skip << 2, 0xff, 0xff, 0xff, 0xff, 1, 0);
  }
  let before = 0;
  sample.forEach((position, i) => {
    const code = symbolCodes.get(symbol[i]);
    let step = position - before;
    if (code === undefined)
      throw new ValueError(`annotation ${i}: ${JSON.stringify(symbol[i])} is no WFDB annotation symbol`);
    if (!(Number.isSafeInteger(step) && step >= 0))
      throw new ValueError(`annotation ${i} stands at ${position}, before ${before}`);
    while (step > 1023) {
      const part = Math.min(step, 0x7fffffff);
      bytes.push(0, codes.skip << 2, (part >> 16) & 255, (part >> 24) & 255, part & 255, (part >> 8) & 255);
      step -= part;
    }
    bytes.push(step & 255, (step >> 8) | (code << 2));
    if (auxNote?.[i]) pushNote(bytes, auxNote[i]);
    before = position;
  });
  bytes.push(0, 0);
  writeFileAtomic(join(directory, `${recordName}.${extension}`), Buffer.from(bytes));
}

function pushNote(bytes: number[], note: string): void {
  const text = Buffer.from(note, 'latin1');
  if (text.length > 255 || text.toString('latin1') !== note)
    throw new ValueError(`a note has at most 255 Latin-1 characters; got ${JSON.stringify(note.slice(0, 300))}`);
  bytes.push(text.length, codes.auxNote << 2, ...text);
  if (text.length % 2 === 1) bytes.push(0);
}
