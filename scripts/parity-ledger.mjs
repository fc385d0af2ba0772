#!/usr/bin/env node
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../src/lib/typescript.mjs';
import { pythonExecutable, root } from '../src/lib/installation.mjs';
import { isolated, isolatedEnvironment } from '../src/lib/python/isolated.mjs';
import { optionsOf } from './lib/options.mjs';

const { check } = optionsOf(
  `usage: npm run parity -- [options]

Writes PARITY.md: every public name of original/, its twin in src/port/, and the tests and suite cases that prove them the same.

Options:
  --check     write nothing, and exit with 1 if the file is incomplete or not current
  -h, --help  show this text and exit
`,
  { check: { type: 'boolean' } },
);
const { ledgerOf } = await import('../test/proofs/ledger.ts');
const { declaredIn } = await import('../test/proofs/twins.ts');
const { suites } = await import('../src/compare/suites/index.ts');

const listing = execFileSync(
  pythonExecutable(),
  isolated(join(root, 'scripts/lib/public_symbols.py'), join(root, 'original')),
  { env: isolatedEnvironment() },
);
const { text, faults } = await ledgerOf({
  symbols: JSON.parse(String(listing)),
  proofs: declarations(),
  reasons: JSON.parse(readFileSync(join(root, 'scripts/parity-exceptions.json'), 'utf8')),
});
const path = join(root, 'PARITY.md');
for (const fault of faults) console.error(fault);
if (check) {
  const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (!isCurrent) console.error('PARITY.md is out of date. Run: npm run parity');
  process.exitCode = isCurrent && faults.length === 0 ? 0 : 1;
} else {
  writeFileSync(path, text);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** Where each name is proved. A test or case whose declaration is false fails when it runs. */
function declarations() {
  const proofs = new Map();
  const add = (name, place) => proofs.set(name, [...(proofs.get(name) ?? []), place]);
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of tests.filter((one) => /(?<!\.full)\.test\.ts$/.test(one) && !one.startsWith('proofs/')).sort()) {
    for (const name of declaredIn(readFileSync(join(root, 'test', file), 'utf8'))) add(name, `[${file}](test/${file})`);
  }
  for (const { name: suite, cases } of suites) {
    for (const one of cases) for (const name of one.proves ?? []) add(name, `suite \`${suite}\`: ${one.name}`);
  }
  return proofs;
}
