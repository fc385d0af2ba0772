import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { type ByteSource, openFile } from '../python/byte_source.ts';
import { parseNumber } from '../python/number.ts';
import { nearInteger } from '../wfdb/header.ts';

/** One signal of an EDF or BDF file. */
export interface EdfSignal {
  /** As written, without the blanks around it: `ECG II`. */
  readonly label: string;
  /** Physical unit as written; empty if the file states none. */
  readonly units: string;
  /** Samples per second (Hz); 0 if data records have no duration. */
  readonly fs: number;
}

/** An EDF or BDF file whose header has been read. */
export interface EdfFile {
  /** `EDF`, `EDF+C`, `EDF+D`, `BDF`, … */
  readonly kind: string;
  /** Without the annotations. */
  readonly signals: readonly EdfSignal[];
  /**
   * Reads signals of one sampling rate by their number, shape (samples, places), in physical units. Between the data records of a discontinuous file,
   * samples are NaN.
   *
   * @throws InputError for a signal without a usable range, signals of different rates, and data records that overlap in time.
   */
  read(places: readonly number[]): NdArray<'float64'>;
}

/** A signal with its place in the data records. */
interface Channel extends EdfSignal {
  readonly number: number;
  readonly physical: readonly [min: number, max: number];
  readonly digital: readonly [min: number, max: number];
  /** Samples per data record. */
  readonly samples: number;
  /** First byte in a data record. */
  readonly start: number;
}

interface Layout {
  readonly kind: string;
  readonly bytesPerSample: 2 | 3;
  readonly headerBytes: number;
  readonly recordBytes: number;
  readonly records: number;
  /** Duration of a data record (s). */
  readonly duration: number;
  readonly channels: readonly Channel[];
  readonly annotations: readonly Channel[];
}

/** Widths of the fields that each signal has, in their order. */
const widths = {
  label: 16,
  transducer: 80,
  units: 8,
  physMin: 8,
  physMax: 8,
  digMin: 8,
  digMax: 8,
  filter: 80,
  samples: 8,
};
const mostSignals = 4096;

/**
 * Opens an EDF, EDF+, BDF or BDF+ file and checks its header. Values are those of `pyedflib.EdfReader`, to the last bit; discontinuous files, files that
 * were not closed (−1 data records) and faults of signals that are not read do not matter here, but are refused there.
 *
 * @throws FileNotFoundError; InputError naming file and field for a header that contradicts itself or the size of the file.
 */
export function openEdf(path: string): EdfFile {
  const layout = withFile(path, (file) => readLayout(file));
  const { kind, channels } = layout;
  return {
    kind,
    signals: channels.map(({ label, units, fs }) => ({ label, units, fs })),
    read: (places) => readSignals(path, layout, places),
  };
}

function withFile<T>(path: string, use: (file: ByteSource) => T): T {
  const file = openFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** Text of a field: UTF-8, or else Latin-1, as some writers store `µV`. */
function textOf(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes);
  return (text.includes('\ufffd') ? Buffer.from(bytes).toString('latin1') : text).replace(/\0/g, ' ').trim();
}

