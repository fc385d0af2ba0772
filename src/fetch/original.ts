import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { type Fetched, fetchedFile, identifyOriginal, upstreamCommit, type Witness } from '../compare/witness.ts';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { extractTar } from '../lib/tar/archive.ts';
import { download, type Patience } from './download.ts';
import type { HttpClient } from './http.ts';

/** The code of the paper's authors, and where its archive is. */
export const upstream = {
  repository: 'https://github.com/kweimann/ecg-transfer-learning',
  archive: `https://codeload.github.com/kweimann/ecg-transfer-learning/tar.gz/${upstreamCommit}`,
  licence: 'MIT licence',
} as const;

/** Most bytes of the archive; it holds source text. */
const maxArchive = 2 ** 26;
/** Most bytes and files of what is in it. */
const limits = { maxBytes: 2 ** 28, maxEntries: 10_000 };

/** What to fetch and where to. */
export interface FetchOriginalOptions {
  /** Folder that gets the packages; it must not exist, or hold an earlier fetch. */
  readonly target: string;
  readonly client: HttpClient;
  /** Address of the archive; default GitHub's. */
  readonly address?: string;
  /** Digest that the tree has to have (`treeDigest`), where it is known. */
  readonly digest?: string;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
  readonly onRetry?: (reason: string) => void;
}

/**
 * Fetches upstream at the commit that the port is a twin of, without git, and says what it is. Does nothing if it is there, unchanged. The
 * archive has to name the commit, as those of GitHub do, and to hold the three packages; nothing else gets its place.
 *
 * @throws InputError if the archive is another one or the target is taken; TemporaryFault when the server cannot be reached.
 */
export async function fetchOriginal(options: FetchOriginalOptions): Promise<Witness> {
  const { client, address = upstream.archive, digest: expected, patience, signal, onRetry } = options;
  const target = resolve(options.target);
  if (existsSync(target)) return requireUpstream(target, expected);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  try {
    const archive = join(work, 'archive.tar.gz');
    await download({ address, target: archive, maxBytes: maxArchive }, { client, patience, signal, onRetry });
    const commit = requireCommit(await commitOf(archive), address);
    await extractTar(archive, join(work, 'tree'), limits);
    const tree = soleFolder(join(work, 'tree'), address);
    const { digest } = identifyOriginal(tree);
    requireDigest(digest, expected, address);
    const fetched: Fetched = { commit, digest };
    writeFileAtomic(join(tree, fetchedFile), `${JSON.stringify(fetched, null, 2)}\n`);
    renameSync(tree, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return requireUpstream(target, expected);
}

function requireUpstream(target: string, expected: string | undefined): Witness {
  const witness = identifyOriginal(target);
  requireDigest(witness.digest, expected, target);
  if (witness.kind === 'upstream') return witness;
  throw new InputError('this folder is taken', {
    file: target,
    got: witness.title,
    expected: `no folder, or an unchanged upstream ${upstreamCommit}`,
    next: 'Remove it, or give another --target.',
  });
}

function requireDigest(got: string, expected: string | undefined, file: string): void {
  if (expected === undefined || got === expected) return;
  throw new InputError('the tree has another digest', { file, got, expected });
}

/** The commit that `git archive`, and so GitHub, writes into the first header of an archive. */
async function commitOf(archive: string): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  const file = createReadStream(archive);
  const source = file.pipe(createGunzip());
  file.on('error', (error) => source.destroy(error));
  try {
    for await (const chunk of source) {
      head = Buffer.concat([head, chunk as Buffer]);
      if (head.length >= 1024) break;
    }
  } catch {
    return undefined;
  } finally {
    file.destroy();
    source.destroy();
  }
  const isGlobalHeader = head[156] === 'g'.charCodeAt(0);
  return isGlobalHeader ? /^\d+ comment=([0-9a-f]{40})\n/m.exec(head.toString('latin1', 512, 1024))?.[1] : undefined;
}

function requireCommit(commit: string | undefined, address: string): string {
  if (commit?.startsWith(upstreamCommit)) return commit;
  throw new InputError('this is not the archive of upstream', {
    file: address,
    got: commit === undefined ? 'an archive that names no commit' : `commit ${commit}`,
    expected: `commit ${upstreamCommit}`,
    next: `With git: git clone ${upstream.repository} original/upstream && git -C original/upstream checkout ${upstreamCommit}`,
  });
}

function soleFolder(folder: string, address: string): string {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'pax_global_header');
  const [first] = entries;
  if (entries.length === 1 && first.isDirectory()) return join(folder, first.name);
  const got = entries.map(({ name }) => JSON.stringify(name)).join(', ');
  throw new InputError('the archive has another form', { file: address, got, expected: 'one folder with everything' });
}
