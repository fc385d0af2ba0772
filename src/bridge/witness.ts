import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { ownCommand } from '../text.ts';

/** Commit of `kweimann/ecg-transfer-learning` that the port is a twin of. */
export const upstreamCommit = 'c255af5';

/** {@link treeDigest} of that commit. */
export const upstreamDigest = 'a5eccbefde41255a0784a82e955e0a954f2216acce9bd37d216c7953eb8dbb77';

/** The packages of the Python code. */
export const packages = ['transplant', 'pretraining', 'finetuning'] as const;

/** The Python code on the other side of a comparison. */
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
 * Says which Python code a folder holds: upstream (the published files of {@link upstreamCommit}, wherever they come from), this project's
 * reimplementation (the same files as its `original/`), or another checkout. Does not call git, which would run programs named in the
 * settings of an untrusted checkout.
 *
 * @param published digest by which upstream is recognised.
 * @throws InputError if the folder does not hold the three packages.
 */
export function identifyOriginal(
  folder: string,
  keras: '3' | 'legacy' = '3',
  published: string = upstreamDigest,
): Witness {
  requirePackages(folder);
  const digest = treeDigest(folder);
  const short = digest.slice(0, 12);
  const common = { digest, folder, keras: keras === 'legacy' ? 'tf_keras' : 'keras 3' } as const;
  if (existsSync(ownFolder) && digest === treeDigest(ownFolder)) {
    return { kind: 'reimplementation', title: `our reimplementation in original/ (tree ${short})`, ...common };
  }
  if (digest === published) {
    return { kind: 'upstream', title: `upstream ${upstreamCommit} (tree ${short})`, ...common };
  }
  const head = headOf(folder);
  const title = `another checkout (${head === undefined ? '' : `HEAD ${head.slice(0, 7)}, `}tree ${short})`;
  return { kind: 'checkout', title, ...common };
}

/**
 * SHA-256 over all files of the three packages that Python can import. Each contributes, in the order of paths: its path with `/`, a NUL,
 * its size in decimal, a NUL and its bytes. Links are followed. Nothing else in the folder counts.
 */
export function treeDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const path of codeFiles(folder)) {
    const bytes = readFileSync(join(folder, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Paths of the files that {@link treeDigest} covers, relative to the folder, with `/`. */
export function codeFiles(folder: string): string[] {
  return packages.flatMap((name) => importable(folder, name, [])).sort();
}

/** Packages that a folder lacks. */
export function missingPackages(folder: string): string[] {
  return packages.filter((name) => !existsSync(join(folder, name, '__init__.py')));
}

function requirePackages(folder: string): void {
  const missing = missingPackages(folder);
  if (missing.length === 0) return;
  throw new InputError('this is not a checkout of the Python original', {
    file: folder,
    got: existsSync(folder) ? `no package ${missing.join(', ')}` : 'no such folder',
    expected: `a folder with ${packages.map((name) => `${name}/`).join(', ')}`,
    next: `Pass its root to --original (or ORIGINAL_DIR), or fetch the published code: ${ownCommand('fetch-original')}`,
  });
}

/** What Python imports: source files, and compiled modules, which take precedence. */
const moduleName = /\.(py|pyc|so|pyd)$/;

/** `above` are the real folders on the way down: a link back into one of them is not followed. */
function importable(folder: string, path: string, above: readonly string[]): string[] {
  const real = realpathSync(join(folder, path));
  if (above.includes(real)) return [];
  return readdirSync(real).flatMap((name) => {
    const inside = `${path}/${name}`;
    const status = statSync(join(folder, inside), { throwIfNoEntry: false });
    if (status?.isDirectory()) return name === '__pycache__' ? [] : importable(folder, inside, [...above, real]);
    return status?.isFile() && moduleName.test(name) ? [inside] : [];
  });
}

/** The HEAD commit of a git checkout whose root is the folder, read from its files; undefined if they do not tell. */
function headOf(folder: string): string | undefined {
  const git = join(folder, '.git');
  const head = smallFile(join(git, 'HEAD'))?.trim();
  const branch = /^ref: (refs(?:\/[\w+-][\w.+-]*)+)$/.exec(head ?? '')?.[1];
  const commit =
    branch === undefined
      ? head
      : (smallFile(join(git, branch))?.trim() ??
        smallFile(join(git, 'packed-refs'))
          ?.split('\n')
          .find((line) => line.endsWith(` ${branch}`))
          ?.slice(0, 40));
  return /^[0-9a-f]{40}$/.test(commit ?? '') ? commit : undefined;
}

function smallFile(path: string): string | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() && status.size < 1 << 20 ? readFileSync(path, 'utf8') : undefined;
}
