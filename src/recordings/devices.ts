import { InputError } from '../errors.ts';
import { readAecg } from '../lib/aecg/aecg.ts';
import type { DeviceRecording } from '../lib/device_recording.ts';
import { readDicomWaveform } from '../lib/dicom/waveform.ts';
import { openEdf } from '../lib/edf/edf.ts';
import { readMuse } from '../lib/muse/muse.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { millivoltsPer } from '../lib/wfdb/units.ts';
import { readXml } from '../lib/xml/tree.ts';
import { shellCommand } from '../text.ts';
import { findLeads, plainLead } from './leads.ts';
import type { ReadOptions, RecordingFormat, StoredRecording } from './stored.ts';

/** Opens an EDF or BDF file. Its signals may have different rates: those that are asked for must have one. */
export function openEdfRecording(
  file: string,
  format: RecordingFormat & { kind: 'any' },
  options: ReadOptions,
): StoredRecording {
  const { signals, read } = openEdf(file);
  const leads = signals.map(({ label }) => plainLead(label));
  const units = signals.map((signal) => (signal.units === '' ? (format.units ?? 'no unit') : signal.units));
  const places = options.leads ? findLeads(leads, options.leads, file) : leads.map((_, place) => place);
  const rates = [...new Set(places.map((place) => signals[place].fs))];
  if (rates.length > 1) {
    const isVoltage = places.filter((place) => millivoltsPer(units[place]) !== undefined);
    const fs = signals[isVoltage[0] ?? places[0]].fs;
    const alike = isVoltage.filter((place) => signals[place].fs === fs).map((place) => leads[place]);
    throw new InputError('the signals have different sampling rates', {
      file,
      got: places.map((place) => `${leads[place]} ${signals[place].fs} Hz`).join(', '),
      expected: 'one rate',
      next: `Name the leads to use: --leads ${shellCommand([alike.join(',')])}`,
    });
  }
  return { file, fs: rates[0] || undefined, leads, units, read };
}

const readers = {
  muse: (file: string) => readMuse(readXml(file), file),
  aecg: (file: string) => readAecg(readXml(file), file),
  dicom: readDicomWaveform,
} as const satisfies Readonly<Record<string, (file: string) => DeviceRecording>>;

/** Opens a file of a format that describes each lead by itself. */
export function openDeviceRecording(file: string, form: keyof typeof readers, { note }: ReadOptions): StoredRecording {
  const recording = readers[form](file);
  for (const text of recording.warnings) {
    note?.({
      kind: 'warning',
      about: 'recordings from devices with something unusual',
      file,
      text: `${file}: ${text}`,
    });
  }
  const leads = recording.leads.map(({ name }) => plainLead(name));
  return {
    file,
    fs: recording.fs,
    leads,
    units: recording.leads.map(({ units }) => units),
    read: (places) =>
      sideBySide(
        places.map((place) => [leads[place], recording.leads[place].read()]),
        file,
      ),
  };
}

function sideBySide(
  columns: readonly (readonly [name: string, values: Float64Array])[],
  file: string,
): NdArray<'float64'> {
  const lengths = columns.map(([, values]) => values.length);
  const [length = 0] = lengths;
  const other = lengths.findIndex((one) => one !== length);
  if (other !== -1) {
    throw new InputError('the leads have different lengths', {
      file,
      got: [0, other].map((i) => `${columns[i][0]} ${lengths[i]}`).join(', '),
      expected: 'the same number of samples',
      next: 'Name the leads to use with --leads.',
    });
  }
  const width = columns.length;
  const out = new Float64Array(length * width);
  columns.forEach(([, values], lead) => {
    for (let i = 0; i < length; i++) out[i * width + lead] = values[i];
  });
  return ndarray('float64', [length, width], out);
}
