import { InputError } from '../errors.ts';
import { openEdf } from '../lib/edf/edf.ts';
import { millivoltsPer } from '../lib/wfdb/units.ts';
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
