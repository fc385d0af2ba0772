import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { seededRandom } from '../mutation.ts';
import { sharedData } from '../shared_data.ts';

/** Small collections in the genuine file formats, for tests that need no real data. */

/** Writes Challenge 2017: `labels` by record name, lengths that differ. */
export function writeChallenge17(folder: string, labels: Readonly<Record<string, string>>, fs = 300): void {
  mkdirSync(folder, { recursive: true });
  const names = Object.keys(labels);
  names.forEach((name, i) => {
    wrsamp(folder, { recordName: name, fs, signals: [lead('ECG', 900 + 37 * i, i)], format: '16+24' });
  });
  writeFileSync(join(folder, 'RECORDS'), `${names.join('\n')}\n`);
  writeFileSync(join(folder, 'REFERENCE.csv'), names.map((name) => `${name},${labels[name]}\n`).join(''));
}

/** Writes Challenge 2020: SNOMED codes by record name. */
export function writeChallenge20(folder: string, codes: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  Object.entries(codes).forEach(([name, dx], i) => {
    const signals = twelve.map((lead_, k) => lead(lead_, 1000 + 10 * i, 20 * i + k));
    wrsamp(folder, {
      recordName: name,
      fs: 500,
      signals,
      comments: ['Age: 50', `Dx: ${dx}`, 'Rx: Unknown'],
      format: '16+24',
    });
  });
}

/** One record of `writePtbXl`. */
export interface PtbXlRow {
  readonly id: number;
  readonly patient: number;
  readonly fold: number;
  readonly codes: string;
}

/** Writes PTB-XL at 500 and 100 Hz. */
export function writePtbXl(folder: string, rows: readonly PtbXlRow[]): void {
  const lines = ['ecg_id,patient_id,report,scp_codes,strat_fold,filename_lr,filename_hr'];
  for (const { id, patient, fold, codes } of rows) {
    const name = `${id}`.padStart(5, '0');
    for (const [kind, fs, samples] of [
      ['lr', 100, 200],
      ['hr', 500, 1000],
    ] as const) {
      mkdirSync(join(folder, `records${fs}`, '00000'), { recursive: true });
      const signals = twelve.map((name_, k) => lead(name_.toUpperCase(), samples, 31 * id + k));
      wrsamp(join(folder, `records${fs}`, '00000'), { recordName: `${name}_${kind}`, fs, signals });
    }
    lines.push(
      `${id},${patient}.0,"a, ""b""",${JSON.stringify(codes)},${fold},records100/00000/${name}_lr,records500/00000/${name}_hr`,
    );
  }
  writeFileSync(join(folder, 'ptbxl_database.csv'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'scp_statements.csv'),
    ',description,diagnostic,form,rhythm\nNORM,"normal, ECG",1.0,,\nSR,sinus rhythm,,,1.0\nABQRS,abnormal QRS,,1.0,\nAFIB,atrial fibrillation,,,1.0\nPVC,extrasystole,,1.0,\n',
  );
}

export const twelve: readonly string[] = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];

function lead(name: string, length: number, seed: number) {
  const random = seededRandom(seed + 1);
  const samples = Int16Array.from({ length }, (_, i) => 800 * Math.sin(i / (9 + (seed % 5))) + 300 * random());
  return { name, samples, gain: 1000 };
}

/** Part of the real Challenge 2017: the first `count` records, listed in a folder of their own. */
export function copyChallenge17(folder: string, count: number): void {
  const source = join(sharedData, 'cinc2017');
  mkdirSync(folder, { recursive: true });
  const names = readFileSync(join(source, 'RECORDS'), 'utf8').trim().split('\n').slice(0, count);
  for (const name of names)
    for (const ending of ['hea', 'mat'])
      copyFileSync(join(source, `${name}.${ending}`), join(folder, `${name}.${ending}`));
  writeFileSync(join(folder, 'RECORDS'), `${names.join('\n')}\n`);
  copyFileSync(join(source, 'REFERENCE.csv'), join(folder, 'REFERENCE.csv'));
}

/** The real PTB-XL, reduced to the records that are there. */
export function copyPtbXl(folder: string): void {
  const source = join(sharedData, 'ptbxl');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(source, 'scp_statements.csv'), join(folder, 'scp_statements.csv'));
  const [header, ...lines] = readFileSync(join(source, 'ptbxl_database.csv'), 'utf8').trimEnd().split(/\r?\n/);
  const kept = lines.filter((line) => {
    const file = join(source, `${line.split(',').at(-1)}`);
    if (!existsSync(`${file}.hea`)) return false;
    const target = join(folder, `${line.split(',').at(-1)}`);
    mkdirSync(dirname(target), { recursive: true });
    for (const ending of ['hea', 'dat'])
      copyFileSync(join(dirname(file), `${basename(file)}.${ending}`), `${target}.${ending}`);
    return true;
  });
  writeFileSync(join(folder, 'ptbxl_database.csv'), `${[header, ...kept].join('\n')}\n`);
}
