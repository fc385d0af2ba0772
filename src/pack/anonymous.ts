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

/**
 * Removes absolute paths from the texts of a job. A path inside the job's folder becomes relative to it; any other is cut to its last name.
 */
export class PathRemover {
  readonly #job: string;
  /** Known folders, whose names may contain any characters; the innermost first. */
  readonly #known: readonly string[];
  /** A path in a text, recognised by the blanks and punctuation around it. */
  readonly #path: RegExp;
  /** The beginning of a text that is a path as a whole. */
  readonly #whole: RegExp;

  /** `job`: absolute path of the job's folder. */
  constructor(job: string) {
    this.#job = job;
    // The longest first, because one can lie in another.
    this.#known = [...new Set([job, process.cwd(), homedir()])]
      .filter((path) => path !== '/')
      .sort((a, b) => b.length - a.length);
    const roots = [...new Set([...usualRoots, ...readdirSync('/')])].map(escaped);
    const names = roots.join('|');
    // Not where the slash belongs to a word, a relative path, an address or a tag.
    this.#path = new RegExp(`(?<![\\w./<#~])/(?:${names})(?:/[^\\s/'"<>|:*?,;()\`\\\\]+)+/?`, 'g');
    this.#whole = new RegExp(`^/(?:${names})(?:/|$)`);
  }

  /**
   * A JSON document without absolute paths in its names and texts. Throws a SyntaxError for text that is not JSON or that `parseJson`
   * refuses.
   */
  json(text: string): string {
    return `${encodeJson(this.#value(anyJson(text)), 2)}\n`;
  }

  /** The same for text with one JSON document per line. */
  lines(text: string): string {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => `${encodeJson(this.#value(anyJson(line)))}\n`).join('');
  }

  /** Plain text, Markdown, HTML or XML without absolute paths. */
  text(text: string): string {
    let result = text.replaceAll('file:///', '/');
    // Known folders first, because their names may contain blanks.
    for (const folder of this.#known) result = result.replaceAll(`${folder}/`, this.#isJob(folder) ? '' : '/home/x/');
    return result.replace(this.#path, (path) => basename(path));
  }

  /** An absolute path that a text still holds. */
  leftIn(text: Buffer): string | undefined {
    this.#path.lastIndex = 0;
    return this.knownIn(text) ?? this.#path.exec(text.toString('utf8'))?.[0];
  }

  /** Which of the job's folder, the working folder and the home folder the bytes contain as the beginning of a path, if any. */
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
    // A sentence may begin with a path.
    if (!this.#whole.test(text) || /[\n\t]|: | \//.test(text)) return this.text(text);
    if (text === this.#job) return '.';
    return text.startsWith(`${this.#job}/`) ? relative(this.#job, text) : basename(text);
  }

  #isJob(folder: string): boolean {
    return folder === this.#job;
  }
}

/** The value of a JSON text of a job. Throws a SyntaxError with the reason if it cannot be parsed. */
export function anyJson(text: string): unknown {
  const result = parseJson(text, { maxValues: 2e7 });
  if ('value' in result) return result.value;
  throw new SyntaxError([result.summary, result.where, result.got].filter(Boolean).join(', '));
}

/** Replaces record names that occur as words of a text by the word `record`. */
export function withoutRecords(text: string, names: ReadonlySet<string>): string {
  return text.replace(/[A-Za-z][\w-]*/g, (word) => (names.has(word) ? 'record' : word));
}

/** A report (JSON) without its excerpts of recordings. */
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
