import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import type { DeviceLead, DeviceRecording } from '../device_recording.ts';
import { parseNumber } from '../python/number.ts';
import { type DataSet, readDicom, textOf } from './file.ts';

const tags = {
  waveforms: '54000100',
  data: '54001010',
  bits: '54001004',
  interpretation: '54001006',
  padding: '5400100a',
  originality: '003a0004',
  channelCount: '003a0005',
  sampleCount: '003a0010',
  rate: '003a001a',
  groupLabel: '003a0020',
  channels: '003a0200',
  channelLabel: '003a0203',
  source: '003a0208',
  sensitivity: '003a0210',
  sensitivityUnits: '003a0211',
  correction: '003a0212',
  baseline: '003a0213',
  timeSkew: '003a0214',
  sampleSkew: '003a0215',
  codeValue: '00080100',
  codeMeaning: '00080104',
} as const;

/** How a sample lies in bytes, by bits and interpretation. */
const sampleTypes: Readonly<Record<string, (bytes: Buffer, at: number) => number>> = {
  '8 SB': (bytes, at) => bytes.readInt8(at),
  '8 UB': (bytes, at) => bytes.readUInt8(at),
  '16 SS': (bytes, at) => bytes.readInt16LE(at),
  '16 US': (bytes, at) => bytes.readUInt16LE(at),
  '32 SL': (bytes, at) => bytes.readInt32LE(at),
  '32 UL': (bytes, at) => bytes.readUInt32LE(at),
};

/** Leads by the last number of their code in SCP-ECG (`5.6.3-9-1`) and ISO/IEEE 11073 (`2:1`). */
const codes = new Map(
  Object.entries({ I: 1, II: 2, V1: 3, V2: 4, V3: 5, V4: 6, V5: 7, V6: 8, III: 61, aVR: 62, aVL: 63, aVF: 64 }).map(
    ([name, code]) => [code, name],
  ),
);

/**
 * Reads the rhythm of a DICOM waveform file (12-lead, general or ambulatory ECG): the multiplex group that is neither a median beat nor derived, and
 * is the longest of those. Each sample is `value * sensitivity * correction + baseline`, as pydicom computes it; the padding value stands for a missing
 * sample (NaN).
 *
 * @throws FileNotFoundError; InputError naming file, group and attribute.
 */
export function readDicomWaveform(path: string): DeviceRecording {
  const groups = readDicom(path).get(tags.waveforms)?.items ?? [];
  const labels = groups.map((group) => textOf(group, tags.groupLabel) ?? '');
  const isBeat = (group: DataSet, i: number): boolean =>
    /median|beat|representative|template/i.test(labels[i]) || textOf(group, tags.originality) === 'DERIVED';
  const rhythms = groups.flatMap((group, i) => (isBeat(group, i) ? [] : [{ group, where: nameOf(i, labels[i]) }]));
  if (rhythms.length === 0) {
    throw new InputError('the file has no rhythm', {
      file: path,
      got: groups.length === 0 ? 'no waveform sequence' : labels.map((label, i) => nameOf(i, label)).join(', '),
      expected: 'a multiplex group of an ECG that is not a median beat',
    });
  }
  const described = rhythms.map(({ group, where }) => describe(group, path, where));
  const longest = described.reduce((best, one) => (one.samples / one.fs > best.samples / best.fs ? one : best));
  const skewed = longest.channels.filter((channel) =>
    [tags.timeSkew, tags.sampleSkew].some((tag) => (parseNumber(textOf(channel, tag) ?? '0') ?? 0) !== 0),
  );
  const warnings = [
    ...(described.length > 1
      ? [`it has ${described.length} multiplex groups; the longest one is read (${longest.where})`]
      : []),
    ...(skewed.length > 0 ? [`${skewed.length} of its leads are skewed in time, which is not corrected`] : []),
  ];
  const budget = new Budget(path, longest.data.length);
  return { fs: longest.fs, leads: longest.channels.map((_, i) => leadOf(longest, i, path, budget)), warnings };
}

