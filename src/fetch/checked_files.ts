import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendText } from '../lib/own_files.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { readLines } from '../lib/python/lines.ts';
import type { ListedFile } from './listing.ts';

/** Remembers the checksums of files in a folder, so that a second run need not read them again. A file that has changed since counts as unknown. */
export class CheckedFiles {
  readonly #folder: string;
  readonly #file: string;
  readonly #lines = new Map<string, string>();

  private constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = file;
  }

  /** Reads what is remembered; `file` need not exist. */
  static async open(folder: string, file: string): Promise<CheckedFiles> {
    const checked = new CheckedFiles(folder, file);
    if (!existsSync(file)) return checked;
    for await (const line of readLines(file, 4096)) {
      // A line cut off by a power failure matches nothing. If a file has two lines, the later one counts.
      const [, facts, path] = /^([0-9a-f]{64} \d+ \d+) (.+)$/.exec(line) ?? [];
      if (facts !== undefined && path !== undefined) checked.#lines.set(path, facts);
    }
    return checked;
  }

  /** Whether the file is unchanged since its checksum was found right. */
  has(file: ListedFile): boolean {
    const facts = this.#lines.get(file.target);
    return facts !== undefined && facts === this.#factsOf(file);
  }

  /** Reads the file, and returns whether it exists and has the right checksum. */
  async check(file: ListedFile): Promise<boolean> {
    if ((await fileDigest(join(this.#folder, file.target))) !== file.sha256) return false;
    this.add(file);
    return true;
  }

  /** Remembers that the file's checksum was right. */
  add(file: ListedFile): void {
    const facts = this.#factsOf(file)!;
    this.#lines.set(file.target, facts);
    appendText(this.#file, `\n${facts} ${file.target}\n`);
  }

  #factsOf({ sha256, target }: ListedFile): string | undefined {
    const status = statSync(join(this.#folder, target), { throwIfNoEntry: false });
    return status?.isFile() ? `${sha256} ${status.size} ${Math.trunc(status.mtimeMs)}` : undefined;
  }
}
