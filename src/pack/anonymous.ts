import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, relative } from 'node:path';
import { encodeJson, parseJson } from '../lib/json/text.ts';

/** Folders at the root of file systems, of other machines too. */
const usualRoots = [
  'Users',
  'data',
  'home',
  'media',
  'mnt',
  'opt',
  'private',
  'root',
  'scratch',
  'srv',
  'tmp',
  'usr',
  'var',
  'work',
];

/** Takes absolute paths out of texts of a job: a path inside the job's folder becomes relative to it, of any other its last name stays. */
export class PathRemover {
  readonly #job: string;
  /** Folders whose names may hold anything, the innermost first. */
  readonly #known: readonly string[];
  /** A path in a text, as far as blanks and marks tell. */
  readonly #path: RegExp;
  /** The begin of a text that is a path. */
  readonly #whole: RegExp;

  /** `job`: absolute path of the job's folder. */
  constructor(job: string) {
    this.#job = job;
    // The longest first: one can lie in another.
    this.#known = [...new Set([job, process.cwd(), homedir()])]
      .filter((path) => path !== '/')
      .sort((a, b) => b.length - a.length);
    const roots = [...new Set([...usualRoots, ...readdirSync('/')])].map(escaped);
    const names = roots.join('|');
    // Not after what makes the slash a part of a word, a relative path, an address or a tag.
    this.#path = new RegExp(`(?<![\\w./<#~])/(?:${names})(?:/[^\\s/'"<>|:*?,;()\`\\\\]+)+/?`, 'g');
    this.#whole = new RegExp(`^/(?:${names})(?:/|$)`);
  }

  /** A JSON document without absolute paths in its names and texts. Throws a SyntaxError for another text, and as `parseJson` refuses. */
  json(text: string): string {
    return `${encodeJson(this.#value(anyJson(text)), 2)}\n`;
  }

  /** The same for a JSON document per line. */
  lines(text: string): string {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => `${encodeJson(this.#value(anyJson(line)))}\n`).join('');
  }

  /** Plain text, Markdown, HTML or XML without absolute paths. */
  text(text: string): string {
    let result = text.replaceAll('file:///', '/');
    // Known folders first, since their names may hold blanks.
    for (const folder of this.#known) result = result.replaceAll(`${folder}/`, this.#isJob(folder) ? '' : '/home/x/');
    return result.replace(this.#path, (path) => basename(path));
  }

  /** An absolute path that a text still holds. */
  leftIn(text: Buffer): string | undefined {
    this.#path.lastIndex = 0;
    return this.knownIn(text) ?? this.#path.exec(text.toString('utf8'))?.[0];
  }

  /** The job's folder, the working folder or the home folder, if any bytes name a file in it. */
  knownIn(bytes: Buffer): string | undefined {
    return this.#known.find((folder) => bytes.includes(`${folder}/`));
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#string(value);
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.#string(name), this.#value(item)]));
  }

  #string(text: string): string {
    // A sentence may begin with a path, too.
    if (!this.#whole.test(text) || /[\n\t]|: | \//.test(text)) return this.text(text);
    if (text === this.#job) return '.';
    return text.startsWith(`${this.#job}/`) ? relative(this.#job, text) : basename(text);
  }

  #isJob(folder: string): boolean {
    return folder === this.#job;
  }
}

/** The value of a JSON text of a job. Throws a SyntaxError that says why there is none. */
export function anyJson(text: string): unknown {
  const result = parseJson(text, { maxValues: 2e7 });
  if ('value' in result) return result.value;
  throw new SyntaxError([result.summary, result.where, result.got].filter(Boolean).join(', '));
}

/** Replaces the names of records, where they are words of a text, by the word `record`. */
export function withoutRecords(text: string, names: ReadonlySet<string>): string {
  return text.replace(/[A-Za-z][\w-]*/g, (word) => (names.has(word) ? 'record' : word));
}

/** A report (JSON) without its stretches of recordings. */
export function withoutStrips(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isStrip(item)).map(withoutStrips);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutStrips(item)]));
}

function isStrip(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'strip';
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
