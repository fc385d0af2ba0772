import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Mutant, withMutant } from './mutants.ts';
import { hitsModule, type Probe, withProbes } from './probes.ts';

/** Parts that a mutated copy shares with the copy it was made from: the bridge must not change. */
const shared = ['bridge'];

/** The files that name a file, by file; paths below `src`. */
export type Importers = ReadonlyMap<string, readonly string[]>;

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

/** Links to the sources of `base`, except for copies of one changed file and of all files that depend on it. The others are loaded once for all mutants. */
export function copyWithMutant(
  base: string,
  folder: string,
  mutant: Mutant,
  importers = importersIn(join(base, 'src')),
): void {
  const dependent = dependentsOf(mutant.file, importers);
  linkAround(base, folder);
  mkdirSync(join(folder, 'src'));
  linkTree(join(base, 'src'), join(folder, 'src'), '', dependent);
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
  linkAround(base, folder);
  const source = join(base, 'src');
  cpSync(source, join(folder, 'src'), {
    recursive: true,
    filter: (path) => !shared.some((part) => path === join(source, part)),
  });
  for (const part of shared) symlinkSync(join(source, part), join(folder, 'src', part));
}

/** Makes a folder with links to all that lies around the sources. */
function linkAround(base: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(base)) if (entry !== 'src') symlinkSync(join(base, entry), join(folder, entry));
}

/** Links to a folder of sources if it holds none of the files to copy; else makes it and goes on inside. Node takes a link for the file it leads to. */
function linkTree(from: string, to: string, below: string, copied: ReadonlySet<string>): void {
  for (const entry of readdirSync(join(from, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (copied.has(path)) {
      cpSync(join(from, path), join(to, path));
    } else if (
      entry.isDirectory() &&
      !shared.includes(path) &&
      [...copied].some((file) => file.startsWith(`${path}/`))
    ) {
      mkdirSync(join(to, path));
      linkTree(from, to, path, copied);
    } else {
      symlinkSync(join(from, path), join(to, path));
    }
  }
}

/** A file and all that import it, directly or not. Paths below `src`. */
export function dependentsOf(file: string, importers: Importers): ReadonlySet<string> {
  const found = new Set([file]);
  for (const one of found) for (const importer of importers.get(one) ?? []) found.add(importer);
  return found;
}

/** By file, the files that name it in a string such as `'../lib/lock.ts'`: in an import, or in the URL of a thread's module. */
export function importersIn(src: string): Importers {
  const result = new Map<string, string[]>();
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(ts|mjs)$/.test(file)) continue;
    for (const [, name] of readFileSync(join(src, file), 'utf8').matchAll(/'(\.\.?\/[^'\n]*\.(?:ts|mjs))'/g)) {
      const target = relative(src, join(src, dirname(file), name));
      result.set(target, [...(result.get(target) ?? []), file]);
    }
  }
  return result;
}
