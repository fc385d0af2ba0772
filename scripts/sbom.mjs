#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from '../src/lib/installation.mjs';
import { optionsOf } from './lib/options.mjs';
import { readRequirements } from './lib/requirements.mjs';

const values = optionsOf(
  `usage: npm run sbom -- [options]

Lists the locked packages as CycloneDX bills of materials: npm.cdx.json (made by npm), python.cdx.json, python-cuda.cdx.json, python-peers.cdx.json and python-setup.cdx.json. Needs no network.

Options:
  --target DIR  folder for the files (default: sbom)
  -h, --help    show this text and exit
`,
  { target: { type: 'string', default: join(root, 'sbom') } },
);
const target = resolve(values.target);
const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

mkdirSync(target, { recursive: true });
write('npm.cdx.json', npmBill());
for (const [file, lock] of [
  ['python.cdx.json', 'original/requirements.lock'],
  ['python-cuda.cdx.json', 'original/requirements-cuda.lock'],
  ['python-peers.cdx.json', 'src/bench/peers.lock'],
  ['python-setup.cdx.json', 'src/setup/uv.lock'],
]) {
  write(file, pythonBill(readRequirements(readFileSync(join(root, lock), 'utf8'))));
}

function npmBill() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { status, stdout, stderr, error } = spawnSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${error?.message ?? stderr}`);
  const bill = JSON.parse(stdout);
  // npm uses the name of the folder instead.
  bill.metadata.component.name = name;
  return bill;
}

/** A lock may list several versions of a package, each with a marker that says for which interpreters. */
function pythonBill(packages) {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'pre-build' }],
      component: {
        'bom-ref': `${name}@${version}`,
        type: 'application',
        name,
        version,
        licenses: [{ license: { id: license } }],
      },
    },
    components: packages.map(({ name, version, marker, hashes }) => {
      const purl = `pkg:pypi/${name.toLowerCase()}@${version}`;
      return {
        'bom-ref': purl,
        type: 'library',
        name,
        version,
        purl,
        ...(marker && { properties: [{ name: 'environment-marker', value: marker }] }),
        // One hash for each file from which pip may choose.
        externalReferences: [
          {
            type: 'distribution',
            url: `https://pypi.org/project/${name}/${version}/#files`,
            hashes: hashes.map((content) => ({ alg: 'SHA-256', content })),
          },
        ],
      };
    }),
  };
}

function write(file, bill) {
  const path = join(target, file);
  writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`);
  process.stdout.write(`${path}: ${bill.components.length} packages\n`);
}
