import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { Row } from '../closeness.ts';
import { formatRows, formatVerdict } from './table.ts';

/** Writes a verdict as `report.json` (`schema` 1) and `report.md` into a folder. */
export function writeReport(folder: string, title: string, rows: readonly Row[]): void {
  mkdirSync(folder, { recursive: true });
  const passed = rows.length > 0 && rows.every((row) => row.passed);
  // JSON has no infinity: a row that could not be compared has the difference null.
  writeFileAtomic(join(folder, 'report.json'), `${JSON.stringify({ schema: 1, title, passed, rows }, null, 2)}\n`);
  writeFileAtomic(join(folder, 'report.md'), `# ${title}\n\n${formatVerdict(rows)}\n\n${formatRows(rows)}\n`);
}
