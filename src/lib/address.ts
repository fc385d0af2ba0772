import { UsageError } from '../errors.ts';

/** A file or a folder on a server. */
export interface Address {
  /** As it was given, without the checksum. */
  readonly text: string;
  /** Where it lies; the address of a folder ends in a slash. */
  readonly url: string;
  /** Name for a local copy. */
  readonly name: string;
  /** SHA-256 that the file, or the list of checksums of the folder, must have. */
  readonly sha256?: string;
}

/** Whether an input is on a server: `https://…`, or `hf://…` for a repository of Hugging Face. */
export function isAddress(text: string): boolean {
  return /^(https?|hf):\/\//i.test(text);
}

/** An address without its checksum. */
export function withoutChecksum(text: string): string {
  return text.replace(/#.*$/s, '');
}

/**
 * Reads `https://…` or `hf://OWNER/REPO/PATH@REVISION`, either with `#sha256=…` at its end. `HF_ENDPOINT` names another server than
 * https://huggingface.co, as for its own tools.
 *
 * @param flag option that names it.
 * @throws UsageError for an address in another form.
 */
export function readAddress(given: string, kind: 'file' | 'folder', flag: string): Address {
  const text = withoutChecksum(given);
  const fragment = given.slice(text.length);
  const [, digest] = /^#sha256=([0-9a-f]{64})$/i.exec(fragment) ?? [];
  if (fragment !== '' && digest === undefined) {
    throw new UsageError(`${flag}: invalid checksum`, {
      got: fragment,
      expected: '#sha256= and 64 hexadecimal digits',
    });
  }
  const url = /^hf:/i.test(text) ? urlOfRepository(text, kind, flag) : urlOf(text, kind, flag);
  // Names of local files: no more than what is harmless everywhere.
  const name = url.replace(/\?.*$/s, '').replace(/\/$/, '').split('/').at(-1)!;
  return {
    text,
    url,
    name:
      name
        .replace(/[^\w.-]/g, '_')
        .replace(/^\.+/, '')
        .slice(-100) || 'file',
    ...(digest !== undefined && { sha256: digest.toLowerCase() }),
  };
}

function urlOf(text: string, kind: 'file' | 'folder', flag: string): string {
  const invalid = (got: string, expected: string): UsageError =>
    new UsageError(`${flag}: invalid address`, { got, expected });
  if (!URL.canParse(text))
    throw invalid(text, `something like https://example.org/${kind === 'file' ? 'model.weights.h5' : 'model'}`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw invalid('a user name or a password', 'an address without: it is written into the job');
  }
  if (kind === 'file') {
    if (url.pathname.endsWith('/')) throw invalid(text, 'the address of a file');
    return url.href;
  }
  if (url.search !== '') throw invalid(text, 'the address of a folder, without a query');
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

function urlOfRepository(text: string, kind: 'file' | 'folder', flag: string): string {
  const form = kind === 'file' ? 'hf://OWNER/REPO/FILE@REVISION' : 'hf://OWNER/REPO@REVISION';
  if (!/@[^@]+$/.test(text)) {
    throw new UsageError(`${flag}: the address does not name a revision`, {
      got: text,
      expected: form,
      next: `Name a commit, a tag or a branch: ${text.replace(/@$/, '')}@main`,
    });
  }
  const [, owner, repository, path = '', revision] =
    /^hf:\/\/([\w.-]+)\/([\w.-]+?)((?:\/[^/@]+)*)@([^@]+)$/i.exec(text) ?? [];
  const parts = path.split('/').slice(1);
  const isSound = revision !== undefined && [owner, repository, ...parts].every((part) => !/^\.+$/.test(part));
  if (!isSound || (kind === 'file' && parts.length === 0)) {
    throw new UsageError(`${flag}: invalid address`, { got: text, expected: form });
  }
  const server = (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const words = [owner, repository, 'resolve', encodeURIComponent(revision), ...parts.map(encodeURIComponent)];
  return `${server}/${words.join('/')}${kind === 'folder' ? '/' : ''}`;
}
