import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';
import type { Comparison } from './model.ts';
import type { ObservationsPage } from './observations_page.ts';
import { toMarkdown } from './text.ts';

export { findingsFault, readReport } from './json.ts';
export { type Comparison, shimLines, sidesOf } from './model.ts';
export { formatComparison } from './text.ts';

/**
 * Writes `report.json`, `report.md`, `junit.xml` and `report.html` to a folder, which is created if missing. Replaces reports that are
 * there. `report.json` is written first: the others can be made from it with {@link readReport}.
 */
export async function writeReport(folder: string, comparison: Comparison): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileAtomic(join(folder, 'report.json'), toJson(comparison));
  writeFileAtomic(join(folder, 'report.md'), toMarkdown(comparison));
  writeFileAtomic(join(folder, 'junit.xml'), toJunit(comparison));
  // The plotting library is large, so it is loaded only here.
  const { toHtml } = await import('./html.ts');
  writeFileAtomic(join(folder, 'report.html'), toHtml(comparison));
}

/** Writes pictures and tables without a comparison as an HTML page. */
export async function writeObservations(file: string, page: ObservationsPage): Promise<void> {
  const { observationsPage } = await import('./observations_page.ts');
  writeFileAtomic(file, observationsPage(page));
}
