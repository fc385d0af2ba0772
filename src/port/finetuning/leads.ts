import { InputError } from '../../errors.ts';
import { shellCommand } from '../../text.ts';

/** Compares names of leads: `AVR` of PTB-XL is `aVR`. */
export function leadKey(name: string): string {
  return name.trim().toLowerCase();
}

/**
 * Places of the wanted leads among those found.
 *
 * @throws InputError naming the file if a lead is missing, or if a wanted name is that of two leads.
 */
export function findLeads(found: readonly string[], wanted: readonly string[], file: string): number[] {
  const keys = found.map(leadKey);
  const places = wanted.map((name) => keys.indexOf(leadKey(name)));
  const missing = wanted.filter((_, i) => places[i] === -1);
  if (missing.length > 0) {
    throw new InputError('leads are missing', {
      file,
      got: found.join(', '),
      expected: missing.join(', '),
      next: suggestLeads(found, wanted, places),
    });
  }
  const twice = places.find((place) => keys.indexOf(keys[place]!, place + 1) !== -1);
  if (twice !== undefined) {
    throw new InputError('two leads have the same name', {
      file,
      got: found.join(', '),
      next: `Rename one of the leads ${found[twice]} in the file.`,
    });
  }
  return places;
}

/** Leads of these names can stand in for those that are missing. */
function suggestLeads(found: readonly string[], wanted: readonly string[], places: readonly number[]): string {
  const others = found.filter((_, place) => !places.includes(place));
  const chosen = places.map((place) => (place === -1 ? others.shift() : found[place]));
  if (chosen.includes(undefined)) return `The recording has too few leads for ${wanted.length}.`;
  return `Name the leads to take in their place: --leads ${shellCommand([chosen.join(',')])}`;
}
