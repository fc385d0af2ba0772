import { InputError } from '../../errors.ts';
import type { DeviceLead, DeviceRecording } from '../device_recording.ts';
import { parseNumber } from '../python/number.ts';
import { nearInteger } from '../wfdb/header.ts';
import { childOf, childrenOf, type XmlElement } from '../xml/tree.ts';

const units: Readonly<Record<string, string>> = { MICROVOLTS: 'uV', MILLIVOLTS: 'mV', VOLTS: 'V', NANOVOLTS: 'nV' };

/** Leads that follow from I and II, in the unit of both. MUSE files mostly lack them. */
const derived: readonly (readonly [name: string, value: (one: number, two: number) => number])[] = [
  ['III', (one, two) => two - one],
  ['aVR', (one, two) => -(one + two) / 2],
  ['aVL', (one, two) => one - two / 2],
  ['aVF', (one, two) => two - one / 2],
];

/**
 * Reads the rhythm waveform of a GE MUSE file (`RestingECG`): stored leads, and those of III, aVR, aVL and aVF that are not stored but follow from I and II. The
 * median beat is left out.
 *
 * @param root element of the file.
 * @throws InputError naming file, line and field.
 */
export function readMuse(root: XmlElement, file: string): DeviceRecording {
  if (root.name !== 'RestingECG') {
    throw new InputError('this is not a GE MUSE recording', { file, got: root.name, expected: 'RestingECG' });
  }
  const waveforms = childrenOf(root, 'Waveform');
  const typeOf = (waveform: XmlElement): string => textOf(waveform, 'WaveformType') ?? 'Rhythm';
  const rhythms = waveforms.filter((waveform) => typeOf(waveform).toLowerCase() === 'rhythm');
  const [waveform] = rhythms;
  if (waveform === undefined) {
    throw new InputError('the file has no rhythm waveform', {
      file,
      got: waveforms.map(typeOf).join(', ') || 'no waveform',
      expected: 'a Waveform of WaveformType Rhythm',
    });
  }
  const base = numberOf(waveform, 'SampleBase', file, 'Hz');
  const fs = nearInteger(base * 10 ** (optional(waveform, 'SampleExponent', file) ?? 0));
  if (!(fs > 0 && Number.isFinite(fs))) throw unusable(waveform, 'SampleBase', `${base}`, 'a rate above 0 Hz', file);
  const stored = childrenOf(waveform, 'LeadData').map((data) => leadOf(data, file));
  if (stored.length === 0)
    throw new InputError('the rhythm waveform has no leads', { file, where: `line ${waveform.line}` });
  const warnings = rhythms.length > 1 ? [`it has ${rhythms.length} rhythm waveforms; the first one is read`] : [];
  const off = stored.filter(({ isOff }) => isOff).map(({ name }) => name);
  if (off.length > 0) warnings.push(`an electrode was off while ${off.join(', ')} was recorded`);
  return { fs, leads: [...stored, ...derivedFrom(stored)], warnings };
}

function derivedFrom(stored: readonly DeviceLead[]): DeviceLead[] {
  const [one, two] = ['I', 'II'].map((name) => stored.find((lead) => lead.name === name));
  if (one === undefined || two === undefined || one.units !== two.units) return [];
  return derived
    .filter(([name]) => !stored.some((lead) => lead.name.toLowerCase() === name.toLowerCase()))
    .map(([name, value]) => ({
      name,
      units: one.units,
      read() {
        const [first, second] = [one.read(), two.read()];
        // Leads of different lengths are refused where they are put together.
        return Float64Array.from({ length: Math.min(first.length, second.length) }, (_, i) =>
          value(first[i], second[i]),
        );
      },
    }));
}

function leadOf(data: XmlElement, file: string): DeviceLead & { isOff: boolean } {
  const name = textOf(data, 'LeadID');
  if (name === undefined) throw unusable(data, 'LeadID', 'nothing', 'the name of a lead', file);
  const unit = textOf(data, 'LeadAmplitudeUnits') ?? 'no unit';
  const read = (): Float64Array => {
    const scale = numberOf(data, 'LeadAmplitudeUnitsPerBit', file, 'units per bit');
    const offset = optional(data, 'LeadTimeOffset', file) ?? 0;
    if (offset !== 0) throw unusable(data, 'LeadTimeOffset', `${offset}`, '0: leads that begin together', file);
    const size = optional(data, 'LeadSampleSize', file) ?? 2;
    if (![1, 2, 4].includes(size)) throw unusable(data, 'LeadSampleSize', `${size}`, '1, 2 or 4 bytes', file);
    const bytes = fromBase64(data, file);
    const count = bytes.length / size;
    const stated = optional(data, 'LeadSampleCountTotal', file) ?? Math.trunc(count);
    if (stated !== count) throw unusable(data, 'WaveFormData', `${count} samples`, `${stated} samples`, file);
    return Float64Array.from({ length: count }, (_, i) => bytes.readIntLE(i * size, size) * scale);
  };
  return { name, units: units[unit.toUpperCase()] ?? unit, read, isOff: /^true$/i.test(textOf(data, 'LeadOff') ?? '') };
}

function fromBase64(data: XmlElement, file: string): Buffer {
  const text = (textOf(data, 'WaveFormData') ?? '').replace(/\s+/g, '');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    const [odd] = /[^A-Za-z0-9+/=]/.exec(text) ?? [`${text.length} characters`];
    throw unusable(data, 'WaveFormData', odd, 'Base64', file);
  }
  return Buffer.from(text, 'base64');
}

function textOf(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text.trim() || undefined;
}

function optional(element: XmlElement, name: string, file: string): number | undefined {
  const text = textOf(element, name);
  if (text === undefined) return undefined;
  const value = parseNumber(text);
  if (value === undefined) throw unusable(element, name, text, 'a number', file);
  return value;
}

function numberOf(element: XmlElement, name: string, file: string, expected: string): number {
  const value = optional(element, name, file);
  if (value === undefined) throw unusable(element, name, 'nothing', expected, file);
  return value;
}

function unusable(element: XmlElement, name: string, got: string, expected: string, file: string): InputError {
  const child = childOf(element, name) ?? element;
  const lead = textOf(element, 'LeadID');
  return new InputError(`${name} cannot be used`, {
    file,
    where: `line ${child.line}${lead === undefined ? '' : `, lead ${lead}`}`,
    got: got.slice(0, 40),
    expected,
  });
}
