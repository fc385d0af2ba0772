import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { corpus } from './corpus.ts';
import type { Answer } from './corpus_child.ts';
import { readerNames } from './fuzz.ts';
import { type ReaderName, readerOf } from './readers.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Far above what any of the files takes on a slow machine, far below what takes quadratic time: seconds, and seconds for each MiB. */
const bound = { seconds: 20, perMiB: 4 };

/** Reads files of one reader in one child process, whose memory is thus that of the hungriest of them. */
async function answers(reader: ReaderName, paths: readonly string[]): Promise<Answer[]> {
  const child = spawn(
    process.execPath,
    [
      '--max-old-space-size=1024',
      '--import',
      join(import.meta.dirname, '../../../src/lib/typescript.mjs'),
      join(import.meta.dirname, 'corpus_child.ts'),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const found: Answer[] = [];
  child.stdin.end(paths.map((path) => `${JSON.stringify([reader, path])}\n`).join(''));
  for await (const line of createInterface({ input: child.stdout })) found.push(JSON.parse(line) as Answer);
  return found;
}

describe('no file takes more than 1 GiB, or more time than its size allows', () => {
  const tried = readerNames.filter((name) => corpus.some(({ reader }) => reader === name));
  it.each(tried)(
    '%s',
    async (name) => {
      const files = corpus.filter(({ reader }) => reader === name);
      const sizes: number[] = [];
      const paths = files.map(({ make }, i) => {
        mkdirSync(join(folder, name, String(i)), { recursive: true });
        const path = join(folder, name, String(i), readerOf(name).file);
        const content = make(path);
        sizes.push(content.length);
        writeFileSync(path, content);
        return path;
      });
      const found = await answers(name, paths);
      expect(found.length, `the process ended at ${files[found.length]?.name}`).toBe(files.length);
      for (const [i, { name: title, error }] of files.entries()) {
        const answer = found[i];
        if (process.env.ECG_TEST_CORPUS)
          console.log(
            name,
            '|',
            title,
            '|',
            sizes[i],
            '|',
            Math.round(answer.ms),
            'ms |',
            Math.round(answer.peakBytes / 2 ** 20),
            'MiB |',
            answer.error?.slice(0, 200) ?? 'read',
          );
        if (error) expect(answer.error, title).toMatch(error);
        else expect(answer.error, title).toBeUndefined();
        expect(answer.typed, `${title}: ${answer.error}`).not.toBe(false);
        expect(answer.ms, title).toBeLessThan(1000 * (bound.seconds + (bound.perMiB * sizes[i]) / 2 ** 20));
        expect(answer.peakBytes, title).toBeLessThan(2 ** 30);
      }
    },
    300_000,
  );
});
