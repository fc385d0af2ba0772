import { copyFileSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import {
  codeFiles,
  identifyOriginal,
  missingPackages,
  packages,
  treeDigest,
  upstreamCommit,
  upstreamDigest,
  type Witness,
} from '../bridge/witness.ts';
import { InputError } from '../errors.ts';
import { extractTar } from '../lib/tar/archive.ts';
import { download, type Patience } from './download.ts';
import type { HttpClient } from './http.ts';

/** The code of the paper's authors, and the address of its archive. */
export const upstream = {
  repository: 'https://github.com/kweimann/ecg-transfer-learning',
  archive: `https://codeload.github.com/kweimann/ecg-transfer-learning/tar.gz/${upstreamCommit}`,
  licence: 'MIT licence',
} as const;

/** Largest size of the archive, which contains source text. */
const maxArchive = 2 ** 26;
/** Largest size and number of the files in it. */
const limits = { maxBytes: 2 ** 28, maxEntries: 10_000 };

/** What to download, and where to. */
export interface FetchOriginalOptions {
  /** Folder for the packages. It must not exist yet, or already contain the same code. */
  readonly target: string;
  readonly client: HttpClient;
  /** Address of the archive; default GitHub's. */
  readonly address?: string;
  /** Digest that the code must have (`treeDigest`); default that of upstream. */
  readonly digest?: string;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
  readonly onRetry?: (reason: string) => void;
}

/**
 * Downloads upstream, at the commit that the port is a twin of, without git, and says what it is. Does nothing if the same code is there already. Keeps only the
 * code that the digest covers and the texts at the archive's root (licence, README, requirements), and only if the digest is right.
 *
 * @throws InputError if the archive contains other code or the target something else; TemporaryFault if the server cannot be reached.
 */
export async function fetchOriginal(options: FetchOriginalOptions): Promise<Witness> {
  const { client, address = upstream.archive, digest = upstreamDigest, patience, signal, onRetry } = options;
  const target = resolve(options.target);
  if (lstatSync(target, { throwIfNoEntry: false })) return requireSame(target, digest);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  try {
    const archive = join(work, 'archive.tar.gz');
    await download({ address, target: archive, maxBytes: maxArchive }, { client, patience, signal, onRetry });
    await extractTar(archive, join(work, 'tree'), limits);
    const tree = rootOf(join(work, 'tree'), address);
    const found = treeDigest(tree);
    if (found !== digest) {
      throw new InputError('the archive contains other code', {
        file: address,
        got: `digest ${found}`,
        expected: digest,
        next: `With git: git clone ${upstream.repository} original/upstream && git -C original/upstream checkout ${upstreamCommit}`,
      });
    }
    const clean = join(work, 'clean');
    for (const path of [...textsOf(tree), ...codeFiles(tree)]) {
      mkdirSync(dirname(join(clean, path)), { recursive: true });
      copyFileSync(join(tree, path), join(clean, path));
    }
    renameSync(clean, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return requireSame(target, digest);
}

function requireSame(target: string, digest: string): Witness {
  const witness = missingPackages(target).length > 0 ? undefined : identifyOriginal(target);
  if (witness?.digest === digest) return witness;
  throw new InputError('the folder already contains something else', {
    file: target,
    got: witness ? `${witness.title}, digest ${witness.digest}` : 'something else',
    expected: `no folder, or code of digest ${digest}`,
    next: 'Remove it, or choose another --target.',
  });
}

/** Files at the root that say what the code is and how it may be used. */
function textsOf(tree: string): string[] {
  const entries = readdirSync(tree, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^(licen[cs]e|readme|requirements)\b/i.test(entry.name))
    .map(({ name }) => name);
}

/** The folder of the packages in an unpacked archive: its only folder, as GitHub packs them, or its root. */
function rootOf(folder: string, address: string): string {
  const [first, ...more] = readdirSync(folder, { withFileTypes: true });
  const root = first?.isDirectory() && more.length === 0 ? join(folder, first.name) : folder;
  const missing = missingPackages(root);
  if (missing.length === 0) return root;
  throw new InputError('the archive does not contain the code', {
    file: address,
    got: `no package ${missing.join(', ')}`,
    expected: `a folder with ${packages.map((name) => `${name}/`).join(', ')}`,
  });
}