function readLayout(file: ByteSource): Layout {
  const fail = (field: string, got: string | number, expected: string, where?: string): never => {
    throw new InputError(`the ${field} cannot be used`, { file: file.name, where, got: JSON.stringify(got), expected });
  };
  const read = (position: number, count: number): Buffer => {
    const bytes = Buffer.alloc(count);
    file.read(bytes, position);
    return bytes;
  };
  const head = read(0, 256);
  const field = (start: number, width: number): string => textOf(head.subarray(start, start + width));
  const isBdf = head[0] === 0xff;
  if (isBdf ? head.toString('latin1', 1, 8) !== 'BIOSEMI' : field(0, 8) !== '0') {
    throw new InputError('this is not an EDF or BDF file', { file: file.name, got: JSON.stringify(field(0, 8)) });
  }
  const reserved = field(192, 44);
  const kind = /^[EB]DF\+[CD]/.exec(reserved)?.[0] ?? (isBdf ? 'BDF' : 'EDF');
  const number = (name: string, text: string, where?: string): number =>
    parseNumber(text) ?? fail(name, text, 'a number', where);
  const whole = (name: string, text: string, least: number, most: number, where?: string): number => {
    const value = number(name, text, where);
    return Number.isInteger(value) && value >= least && value <= most
      ? value
      : fail(name, text, `a whole number from ${least} to ${most}`, where);
  };
  const count = whole('number of signals', field(252, 4), 1, mostSignals);
  const headerBytes = 256 * (count + 1);
  const stated = whole('size of the header', field(184, 8), 0, Number.MAX_SAFE_INTEGER);
  if (stated !== headerBytes) fail('size of the header', stated, `${headerBytes} bytes for ${count} signals`);
  const duration = number('duration of a data record', field(244, 8));
  if (duration < 0) fail('duration of a data record', duration, '0 s or more');
  const lines = read(256, headerBytes - 256);
  const bytesPerSample = isBdf ? 3 : 2;
  let recordBytes = 0;
  const all = Array.from({ length: count }, (_, number_): Channel => {
    let start = 0;
    const texts = Object.fromEntries(
      Object.entries(widths).map(([name, width]) => {
        const at = start + number_ * width;
        start += count * width;
        return [name, textOf(lines.subarray(at, at + width))];
      }),
    ) as Record<keyof typeof widths, string>;
    const where = `signal ${number_}${texts.label === '' ? '' : ` (${texts.label})`}`;
    const samples = whole('number of samples in a data record', texts.samples, 0, 2 ** 26, where);
    const range = (low: string, high: string): [number, number] => [
      parseNumber(low) ?? Number.NaN,
      parseNumber(high) ?? Number.NaN,
    ];
    const channel = {
      number: number_,
      label: texts.label,
      units: texts.units,
      fs: duration > 0 ? nearInteger(samples / duration) : 0,
      physical: range(texts.physMin, texts.physMax),
      digital: range(texts.digMin, texts.digMax),
      samples,
      start: recordBytes,
    };
    recordBytes += samples * bytesPerSample;
    return channel;
  });
  if (recordBytes === 0) fail('number of samples in a data record', '0', 'at least one sample');
  const present = Math.floor((file.size - headerBytes) / recordBytes);
  const records = whole('number of data records', field(236, 8), -1, Number.MAX_SAFE_INTEGER);
  if (records > present) {
    throw new InputError('the file is cut off', {
      file: file.name,
      got: `${file.size} bytes: ${present} data records`,
      expected: `${records} data records of ${recordBytes} bytes`,
      next: 'Fetch the file again.',
    });
  }
  const isAnnotation = ({ label }: Channel): boolean => /^[EB]DF Annotations$/.test(label);
  return {
    kind,
    bytesPerSample,
    headerBytes,
    recordBytes,
    // −1: the recorder was not stopped properly, so all data records count that are there.
    records: records === -1 ? present : records,
    duration,
    channels: all.filter((channel) => !isAnnotation(channel)),
    annotations: all.filter(isAnnotation),
  };
}

function readSignals(path: string, layout: Layout, places: readonly number[]): NdArray<'float64'> {
  const { channels, records, bytesPerSample } = layout;
  const chosen = places.map((place) => channels[place]);
  const [first] = chosen;
  if (first === undefined) throw new InputError('the file has no signals', { file: path, got: 'only annotations' });
  for (const channel of chosen) checkChannel(channel, first, path);
  return withFile(path, (file) => {
    const budget = new Budget(path, file.size);
    const starts = layout.kind.endsWith('D') ? recordStarts(file, layout, first, budget) : undefined;
    const total = starts ? (starts.at(-1) ?? 0) + (records > 0 ? first.samples : 0) : records * first.samples;
    const width = chosen.length;
    budget.spend(8 * total * width, 'samples');
    const out = new Float64Array(total * width);
    if (starts) out.fill(Number.NaN);
    const scales = chosen.map(scaling);
    for (const [record, bytes] of dataRecords(file, layout, budget)) {
      const from = starts ? starts[record] : record * first.samples;
      chosen.forEach((channel, lead) => {
        const [scale, offset] = scales[lead];
        for (let i = 0; i < channel.samples; i++) {
          const digital = bytes.readIntLE(channel.start + i * bytesPerSample, bytesPerSample);
          out[(from + i) * width + lead] = scale * (offset + digital);
        }
      });
    }
    return ndarray('float64', [total, width], out);
  });
}

