import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tolerancesPage } from '../src/compare/tolerance_table.ts';
import { root } from '../src/lib/installation.mjs';
import { readOptions } from './lib/read_options.ts';

const file = join(root, 'docs', 'tolerances.md');
const { check } = readOptions({
  program: 'npm run tolerances --',
  about: 'Writes docs/tolerances.md from the limits of the comparison.',
  flags: { Options: { check: { help: 'write nothing, and exit with 1 if the page is not current' } } },
}).values;
if (!check) writeFileSync(file, tolerancesPage());
else if (readFileSync(file, 'utf8') !== tolerancesPage()) {
  process.stderr.write('docs/tolerances.md is not current. Run: npm run tolerances\n');
  process.exitCode = 1;
}
