import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendText } from '../lib/own_files.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { readLines } from '../lib/python/lines.ts';
import type { ListedFile } from './listing.ts';

/** Which files of a folder had which checksum, so that a second run need not read them again. A file that was written to since counts as unknown. */
export class CheckedFiles {
  readonly #folder: string;
  readonly #file: string;
  readonly #lines = new Map<string, string>();

  private constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = file;
  }

  /** Reads what is known; `file` need not be there. */
  static async open(folder: string, file: string): Promise<CheckedFiles> {
    const checked = new CheckedFiles(folder, file);
    if (!existsSync(file)) return checked;
    for await (const line of readLines(file, 4096)) {
      // A line that was cut off when the power failed matches nothing; of two lines of a file the later one counts.
      const [, facts, path] = /^([0-9a-f]{64} \d+ \d+) (.+)$/.exec(line) ?? [];
      if (facts !== undefined && path !== undefined) checked.#lines.set(path, facts);
    }
    return checked;
  }

  /** Whether the file is there as it was when its checksum was right. */
  has(file: ListedFile): boolean {
    const facts = this.#lines.get(file.target);
    return facts !== undefined && facts === this.#factsOf(file);
  }

  /** Whether a file is there that has the right checksum; reads it. */
  async check(file: ListedFile): Promise<boolean> {
    if ((await fileDigest(join(this.#folder, file.target))) !== file.sha256) return false;
    this.add(file);
    return true;
  }

  /** Keeps that the file's checksum was right. */
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
