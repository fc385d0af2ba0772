import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readLines } from '../../../src/lib/python/lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'lines-'));
const file = join(folder, 'text');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function linesOf(text: string | Buffer, maxBytes = 1000): Promise<string[]> {
  writeFileSync(file, text);
  const lines: string[] = [];
  for await (const line of readLines(file, maxBytes)) lines.push(line);
  return lines;
}

describe('readLines', () => {
  it('reads both kinds of line ends, empty lines, and a last line without a line end', async () => {
    expect(await linesOf('a\r\n\nb\nc')).toEqual(['a', '', 'b', 'c']);
    expect(await linesOf('')).toEqual([]);
    expect(await linesOf('\n')).toEqual(['']);
  });

  it('joins lines that are spread over several pieces of the file', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${'é'.repeat(i % 97)}${i}`);
    expect(await linesOf(lines.map((line) => `${line}\n`).join(''))).toEqual(lines);
  });

  it('refuses a line that is too long before it has read all of it', async () => {
    await expect(linesOf(Buffer.alloc(1 << 26, 'x'))).rejects.toThrow(
      /line 1: the line is too long; expected at most 1000/,
    );
    await expect(linesOf(`a\n${'b'.repeat(1001)}\nc\n`)).rejects.toThrow(/line 2/);
    await expect(linesOf(`a\n${'b'.repeat(1001)}`)).rejects.toThrow(InputError);
    expect(await linesOf(`${'b'.repeat(1000)}\n`)).toEqual(['b'.repeat(1000)]);
  });
});
