import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/lib/csv/table.ts';
import { runPython } from '../../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-table-'));
const file = join(folder, 'table.csv');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('readTable', () => {
  it.each([
    ['LF', 'a,b\n1,x\n2,"y\nz"\n'],
    ['CRLF', 'a,b\r\n1,x\r\n2,y\r\n'],
    ['CR', 'a,b\r1,x\r2,y\r'],
    ['LF after the header, CRLF after the rows', 'a,b\n1,x\r\n2,y\r\n'],
    ['CRLF after the header, LF after the rows', 'a,b\r\n1,x\n2,y\n'],
    ['no last line end, an empty line', 'a,b\n1,x\n\n2,y'],
  ])('reads line ends as pandas.read_csv: %s', async (_title, text) => {
    writeFileSync(file, text);
    const program =
      'import json, sys, pandas; print(json.dumps(pandas.read_csv(sys.argv[1], dtype=str).values.tolist()))';
    const theirs = await runPython(['-c', program, file]);
    const ours = readTable(file, ['a', 'b']).map(({ a, b }) => [a, b]);
    expect(ours).toEqual(JSON.parse(theirs));
  });

  it('refuses a file without a wanted column', () => {
    writeFileSync(file, 'a,c\n1,2\n');
    expect(() => readTable(file, ['a', 'b'])).toThrow(/columns are missing; got a, c; expected b/);
  });
});