/** The data records with their numbers. They are read many at a time; the bytes are valid until the next step. */
function* dataRecords(
  file: ByteSource,
  { headerBytes, recordBytes, records }: Layout,
  budget: Budget,
): Generator<[record: number, bytes: Buffer], void, undefined> {
  const atOnce = Math.min(records, Math.max(1, Math.floor((1 << 20) / recordBytes)));
  if (records > 0) budget.spend(atOnce * recordBytes, 'data records');
  const bytes = Buffer.alloc(records > 0 ? atOnce * recordBytes : 0);
  for (let from = 0; from < records; from += atOnce) {
    const count = Math.min(atOnce, records - from);
    file.read(bytes.subarray(0, count * recordBytes), headerBytes + from * recordBytes);
    for (let i = 0; i < count; i++) yield [from + i, bytes.subarray(i * recordBytes, (i + 1) * recordBytes)];
  }
}

function checkChannel({ number, label, physical, digital, samples, fs }: Channel, first: Channel, path: string): void {
  const where = `signal ${number} (${label})`;
  const bad = (what: string, [min, max]: readonly [number, number]): InputError =>
    new InputError(`the ${what} range of the signal cannot be used`, {
      file: path,
      where,
      got: `${min} to ${max}`,
      expected: 'two different numbers, the lower one first for the digital range',
      next: 'Leave the signal out, or correct the header of the file.',
    });
  if (!(physical[0] !== physical[1]) || physical.some(Number.isNaN)) throw bad('physical', physical);
  if (!(digital[0] < digital[1])) throw bad('digital', digital);
  if (samples !== first.samples) {
    throw new InputError('the signals have different sampling rates', {
      file: path,
      where,
      got: `${fs} Hz`,
      expected: `${first.fs} Hz, as ${first.label}`,
    });
  }
  if (samples === 0) throw new InputError('the signal has no samples', { file: path, where });
}

/** Physical units per digital step, and the digital offset: the value is `scale * (offset + digital)`, in edflib's order of operations. */
function scaling({ physical: [physMin, physMax], digital: [digMin, digMax] }: Channel): [number, number] {
  const scale = (physMax - physMin) / (digMax - digMin);
  return [scale, physMax / scale - digMax];
}

/** First sample of each data record of a discontinuous file, from the times that its annotations begin with. */
function recordStarts(file: ByteSource, layout: Layout, { samples, fs }: Channel, budget: Budget): Float64Array {
  const [clock] = layout.annotations;
  if (clock === undefined || fs === 0) {
    throw new InputError('the discontinuous file does not say when its data records begin', {
      file: file.name,
      expected: 'a signal "EDF Annotations", and data records with a duration',
    });
  }
  budget.spend(8 * layout.records, 'times of data records');
  const starts = new Float64Array(layout.records);
  const size = Math.min(clock.samples * layout.bytesPerSample, 64);
  let before = 0;
  for (const [record, bytes] of dataRecords(file, layout, budget)) {
    const start = bytes.toString('latin1', clock.start, clock.start + size);
    const [onset] = start.split('\x14', 1)[0].split('\x15', 1);
    const time = start.includes('\x14') && /^[+-]/.test(onset) ? parseNumber(onset) : undefined;
    if (time === undefined) {
      throw new InputError('a data record does not say when it begins', {
        file: file.name,
        where: `data record ${record}`,
        got: JSON.stringify(start.slice(0, 20)),
        expected: 'a time such as +12.5',
      });
    }
    if (record > 0) {
      const step = Math.round((time - before) * fs);
      if (step < samples - 1) {
        throw new InputError('data records overlap in time', {
          file: file.name,
          where: `data record ${record}`,
          got: `${time} s, after ${before} s`,
          expected: `at least ${layout.duration} s later`,
        });
      }
      // Times are rounded: a step that is one sample too short or too long is not a gap.
      starts[record] = starts[record - 1] + (step <= samples + 1 ? samples : step);
    }
    before = time;
  }
  return starts;
}
