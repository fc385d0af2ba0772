import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';
import type { Comparison } from './model.ts';
import { toMarkdown } from './text.ts';

export { findingsFault, readReport } from './json.ts';
export { type Comparison, shimLines, sidesOf } from './model.ts';
export { formatComparison } from './text.ts';

/**
 * Writes `report.json`, `report.md`, `junit.xml` and `report.html` into a folder, which is made if it is not there; reports in it are
 * replaced. `report.json` comes first: with {@link readReport} the others can be made from it again.
 */
export async function writeReport(folder: string, comparison: Comparison): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileAtomic(join(folder, 'report.json'), toJson(comparison));
  writeFileAtomic(join(folder, 'report.md'), toMarkdown(comparison));
  writeFileAtomic(join(folder, 'junit.xml'), toJunit(comparison));
  // The plotting library is large: only who writes a report loads it.
  const { toHtml } = await import('./html.ts');
  writeFileAtomic(join(folder, 'report.html'), toHtml(comparison));
}
