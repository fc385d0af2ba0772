import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRequirements } from '../../scripts/lib/requirements.mjs';
import { root } from '../shared_data.ts';

const target = mkdtempSync(join(tmpdir(), 'sbom-'));
afterAll(() => rmSync(target, { recursive: true, force: true }));

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly externalReferences: readonly {
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  }[];
}

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly Component[];
}

const read = (file: string): Bill => JSON.parse(readFileSync(join(target, file), 'utf8')) as Bill;

describe('npm run sbom', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'scripts', 'sbom.mjs'), '--target', target]);
  });

  it.each(['npm.cdx.json', 'python.cdx.json', 'python-cuda.cdx.json'])(
    '%s is a CycloneDX bill of this package',
    (file) => {
      const { bomFormat, specVersion, metadata, components } = read(file);
      const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
      };
      expect([bomFormat, specVersion]).toEqual(['CycloneDX', '1.5']);
      expect(metadata.component).toMatchObject({ name, version });
      expect(new Set(components.map(({ purl }) => purl)).size).toBe(components.length);
      for (const { purl } of components) expect(purl).toMatch(/^pkg:(npm|pypi)\/.+@.+$/);
    },
  );

  it('names every package of package-lock.json, with version and hash', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { name?: string; version: string; integrity?: string }>;
    };
    const wanted = Object.entries(lock.packages)
      .filter(([path]) => path !== '')
      .map(([path, { name, version, integrity }]) => {
        const hash = Buffer.from(integrity!.split('-')[1], 'base64').toString('hex');
        return `${name ?? path.split('node_modules/').at(-1)} ${version} ${hash}`;
      });
    const found = read('npm.cdx.json').components.map(({ group, name, version, hashes }) => {
      return `${group ? `${group}/` : ''}${name} ${version} ${hashes![0].content}`;
    });
    expect(found.sort()).toEqual([...new Set(wanted)].sort());
  });

  it.each([
    ['python.cdx.json', 'original/requirements.lock', 60],
    ['python-cuda.cdx.json', 'original/requirements-cuda.lock', 60],
    ['python-peers.cdx.json', 'src/bench/peers.lock', 25],
    ['python-setup.cdx.json', 'src/setup/uv.lock', 0],
  ])('%s names every package of %s, with version and all hashes', (file, lock, least) => {
    const lines = readFileSync(join(root, lock), 'utf8').split('\n');
    const wanted: string[] = [];
    for (const line of lines) {
      const found = /^([^\s#=]+)==([^\s;]+)/.exec(line);
      if (found) wanted.push(`${found[1]} ${found[2]}`);
      const hash = /--hash=sha256:(\w+)/.exec(line)?.[1];
      if (hash) wanted.push(`${wanted.pop()} ${hash}`);
    }
    const found = read(file).components.map(({ name, version, externalReferences }) => {
      return [name, version, ...externalReferences[0].hashes!.map(({ content }) => content)].join(' ');
    });
    expect(wanted.length).toBeGreaterThan(least);
    expect(found).toEqual(wanted);
  });
});

describe('readRequirements', () => {
  it('refuses a package without version or hash', () => {
    expect(() => readRequirements('numpy\n')).toThrow(/not a locked package with hashes: numpy/);
    expect(() => readRequirements('numpy==1.26.4\n')).toThrow(/not a locked package/);
  });
});
