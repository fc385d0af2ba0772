import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Challenge 2017 records of every class in turn, at most so many, copied into a folder of the same form. */
export function takeChallenge17(source: string, target: string, most: number): string {
  const rows = readFileSync(join(source, 'REFERENCE.csv'), 'utf8').trim().split(/\r?\n/);
  const byLabel = new Map<string, string[]>();
  for (const row of rows) {
    const [record, label] = row.split(',');
    byLabel.set(label, [...(byLabel.get(label) ?? []), record]);
  }
  const chosen = new Map<string, string>();
  for (let round = 0; chosen.size < Math.min(most, rows.length); round++) {
    for (const [label, records] of byLabel) {
      if (records[round] !== undefined && chosen.size < most) chosen.set(records[round], label);
    }
  }
  mkdirSync(target, { recursive: true });
  for (const record of chosen.keys()) {
    for (const ending of ['hea', 'mat'])
      copyFileSync(join(source, `${record}.${ending}`), join(target, `${record}.${ending}`));
  }
  writeFileSync(join(target, 'RECORDS'), [...chosen.keys()].map((record) => `${record}\n`).join(''));
  writeFileSync(join(target, 'REFERENCE.csv'), [...chosen].map(([record, label]) => `${record},${label}\n`).join(''));
  return target;
}
