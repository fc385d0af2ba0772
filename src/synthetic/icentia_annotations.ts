import { toFloat64 } from '../lib/numpy/convert.ts';
import type { RawLabels } from '../port/transplant/datasets/icentia11k.ts';
import { type Annotations, beatCodes, rhythmCodes } from '../prepare/icentia11k/annotations.ts';

const symbolOf = new Map([...beatCodes].map(([symbol, code]) => [code, symbol]));
const noteOf = new Map([...rhythmCodes].map(([note, code]) => [code, note]));

/**
 * Annotations of a segment, in the form of PhysioNet's edition of Icentia11k. Every beat is annotated. A span of equal rhythm labels begins with a
 * `+` with a note such as `(N` at the sample of its first label, and ends with the note `)` at its last; a span of a single label has the note `(N)`.
 * The rhythms undefined, end and noise, and beats without a rhythm label, end a span and have no mark.
 */
export function annotationsOf({ btype, rtype }: RawLabels): Annotations & { readonly sample: number[] } {
  const beats = marksOf(btype, (code) => symbolOf.get(code)!);
  const labels = marksOf(rtype, (code) => noteOf.get(code) ?? '');
  const labelled = new Set(labels.map(({ sample }) => sample));
  const unlabelled = beats.filter(({ sample }) => !labelled.has(sample)).map(({ sample }) => ({ sample, text: '' }));
  const rhythms = [...labels, ...unlabelled].sort(byPlace);
  const marks = rhythms.flatMap(({ sample, text }, k) => {
    if (text === '') return [];
    const begins = rhythms[k - 1]?.text !== text;
    const ends = rhythms[k + 1]?.text !== text;
    return begins || ends ? [{ sample, symbol: '+', note: `${begins ? text : ''}${ends ? ')' : ''}` }] : [];
  });
  const all = [...beats.map(({ sample, text }) => ({ sample, symbol: text, note: 'None' })), ...marks];
  // At the same sample, beats come first.
  all.sort((a, b) => a.sample - b.sample);
  return {
    sample: all.map(({ sample }) => sample),
    symbol: all.map(({ symbol }) => symbol),
    auxNote: all.map(({ note }) => note),
  };
}

interface Mark {
  readonly sample: number;
  readonly text: string;
}

function marksOf(byCode: RawLabels['btype'], textOf: (code: number) => string): Mark[] {
  const marks = byCode.flatMap((positions, code) =>
    Array.from(toFloat64(positions), (sample): Mark => ({ sample, text: textOf(code) })),
  );
  return marks.sort(byPlace);
}

function byPlace(a: Mark, b: Mark): number {
  return a.sample - b.sample || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
}
