import { InputError } from '../errors.ts';
import { shellCommand } from '../text.ts';

/** The leads of a standard ECG, in their usual order, which is that of CPSC 2018. */
export const twelveLeads: readonly string[] = [
  'I',
  'II',
  'III',
  'aVR',
  'aVL',
  'aVF',
  'V1',
  'V2',
  'V3',
  'V4',
  'V5',
  'V6',
];
/**
 * The name of a lead without what devices write around it: `ECG V1` (EDF+), `Lead II (Einthoven)` (DICOM) and `MDC_ECG_LEAD_aVR` (HL7) are V1, II and aVR. Any
 * other name stays as it is.
 */
export function plainLead(label: string): string {
  const own = label.trim().replace(/^MDC_ECG_LEAD_/, '');
  const name = own.replace(/^(?:ECG|EKG|Lead)[ _-]+/i, '').replace(/\s*\([^()]*\)$/, '');
  return twelveLeads.find((lead) => leadKey(lead) === leadKey(name)) ?? own;
}

/** The name of a lead in the form in which names are compared: `AVR` of PTB-XL is `aVR`. */
export function leadKey(name: string): string {
  return name.trim().toLowerCase();
}

/**
 * Positions of the wanted leads among those found.
 *
 * @throws InputError naming the file if a lead is missing, or if two leads have a wanted name.
 */
export function findLeads(found: readonly string[], wanted: readonly string[], file: string): number[] {
  const first = new Map<string, number>();
  const repeated = new Set<string>();
  for (const [place, name] of found.entries()) {
    const key = leadKey(name);
    if (first.has(key)) repeated.add(key);
    else first.set(key, place);
  }
  const places = wanted.map((name) => first.get(leadKey(name)) ?? -1);
  const missing = wanted.filter((_, i) => places[i] === -1);
  if (missing.length > 0) {
    throw new InputError('leads are missing', {
      file,
      got: found.join(', '),
      expected: missing.join(', '),
      next: suggestLeads(found, wanted, places),
    });
  }
  const twice = wanted.find((name) => repeated.has(leadKey(name)));
  if (twice !== undefined) {
    throw new InputError('two leads have the same name', {
      file,
      got: found.join(', '),
      next: `Rename one of the leads ${twice} in the file.`,
    });
  }
  return places;
}

/** Suggests other leads of the recording in place of the missing ones. */
function suggestLeads(found: readonly string[], wanted: readonly string[], places: readonly number[]): string {
  const others = found.filter((_, place) => !places.includes(place));
  const chosen = places.map((place) => (place === -1 ? others.shift() : found[place]));
  if (chosen.includes(undefined)) return `The recording has too few leads for ${wanted.length}.`;
  return `Name the leads to take in their place: --leads ${shellCommand([chosen.join(',')])}`;
}
