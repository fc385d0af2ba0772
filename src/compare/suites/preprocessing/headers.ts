import { join } from 'node:path';
import type { WfdbHeader } from '../../../bridge/original_data.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import { type Annotation, annotationSymbols, rdann } from '../../../lib/wfdb/annotation.ts';
import { readHeader } from '../../../lib/wfdb/header.ts';
import { wrann } from '../../../lib/wfdb/write.ts';
import { sameText } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';

/** Signal lines with few and with all fields, zeros of either sign, and characters beyond ASCII. */
const signalLines: readonly string[] = [
  'H.dat 16',
  'H.dat 16x2:3+24 200.5(-0)/mV 12 -0 -0 -0 -0 lead one',
  'H.dat 16 100 11 -0 -3 -32768 0',
  'H.dat 212 0(-5)/uV 12 7 -9 40 512 \tII\t',
  'H.dat 16 2.5e-3(1024)/mmHg 16 1024',
  'H.dat 80 -50/% 8 0 3',
  '~ 0 1000/mV 16 0 0 0 0 a lead without samples',
  'H.dat 16 1000/µV 16 0 -0 7 0 é V1',
];

/** The fields of a header, one a line. Of texts only what is ASCII, which is all that wfdb-python reads. */
function fieldsOf({
  signals,
  ...record
}: Omit<WfdbHeader, 'signals'> & { readonly signals: readonly object[] }): string[] {
  return [record, ...signals].flatMap((part, i) =>
    Object.entries(part).flatMap(([field, value]) => {
      // wfdb-python does not say whether it made the gain up.
      if (field === 'calibrated') return [];
      const text = Object.is(value, -0) ? '-0' : String(value);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
      return `${i === 0 ? 'record' : `signal ${i}`}, ${field}: ${text.replace(/[^\x00-\x7f]/g, '').trim()}`;
    }),
  );
}

/** Fields that no recording of the collections has, or that nothing computes with. */
export const headerCase: SuiteCase = {
  name: 'headers of WFDB: every field',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const path = join(scratch, 'H');
    const lines = ['# age: 60 ', `H ${signalLines.length} 360.5/1000.5(-0) 1000 10:20:30 13/02/1999`];
    writeFileAtomic(`${path}.hea`, [...lines, ...signalLines, '#é <x> ', '##  two', ''].join('\n'));
    const { cutComments: _, ...ours } = readHeader(path);
    const theirs = await original.data.wfdbHeader(path);
    return [sameText('preprocessing', 'fields', fieldsOf(ours).join('\n'), fieldsOf(theirs).join('\n'))];
  },
};

/** The fields of an annotation file, one a line. */
function annotationFields(annotation: Annotation): string {
  return Object.entries(annotation)
    .map(([field, value]) => `${field}: ${Array.isArray(value) ? value.join('|') : value}`)
    .sort()
    .join('\n');
}

/** Annotations of every type, with and without notes, near and far apart, in files that state their rate and in one that does not. */
export const annotationCase: SuiteCase = {
  name: 'annotations of WFDB: every type',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    writeFileAtomic(join(scratch, 'A.hea'), 'A 0 360 1000\n');
    const symbol = [...annotationSymbols.values()];
    const sample = symbol.map((_, i) => i * (i % 5 === 0 ? 1 : 900));
    sample.sort((a, b) => a - b);
    const auxNote = symbol.map((_, i) => (i % 3 === 0 ? `(note ${'x'.repeat(i)}` : ''));
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const [i, fs] of [undefined, 250, 127.5].entries()) {
      const extension = `atr${i}`;
      wrann(scratch, 'A', extension, { sample, symbol, auxNote, ...(fs !== undefined && { fs }) });
      const path = join(scratch, 'A');
      ours.push(annotationFields(rdann(path, extension)));
      theirs.push(annotationFields(await original.data.wfdbAnnotation(path, extension)));
    }
    return [sameText('preprocessing', `annotations of ${ours.length} files`, ours.join('\n'), theirs.join('\n'))];
  },
};
