#!/usr/bin/env node
// Writes docs/reference/: a page for every public name, by TypeDoc. Fails if a link in a comment leads nowhere.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../src/lib/installation.mjs';

const folder = join(root, 'scripts', 'reference');
const typedoc = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.values(exports)
  .filter(({ types }) => types)
  .map(({ types }) => join(root, types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')));

if (!existsSync(typedoc)) run('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund']);
run(process.execPath, [
  typedoc,
  ...['--tsconfig', join(root, 'tsconfig.json'), '--readme', 'none', '--out', join(root, 'docs', 'reference')],
  // The project's own compiler checks the types.
  ...['--skipErrorChecking', '--disableSources', '--excludePrivate', '--validation.invalidLink'],
  ...['--validation.notExported', 'false', '--treatValidationWarningsAsErrors'],
  ...entries,
]);

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  if (error) console.error(error.message);
  process.exit(status ?? 1);
}
