import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';

/**
 * Takes at most `most` records of a collection, because both sides hold all records in memory. Returns the folder: the source itself if it
 * is small enough, else a copy in the same form.
 */
export type TakeRecords = (source: string, target: string, most: number) => string;

/** Challenge 2017: records from each class in turn. */
export const takeChallenge17: TakeRecords = (source, target, most) => {
  const rows = readFileSync(join(source, 'REFERENCE.csv'), 'utf8').trim().split(/\r?\n/);
  if (rows.length <= most) return source;
  const byLabel = new Map<string, string[]>();
  for (const row of rows) {
    const [record, label] = row.split(',');
    byLabel.set(label, [...(byLabel.get(label) ?? []), record]);
  }
  const chosen = new Map<string, string>();
  for (let round = 0; chosen.size < most; round++) {
    for (const [label, records] of byLabel) {
      if (records[round] !== undefined && chosen.size < most) chosen.set(records[round], label);
    }
  }
  const names = [...chosen.keys()];
  copy(
    source,
    target,
    names.flatMap((name) => [`${name}.hea`, `${name}.mat`]),
  );
  writeFileSync(join(target, 'RECORDS'), names.map((name) => `${name}\n`).join(''));
  writeFileSync(join(target, 'REFERENCE.csv'), [...chosen].map((row) => `${row.join(',')}\n`).join(''));
  return target;
};

/** Challenge 2020: records spread evenly over the sorted names. */
export const takeChallenge20: TakeRecords = (source, target, most) => {
  const names = readdirSync(source)
    .filter((file) => file.endsWith('.mat'))
    .map((file) => file.slice(0, -'.mat'.length))
    .sort();
  if (names.length <= most) return source;
  copy(
    source,
    target,
    spread(names, most).flatMap((name) => [`${name}.hea`, `${name}.mat`]),
  );
  return target;
};

/** PTB-XL: rows spread evenly over the database, with their records at 500 Hz and, if available, at 100 Hz. */
export const takePtbXl: TakeRecords = (source, target, most) => {
  const text = readFileSync(join(source, 'ptbxl_database.csv'), 'utf8');
  const rows = parse(text, { columns: true, raw: true, skip_empty_lines: true }) as {
    readonly record: { readonly filename_lr: string; readonly filename_hr: string };
    readonly raw: string;
  }[];
  if (rows.length <= most) return source;
  const kept = spread(rows, most);
  const low = kept.map(({ record }) => record.filename_lr).filter((path) => existsSync(join(source, `${path}.hea`)));
  const paths = [...low, ...kept.map(({ record }) => record.filename_hr)];
  copy(source, target, ['scp_statements.csv', ...paths.flatMap((path) => [`${path}.hea`, `${path}.dat`])]);
  const header = text.slice(0, text.search(/\r?\n/));
  const lines = kept.map(({ raw }) => `${raw.replace(/^[\r\n]+|[\r\n]+$/g, '')}\n`);
  writeFileSync(join(target, 'ptbxl_database.csv'), `${header}\n${lines.join('')}`);
  return target;
};

function spread<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

function copy(source: string, target: string, files: readonly string[]): void {
  mkdirSync(target, { recursive: true });
  for (const file of files) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    copyFileSync(join(source, file), join(target, file));
  }
}