function nameOf(index: number, label: string): string {
  return `multiplex group ${index}${label === '' ? '' : ` (${label})`}`;
}

/** A multiplex group, checked. */
interface Group {
  readonly where: string;
  readonly fs: number;
  readonly samples: number;
  readonly channels: readonly DataSet[];
  readonly bytesPerSample: number;
  readonly read: (bytes: Buffer, at: number) => number;
  readonly data: Buffer;
  /** Value of a sample that was not recorded. */
  readonly padding: number | undefined;
}

function describe(group: DataSet, file: string, where: string): Group {
  const fail = (what: string, got: string | number | undefined, expected: string): never => {
    throw new InputError(`${what} cannot be used`, { file, where, got: `${got ?? 'nothing'}`, expected });
  };
  const whole = (tag: string, what: string): number => {
    const bytes = group.get(tag)?.value;
    const value = bytes?.length === 2 ? bytes.readUInt16LE() : bytes?.length === 4 ? bytes.readUInt32LE() : undefined;
    return value === undefined || value === 0 ? fail(what, value, 'a whole number above 0') : value;
  };
  const text = textOf(group, tags.rate);
  const fs = parseNumber(text ?? '') ?? 0;
  if (!(fs > 0)) fail('the sampling frequency', text, 'a number of Hz');
  const count = whole(tags.channelCount, 'the number of channels');
  const samples = whole(tags.sampleCount, 'the number of samples');
  const bits = whole(tags.bits, 'the number of bits of a sample');
  const type = `${bits} ${textOf(group, tags.interpretation) ?? ''}`;
  const read = sampleTypes[type] ?? fail('the type of the samples', type, Object.keys(sampleTypes).join(', '));
  const channels = group.get(tags.channels)?.items ?? [];
  if (channels.length !== count) fail('the channel definition', `${channels.length} channels`, `${count} channels`);
  const data = group.get(tags.data)?.value ?? Buffer.alloc(0);
  const needed = count * samples * (bits / 8);
  if (data.length < needed) fail('the waveform data', `${data.length} bytes`, `${needed} bytes`);
  const padding = group.get(tags.padding)?.value;
  return {
    where,
    fs,
    samples,
    channels,
    bytesPerSample: bits / 8,
    read,
    data,
    padding: padding && padding.length >= bits / 8 ? read(padding, 0) : undefined,
  };
}

function leadOf(group: Group, index: number, file: string, budget: Budget): DeviceLead {
  const channel = group.channels[index];
  const source = channel.get(tags.source)?.items[0];
  const code = /^(?:2:|5\.6\.3-9-)(\d+)$/.exec((source && textOf(source, tags.codeValue)) ?? '')?.[1];
  const meaning = source && textOf(source, tags.codeMeaning)?.replace(/,.*$/, '');
  const name = codes.get(Number(code)) ?? meaning ?? textOf(channel, tags.channelLabel) ?? `${index}`;
  const number = (tag: string, what: string, fallback: number): number => {
    const text = textOf(channel, tag);
    const value = text === undefined ? fallback : parseNumber(text);
    if (value !== undefined) return value;
    throw new InputError(`${what} cannot be used`, {
      file,
      where: `${group.where}, lead ${name}`,
      got: JSON.stringify(text),
      expected: 'a number',
    });
  };
  const unit = channel.get(tags.sensitivityUnits)?.items[0];
  return {
    name,
    units: (unit && textOf(unit, tags.codeValue)) ?? 'no unit',
    read() {
      const { samples, channels, bytesPerSample, data, padding, read } = group;
      const sensitivity = number(tags.sensitivity, 'the channel sensitivity', 1);
      const correction = number(tags.correction, 'the correction factor', 1);
      const baseline = number(tags.baseline, 'the channel baseline', 0);
      budget.spend(8 * samples, 'samples');
      return Float64Array.from({ length: samples }, (_, i) => {
        const value = read(data, (i * channels.length + index) * bytesPerSample);
        return value === padding ? Number.NaN : value * sensitivity * correction + baseline;
      });
    },
  };
}
