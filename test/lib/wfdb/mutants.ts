import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { rdann } from '../../../src/lib/wfdb/annotation.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { wrann } from '../../../src/lib/wfdb/write.ts';
import { mutate, seededRandom } from '../../mutation.ts';
import { asPython, readWithPython } from './wfdb_python.ts';

/** What became of the mutants of one kind of file. */
export interface Outcome {
  mutants: number;
  /** Read, and equal to what wfdb-python reads. */
  equal: number;
  /** Refused with a typed error. */
  refused: number;
  /** Of them refused by wfdb-python too. */
  refusedByBoth: number;
  /** Read where wfdb-python never ends (a description of the file that it does not know). */
  pythonHangs: number;
  /** Read with another value than wfdb-python's, or left with an untyped error: must be empty. */
  readonly wrong: string[];
}

/** Counts one mutant, read by both sides. */
function judge(ours: () => unknown, python: unknown, name: string, outcome: Outcome): void {
  outcome.mutants++;
  let value: unknown;
  try {
    value = ours();
  } catch (error) {
    if (!(error instanceof InputError || error instanceof FileNotFoundError)) outcome.wrong.push(`${name}: ${error}`);
    outcome.refused++;
    if (typeof python === 'object' && python !== null && 'error' in python) outcome.refusedByBoth++;
    return;
  }
  if (JSON.stringify(python) === '{"error":"Hang"}') outcome.pythonHangs++;
  else if (JSON.stringify(sorted(value)) === JSON.stringify(sorted(python))) outcome.equal++;
  else
    outcome.wrong.push(
      `${name}: ${JSON.stringify(value).slice(0, 300)} but wfdb-python ${JSON.stringify(python).slice(0, 300)}`,
    );
}

function sorted(value: unknown): unknown {
  return Object.fromEntries(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function emptyOutcome(): Outcome {
  return { mutants: 0, equal: 0, refused: 0, refusedByBoth: 0, pythonHangs: 0, wrong: [] };
}

const formats = ['8', '16', '24', '32', '61', '80', '160', '212', '310', '311'];

/** Damages headers, signal files and annotation files, `count` of each, and reads them with both sides. */
export async function campaign(
  count: number,
  seed: number,
): Promise<{ header: Outcome; signal: Outcome; annotation: Outcome }> {
  const folder = mkdtempSync(join(tmpdir(), 'wfdb-mutants-'));
  try {
    const random = seededRandom(seed);
    const headers = Array.from({ length: count }, (_, i) => mutantHeader(folder, `h${i}`, random));
    const signals = Array.from({ length: count }, (_, i) => mutantSignal(folder, `s${i}`, i, random));
    const annotations = Array.from({ length: count }, (_, i) => mutantAnnotation(folder, `a${i}`, random));
    const python = await readWithPython({
      records: [...headers, ...signals],
      annotations: annotations.map((path) => [path, 'atr']),
      seconds: 1,
    });
    const [header, signal, annotation] = [emptyOutcome(), emptyOutcome(), emptyOutcome()];
    headers.forEach((path, i) => void judge(() => asPython(rdrecord(path)), python.records[i], path, header));
    signals.forEach((path, i) => void judge(() => asPython(rdrecord(path)), python.records[count + i], path, signal));
    annotations.forEach((path, i) => void judge(() => rdann(path, 'atr'), python.annotations[i], path, annotation));
    return { header, signal, annotation };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mutantHeader(folder: string, name: string, random: () => number): string {
  const format = formats[Math.floor(random() * formats.length)];
  const lines = [
    '#first comment',
    `${name} 2 257.5/100(3.5) 12 12:33:59 12/05/2020`,
    `${name}.dat ${format}x1+24 1000.5(2)/mV 16 3 28 -1716 0 aVR`,
    `${name}.dat ${format}+24 200/uV 12 0 -5 17 0 lead two`,
    '#Dx: 59118001,426783006',
    '',
  ];
  writeFileSync(
    join(folder, `${name}.dat`),
    Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256))),
  );
  // The record line is what most checks are about: two thirds of the mutants leave it whole.
  const from = random() < 1 / 3 ? 0 : lines.slice(0, 2).join('\n').length + 1;
  writeFileSync(join(folder, `${name}.hea`), mutate(Buffer.from(lines.join('\n')), random, { text: true, from }));
  return join(folder, name);
}

function mutantSignal(folder: string, name: string, index: number, random: () => number): string {
  const path = join(folder, name);
  const format = formats[index % formats.length];
  const frames = 1 + Math.floor(random() * 20);
  const signals = 1 + Math.floor(random() * 3);
  const line = (): string =>
    `${name}.dat ${format}${random() < 0.2 ? 'x2' : ''}${random() < 0.1 ? ':2' : ''} ${random() < 0.2 ? 0 : 200} 12 0 7 0 0 lead`;
  const length = random() < 0.3 ? '' : frames;
  writeFileSync(
    `${path}.hea`,
    [`${name} ${signals} 360 ${length}`, ...Array.from({ length: signals }, line), ''].join('\n'),
  );
  const bytes = Buffer.from(Array.from({ length: frames * signals * 6 }, () => Math.floor(random() * 256)));
  writeFileSync(
    `${path}.dat`,
    mutate(random() < 0.5 ? bytes : bytes.subarray(0, Math.floor(random() * bytes.length)), random),
  );
  return path;
}

function mutantAnnotation(folder: string, name: string, random: () => number): string {
  const path = join(folder, name);
  const count = Math.floor(random() * 12);
  let position = 0;
  const sample = Array.from({ length: count }, () => {
    position += Math.floor(random() ** 4 * 5000);
    return position;
  });
  const symbol = sample.map(() => 'NV+SQ~'[Math.floor(random() * 6)]);
  const auxNote = symbol.map((text) => (text === '+' ? '(AFIB' : random() < 0.2 ? 'odd' : ''));
  wrann(folder, name, 'whole', { sample, symbol, auxNote, fs: random() < 0.5 ? 250 : undefined });
  const { bytes, from } = annotationBytes(`${path}.whole`, random);
  // Most mutants keep their end mark, which is checked first.
  const damaged = mutate(bytes, random, { from });
  writeFileSync(`${path}.atr`, random() < 0.7 ? evened(damaged) : damaged);
  return path;
}

function annotationBytes(file: string, random: () => number): { bytes: Buffer; from: number } {
  const bytes = readFileSync(file);
  return { bytes, from: random() < 0.5 ? 0 : Math.min(32, bytes.length >> 1) };
}

function evened(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, bytes.length & ~1), Buffer.from([0, 0])]);
}
