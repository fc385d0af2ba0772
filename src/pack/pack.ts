import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { readRows } from '../lib/csv/table.ts';
import { readJsonIfSound } from '../lib/json/file.ts';
import { encodeJson } from '../lib/json/text.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { streamFile } from '../lib/python/regular_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { formatSums, sumsFile } from '../lib/sums.ts';
import { writeTar } from '../lib/tar/write.ts';
import { anyJson, PathRemover, withoutRecords, withoutStrips } from './anonymous.ts';
import { contentsOf, type JobFile } from './contents.ts';
import { descriptionFile, descriptionSchema, type PackDescription, type PackedFile } from './manifest.ts';

export interface PackOptions {
  /** Folder of a finished run. */
  readonly job: string;
  /** Archive; default `<name of the folder>.tar.gz` in the working folder. */
  readonly output?: string;
  /** Also pack data about single patients: predictions, journal, pictures. Default true. */
  readonly records?: boolean;
  /** Replace an existing archive. */
  readonly force?: boolean;
  readonly report?: Reporter;
}

/** What was packed. */
export interface Packed {
  readonly archive: string;
  readonly files: readonly string[];
  /** What was left out. */
  readonly leftOut: readonly string[];
}

/**
 * Packs a finished run as a `.tar.gz`: settings, histories, predictions, weights and reports, with their checksums. Absolute paths in texts
 * are shortened, so that the archive does not reveal where it was made. Equal runs give equal archives.
 *
 * @throws InputError if the folder does not hold a finished run, if files change meanwhile, or if an absolute path cannot be removed.
 */
export async function pack(options: PackOptions): Promise<Packed> {
  const { force = false, report = silent } = options;
  const job = resolve(options.job);
  requireFinished(job);
  // A run that was unpacked without them still lacks them.
  const records = (options.records ?? true) && !cameWithoutRecords(job);
  const name = basename(job);
  const archive = resolve(options.output ?? `${name}.tar.gz`);
  checkOutputFile(archive, { ...(options.output !== undefined && { flag: '--output' }), replace: force });
  const { files, leftOut } = contentsOf(job);
  const kept = files.filter(({ kind }) => records || kind.records !== 'rows');
  const cleaner = new Cleaner(job, records ? undefined : namesOfRecords(job, files));
  const task = 'pack';
  report({ kind: 'start', task, total: kept.length, unit: 'files' });
  const packed: PackedFile[] = [];
  for (const [done, file] of kept.entries()) {
    packed.push(await cleaner.prepare(file));
    report({ kind: 'progress', task, done: done + 1, detail: file.path });
  }
  const description: PackDescription = { format: 1, name, version: versionOf(), records };
  packed.push(inMemory(descriptionFile, `${JSON.stringify(description, null, 2)}\n`));
  packed.sort((a, b) => (a.path < b.path ? -1 : 1));
  const entries = [inMemory(sumsFile, formatSums(packed)), ...packed];
  await writeTar(
    archive,
    entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` })),
  );
  report({ kind: 'end', task });
  const behind = files.filter((file) => !kept.includes(file)).map(({ path }) => path);
  return { archive, files: entries.map(({ path }) => path), leftOut: [...leftOut, ...behind] };
}

function requireFinished(job: string): void {
  if (!statSync(job, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError('there is no such folder', { file: job, next: 'Name the folder of a run: pack JOB.' });
  }
  if (!/^[\w-][\w.-]*$/.test(basename(job))) {
    throw new InputError("the folder's name cannot be used for an archive", {
      file: job,
      expected: 'letters, digits, - . and _',
    });
  }
  if (existsSync(join(job, 'complete.json')) || existsSync(join(job, 'report.json'))) return;
  throw new InputError('the folder does not contain a finished run', {
    file: job,
    expected: 'complete.json or report.json',
    next: 'Finish the run first: --resume continues it.',
  });
}

function cameWithoutRecords(job: string): boolean {
  return readJsonIfSound(join(job, descriptionFile), descriptionSchema)?.records === false;
}

/** Longest text file: V8 cannot hold longer strings. */
const maxText = 2 ** 29 - 25;

/** Turns files of a job into what is packed. */
class Cleaner {
  readonly #job: string;
  readonly #paths: PathRemover;
  /** Record names to remove; undefined: they stay. */
  readonly #names: ReadonlySet<string> | undefined;

  constructor(job: string, names: ReadonlySet<string> | undefined) {
    this.#job = job;
    this.#paths = new PathRemover(job);
    this.#names = names;
  }

  async prepare({ path, kind }: JobFile): Promise<PackedFile> {
    const file = join(this.#job, path);
    if (kind.form === 'binary') return this.#onDisk(file, path);
    const before = Buffer.from(readWholeFile(file, { maxBytes: maxText }).buffer);
    const after = kind.form === 'data' ? before : Buffer.from(this.#clean(before.toString('utf8'), kind.form, file));
    refusePath(this.#paths.leftIn(after), file);
    return inMemory(path, after);
  }

  /** A file that is read twice, for its checksum and into the archive. Both reads must give the same bytes. */
  async #onDisk(file: string, path: string): Promise<PackedFile> {
    const first = createHash('sha256');
    for await (const chunk of streamFile(file, { chunk: 1 << 22 })) {
      first.update(chunk);
      refusePath(this.#paths.knownIn(chunk), file);
    }
    const sha256 = first.digest('hex');
    async function* content(): AsyncGenerator<Uint8Array> {
      const second = createHash('sha256');
      for await (const chunk of streamFile(file, { chunk: 1 << 18 })) {
        second.update(chunk);
        yield chunk;
      }
      if (second.digest('hex') !== sha256) throw new InputError('the file changed while it was packed', { file });
    }
    return { path, size: statSync(file).size, sha256, content };
  }

  #clean(text: string, form: 'json' | 'lines' | 'text', file: string): string {
    try {
      const content = this.#names && form === 'json' ? encodeJson(withoutStrips(anyJson(text))) : text;
      const named = this.#paths[form](content);
      return this.#names ? withoutRecords(named, this.#names) : named;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new InputError('the file cannot be read', { file, got: error.message, expected: 'JSON' });
    }
  }
}

/** Names of records in the tables of predictions. Numbers are left out, because texts contain other numbers too. */
function namesOfRecords(job: string, files: readonly JobFile[]): ReadonlySet<string> {
  const tables = files.filter(({ path, kind }) => kind.records === 'rows' && path.endsWith('.csv'));
  const names = tables.flatMap(({ path }) => {
    const [header, ...rows] = readRows(join(job, path));
    return header?.fields[0] === 'record_name' ? rows.map(({ fields }) => fields[0]) : [];
  });
  return new Set(names.filter((name) => /^[A-Za-z]/.test(name)));
}

function inMemory(path: string, content: Buffer | string): PackedFile {
  const bytes = Buffer.from(content);
  return { path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), content: () => [bytes] };
}

function refusePath(path: string | undefined, file: string): void {
  if (path === undefined) return;
  throw new InputError('the file contains an absolute path, which must not get into an archive', {
    file,
    got: path,
    next: 'Remove the path, or move the file out of the folder.',
  });
}

function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
