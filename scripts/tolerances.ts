/** Writes docs/tolerances.md. With --check it writes nothing and ends with 1 if the page is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tolerancesPage } from '../src/compare/tolerance_table.ts';
import { root } from '../src/setup/environment.mjs';

const file = join(root, 'docs', 'tolerances.md');
if (!process.argv.includes('--check')) writeFileSync(file, tolerancesPage());
else if (readFileSync(file, 'utf8') !== tolerancesPage()) {
  process.stderr.write('docs/tolerances.md is not current. Run: npm run tolerances\n');
  process.exitCode = 1;
}
