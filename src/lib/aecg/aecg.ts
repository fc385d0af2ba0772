import { InputError } from '../../errors.ts';
import type { DeviceLead, DeviceRecording } from '../device_recording.ts';
import { parseNumber } from '../python/number.ts';
import { nearInteger } from '../wfdb/header.ts';
import { millivoltsPer } from '../wfdb/units.ts';
import { childOf, childrenOf, type XmlElement } from '../xml/tree.ts';

/** Seconds of the units of a time increment. */
const seconds: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, '\u00b5s': 1e-6 };

/**
 * Reads the rhythm series of an HL7 aECG file (`AnnotatedECG`): each sample is `origin + scale * digit`. Representative beats, which are series of their own or
 * derived from the rhythm, are left out.
 *
 * @param root element of the file.
 * @throws InputError naming file, line and element.
 */
export function readAecg(root: XmlElement, file: string): DeviceRecording {
  if (root.name !== 'AnnotatedECG') {
    throw new InputError('this is not an HL7 aECG recording', { file, got: root.name, expected: 'AnnotatedECG' });
  }
  const all = childrenOf(root, 'component').flatMap((component) => childrenOf(component, 'series'));
  const codes = all.map((series) => codeOf(series));
  const rhythms = all.filter((_, i) => codes[i] === 'RHYTHM');
  const [series] = rhythms;
  if (series === undefined) {
    throw new InputError('the file has no rhythm series', {
      file,
      got: codes.map((code) => code || 'a series without a code').join(', ') || 'no series',
      expected: 'a series of code RHYTHM',
    });
  }
  const sets = childrenOf(series, 'component').flatMap((component) => childrenOf(component, 'sequenceSet'));
  const [set] = sets;
  const warnings = [
    ...(rhythms.length > 1 ? [`it has ${rhythms.length} rhythm series; the first one is read`] : []),
    ...(sets.length > 1 ? [`its rhythm series has ${sets.length} sequence sets; the first one is read`] : []),
  ];
  const sequences = childrenOf(set, 'component').flatMap((component) => childrenOf(component, 'sequence'));
  const leads = sequences.filter((sequence) => /_ECG_LEAD_./.test(codeOf(sequence))).map((one) => leadOf(one, file));
  if (leads.length === 0) {
    throw new InputError('the rhythm series has no leads', {
      file,
      where: `line ${series.line}`,
      got: sequences.map(codeOf).join(', ') || 'no sequences',
      expected: 'sequences such as MDC_ECG_LEAD_I',
    });
  }
  const time = sequences.find((sequence) => codeOf(sequence).startsWith('TIME_'));
  return { fs: rateOf(childOf(childOf(time, 'value'), 'increment'), series, file), leads, warnings };
}

function codeOf(element: XmlElement): string {
  return childOf(element, 'code')?.attributes.get('code')?.trim() ?? '';
}

function rateOf(increment: XmlElement | undefined, series: XmlElement, file: string): number {
  const [value, unit] = ['value', 'unit'].map((name) => increment?.attributes.get(name)?.trim() ?? '');
  const step = (parseNumber(value) ?? Number.NaN) * (seconds[unit] ?? Number.NaN);
  const fs = nearInteger(1 / step);
  if (fs > 0 && Number.isFinite(fs)) return fs;
  throw new InputError('the time between two samples is not known', {
    file,
    where: `line ${(increment ?? series).line}`,
    got: `an increment of ${JSON.stringify(value)} ${unit}`,
    expected: 'a number above 0, in s, ms or us',
  });
}

function leadOf(sequence: XmlElement, file: string): DeviceLead {
  const value = childOf(sequence, 'value');
  const name = codeOf(sequence);
  const fail = (what: string, got: string, expected: string, element = value ?? sequence): never => {
    throw new InputError(`${what} cannot be used`, {
      file,
      where: `line ${element.line}, ${name}`,
      got: got.slice(0, 40),
      expected,
    });
  };
  const [scale, origin] = ['scale', 'origin'].map((part) => childOf(value, part));
  const unit = scale?.attributes.get('unit')?.trim() || 'no unit';
  const read = (): Float64Array => {
    const type = value?.attributes.get('type');
    if (type !== 'SLIST_PQ') fail('the values', type ?? 'no type', 'SLIST_PQ');
    const factor = parseNumber(scale?.attributes.get('value') ?? '');
    if (factor === undefined) return fail('the scale', scale?.attributes.get('value') ?? 'nothing', 'a number', scale);
    const start = parseNumber(origin?.attributes.get('value') ?? '0');
    if (start === undefined) return fail('the origin', origin?.attributes.get('value') ?? '', 'a number', origin);
    const own = origin?.attributes.get('unit')?.trim() ?? unit;
    const [from, to] = [millivoltsPer(own), millivoltsPer(unit)];
    if (start !== 0 && own !== unit && (from === undefined || to === undefined)) {
      return fail('the origin', own, `a unit that can be converted to ${unit}`, origin);
    }
    const offset = start === 0 || own === unit ? start : (start * from!) / to!;
    const digits = childOf(value, 'digits');
    const text = digits?.text ?? '';
    // Millions of words at once would take many times the memory of the file.
    let count = 0;
    for (const _ of text.matchAll(/\S+/g)) count++;
    if (count === 0) fail('the digits', 'nothing', 'numbers', digits);
    const out = new Float64Array(count);
    let at = 0;
    for (const [word] of text.matchAll(/\S+/g)) {
      out[at++] = offset + (parseNumber(word) ?? fail('a digit', JSON.stringify(word), 'a number', digits)) * factor;
    }
    return out;
  };
  return { name, units: unit, read };
}
