#!/usr/bin/env node
// Writes what the locks name as CycloneDX bills of materials: sbom/npm.cdx.json by npm itself, and sbom/python.cdx.json and sbom/python-cuda.cdx.json. Needs no network.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../src/setup/environment.mjs';
import { readRequirements } from './lib/requirements.mjs';

const { values } = parseArgs({ options: { target: { type: 'string', default: join(root, 'sbom') } } });
const target = resolve(values.target);
const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

mkdirSync(target, { recursive: true });
write('npm.cdx.json', npmBill());
for (const [file, lock] of [
  ['python.cdx.json', 'requirements.lock'],
  ['python-cuda.cdx.json', 'requirements-cuda.lock'],
]) {
  write(file, pythonBill(readRequirements(readFileSync(join(root, 'original', lock), 'utf8'))));
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
  // npm takes the name of the folder.
  bill.metadata.component.name = name;
  return bill;
}

/** A lock has several versions of a package for different interpreters, each with its marker. */
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
        // One hash for each file that pip may choose from.
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
