import { InputError } from '../errors.ts';

/** What an input of a job says about the data, as texts for the reader; what it does not say is absent. */
export type Facts = Readonly<Record<string, string | undefined>>;

/** A file, or another input, and what it says. */
export interface Source {
  readonly name: string;
  readonly facts: Facts;
}

/**
 * Throws an InputError that names both sources and both values unless they agree on everything that both speak of.
 *
 * @param next what the user can do.
 */
export function requireAgreement(reference: Source, other: Source, next: string): void {
  const different = Object.keys(reference.facts).filter((name) => {
    const [expected, got] = [reference.facts[name], other.facts[name]];
    return expected !== undefined && got !== undefined && expected !== got;
  });
  if (different.length === 0) return;
  const list = (facts: Facts): string => different.map((name) => `${name} ${facts[name]}`).join(', ');
  throw new InputError(`does not fit ${reference.name}`, {
    file: other.name,
    got: list(other.facts),
    expected: list(reference.facts),
    next,
  });
}
