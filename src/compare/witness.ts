import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { InputError } from '../errors.ts';

/** Commit of `kweimann/ecg-transfer-learning` that the port is a twin of. */
export const upstreamCommit = 'c255af5';

/** The packages of the Python code. */
export const packages = ['transplant', 'pretraining', 'finetuning'] as const;

/** File that `scripts/fetch-original.mjs` leaves beside the packages. */
export const fetchedFile = 'fetched.json';

/** What `scripts/fetch-original.mjs` says of the tree it unpacked. */
export interface Fetched {
  /** Full hash of the commit, as the archive states it. */
  readonly commit: string;
  /** {@link treeDigest} when it was unpacked. */
  readonly digest: string;
}

/** What stands on the other side of a comparison. */
export interface Witness {
  readonly kind: 'upstream' | 'checkout' | 'reimplementation';
  /** First line of a verdict, such as `upstream c255af5 (tree 1f0c…)`. */
  readonly title: string;
  /** {@link treeDigest} of the folder. */
  readonly digest: string;
  readonly folder: string;
  readonly keras: 'keras 3' | 'tf_keras';
}

/** This project's own Python side. */
const ownFolder = resolve(import.meta.dirname, '..', '..', 'original');

/**
 * Says which Python code a folder holds: upstream (a clean git checkout of {@link upstreamCommit}, or what `scripts/fetch-original.mjs`
 * unpacked and nobody changed since), this project's reimplementation (the same files as its `original/`, wherever they lie), or another
 * checkout. Throws an InputError if the folder does not hold the three packages.
 */
export function identifyOriginal(folder: string, keras: '3' | 'legacy' = '3'): Witness {
  requirePackages(folder);
  const digest = treeDigest(folder);
  const short = digest.slice(0, 12);
  const common = { digest, folder, keras: keras === 'legacy' ? 'tf_keras' : 'keras 3' } as const;
  if (existsSync(ownFolder) && digest === treeDigest(ownFolder)) {
    return { kind: 'reimplementation', title: `our reimplementation in original/ (tree ${short})`, ...common };
  }
  const checkout = gitState(folder) ?? fetchedState(folder, digest);
  if (checkout?.commit.startsWith(upstreamCommit) && checkout.clean) {
    return { kind: 'upstream', title: `upstream ${upstreamCommit} (tree ${short})`, ...common };
  }
  const from = checkout ? ` of ${checkout.commit.slice(0, 7)}${checkout.clean ? '' : ' with local changes'}` : '';
  return { kind: 'checkout', title: `another checkout${from} (tree ${short})`, ...common };
}

/**
 * SHA-256 over the Python files of the three packages: for each, in the order of their paths, the path with `/`, a NUL, the size in
 * decimal, a NUL and the bytes. Nothing else in the folder counts.
 */
export function treeDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const path of packages.flatMap((name) => pythonFiles(join(folder, name))).sort()) {
    const bytes = readFileSync(path);
    hash.update(`${relative(folder, path).split(sep).join('/')}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

function requirePackages(folder: string): void {
  const missing = packages.filter((name) => !existsSync(join(folder, name, '__init__.py')));
  if (missing.length === 0) return;
  throw new InputError('no checkout of the Python original', {
    file: folder,
    got: existsSync(folder) ? `no package ${missing.join(', ')}` : 'no such folder',
    expected: `a folder with ${packages.map((name) => `${name}/`).join(', ')}`,
    next: 'Give its root to --original (or ORIGINAL_DIR), or fetch upstream: node scripts/fetch-original.mjs',
  });
}

function pythonFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === '__pycache__' ? [] : pythonFiles(path);
    return entry.isFile() && entry.name.endsWith('.py') ? [path] : [];
  });
}

interface Checkout {
  readonly commit: string;
  readonly clean: boolean;
}

/** HEAD of a git checkout whose root is the folder, as the program git sees it; undefined without either. */
function gitState(folder: string): Checkout | undefined {
  if (!existsSync(join(folder, '.git'))) return undefined;
  const git = (...args: string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8', timeout: 30_000 });
    return status === 0 ? stdout.trim() : undefined;
  };
  const commit = git('rev-parse', 'HEAD');
  const changes = git('status', '--porcelain', '--untracked-files=all', '--', ...packages);
  if (commit === undefined || changes === undefined) return undefined;
  return { commit, clean: changes === '' };
}

function fetchedState(folder: string, digest: string): Checkout | undefined {
  try {
    const fetched = JSON.parse(readFileSync(join(folder, fetchedFile), 'utf8')) as Partial<Fetched>;
    return typeof fetched.commit === 'string'
      ? { commit: fetched.commit, clean: fetched.digest === digest }
      : undefined;
  } catch {
    return undefined;
  }
}
