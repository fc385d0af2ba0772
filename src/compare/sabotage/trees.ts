import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Mutant, withMutant } from './mutants.ts';
import { hitsModule, type Probe, withProbes } from './probes.ts';

/** Parts that a mutated copy shares with the copy it was made from: the bridge must not change. */
const shared = ['bridge'];

const caches = new Set(['.ruff_cache', '__pycache__']);

/** Copies the sources of a project and links everything else that they use. */
export function copySources(root: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(root)) {
    if (entry === 'src' || entry === '.git' || entry === 'jobs') continue;
    symlinkSync(join(root, entry), join(folder, entry));
  }
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true, filter: (path) => !caches.has(basename(path)) });
}

/** Copies the sources of `base` with one file changed. */
export function copyWithMutant(base: string, folder: string, mutant: Mutant): void {
  copyTree(base, folder);
  const path = join(folder, 'src', mutant.file);
  writeFileSync(path, withMutant(readFileSync(path, 'utf8'), mutant));
}

/** Copies the sources of `base` with probes, by file. Returns the module that the probes call. */
export function copyWithProbes(base: string, folder: string, probes: ReadonlyMap<string, readonly Probe[]>): string {
  copyTree(base, folder);
  const module = join(folder, 'hits.mjs');
  writeFileSync(module, hitsModule);
  for (const [file, inFile] of probes) {
    const path = join(folder, 'src', file);
    writeFileSync(path, withProbes(readFileSync(path, 'utf8'), inFile, pathToFileURL(module).href));
  }
  return module;
}

function copyTree(base: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(base)) if (entry !== 'src') symlinkSync(join(base, entry), join(folder, entry));
  const source = join(base, 'src');
  cpSync(source, join(folder, 'src'), {
    recursive: true,
    filter: (path) => !shared.some((part) => path === join(source, part)),
  });
  for (const part of shared) symlinkSync(join(source, part), join(folder, 'src', part));
}
