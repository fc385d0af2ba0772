import { existsSync } from 'node:fs';
import { readTable } from '../lib/csv/table.ts';

/** The table of statements of PTB-XL. */
export const statementsFile = 'scp_statements.csv';

/** SNOMED CT codes of the scored classes of the PhysioNet Challenge 2020, and of the nine classes of CPSC 2018. */
const snomed: Readonly<Record<string, string>> = {
  '10370003': 'pacing rhythm',
  '17338001': 'ventricular premature beats',
  '39732003': 'left axis deviation',
  '47665007': 'right axis deviation',
  '59118001': 'right bundle branch block',
  '59931005': 'T wave inversion',
  '63593006': 'supraventricular premature beats',
  '111975006': 'prolonged QT interval',
  '164884008': 'ventricular ectopics',
  '164889003': 'atrial fibrillation',
  '164890007': 'atrial flutter',
  '164909002': 'left bundle branch block',
  '164917005': 'abnormal Q wave',
  '164931005': 'ST elevation',
  '164934002': 'abnormal T wave',
  '164947007': 'prolonged PR interval',
  '251146004': 'low QRS voltages',
  '270492004': 'first-degree AV block',
  '284470004': 'premature atrial contraction',
  '426177001': 'sinus bradycardia',
  '426627000': 'bradycardia',
  '426783006': 'sinus rhythm',
  '427084000': 'sinus tachycardia',
  '427172004': 'premature ventricular contractions',
  '427393009': 'sinus arrhythmia',
  '429622005': 'ST depression',
  '445118002': 'left anterior fascicular block',
  '698252002': 'nonspecific intraventricular conduction disorder',
  '713426002': 'incomplete right bundle branch block',
  '713427006': 'complete right bundle branch block',
};

/** Classes of the PhysioNet Challenge 2017, which a set must have all of: one letter alone could mean anything. */
const challenge2017: Readonly<Record<string, string>> = {
  A: 'atrial fibrillation',
  N: 'normal rhythm',
  O: 'other rhythm',
  '~': 'noise',
};

/** Words for the names of classes; a class without words is left out. */
export type ClassWords = ReadonlyMap<string, string>;

/**
 * Words for classes: SNOMED CT codes of Challenge 2020, the four classes of Challenge 2017, and the statements of PTB-XL from the first of
 * `statements` (paths of `scp_statements.csv`) that exists.
 *
 * @throws InputError for a table of statements without descriptions.
 */
export function wordsOf(classes: readonly string[], statements: readonly string[] = []): ClassWords {
  const isChallenge2017 = classes.length === 4 && classes.every((name) => Object.hasOwn(challenge2017, name));
  const known = { ...snomed, ...(isChallenge2017 ? challenge2017 : {}) };
  const file = statements.find((path) => existsSync(path));
  const rows = file === undefined ? [] : readTable(file, ['', 'description']);
  const scp = new Map(rows.map((row) => [row[''], row.description.trim()]));
  const found = classes.flatMap((name): [string, string][] => {
    const words = Object.hasOwn(known, name) ? known[name] : scp.get(name);
    return words === undefined || words === '' || words === name ? [] : [[name, words]];
  });
  return new Map(found);
}

/** A class with its words: `AFIB (atrial fibrillation)`. */
export function named(name: string, words: ClassWords): string {
  const found = words.get(name);
  return found === undefined ? name : `${name} (${found})`;
}
