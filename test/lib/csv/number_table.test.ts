import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type NumberTable, readNumberTable } from '../../../src/lib/csv/number_table.ts';

const folder = mkdtempSync(join(tmpdir(), 'number-table-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: string | Buffer): NumberTable {
  const file = join(folder, 'x.csv');
  writeFileSync(file, content);
  return readNumberTable(file);
}

const two = { names: ['I', 'II'], rows: 2, cells: Float64Array.of(0.5, -1, 1.5, 2) };

describe('readNumberTable', () => {
  it.each<[string, string | Buffer]>([
    ['commas', 'I,II\n0.5,-1\n1.5,2\n'],
    ['CR LF, no last line end', 'I,II\r\n0.5,-1\r\n1.5,2'],
    ['CR', 'I,II\r0.5,-1\r1.5,2\r'],
    ['semicolons', 'I;II\n0.5;-1\n1.5;2\n'],
    ['semicolons and decimal commas', 'I;II\n0,5;-1\n1,5;2\n'],
    ['tabs', 'I\tII\n0.5\t-1\n1.5\t2\n'],
    ['tabs and decimal commas', 'I\tII\n0,5\t-1\n1,5\t2\n'],
    ['blanks', '  I   II\n 0.5   -1 \n 1.5    2\n'],
    ['quotes', '"I","II"\n"0.5","-1"\n1.5,2\n'],
    ['single quotes', "'I','II'\n0.5,-1\n1.5,2\n"],
    ['blanks around', ' I , II \n 0.5 , -1\n1.5,\t2\n'],
    ['a separator at the end of each line', 'I,II,\n0.5,-1,\n1.5,2,\n'],
    ['a separator at the end of rows alone', 'I,II\n0.5,-1,\n1.5,2,\n'],
    ['comments', '# made by X\n#, at noon\nI,II\n0.5,-1\n# half time\n1.5,2\n'],
    ['names in a comment, as numpy.savetxt writes them', '# I,II\n5.000e-01,-1.0e+00\n1.5e0,2\n'],
    ['sep=;', 'sep=;\nI;II\n0,5;-1\n1,5;2\n'],
    ['blank lines before and after', '\n\nI,II\n0.5,-1\n1.5,2\n\n\n,\n'],
    ['UTF-8 with a byte order mark', '\ufeffI,II\n0.5,-1\n1.5,2\n'],
    ['UTF-16', Buffer.from('\ufeffI,II\n0.5,-1\n1.5,2\n', 'utf16le')],
    ['UTF-16, big-endian', Buffer.from('\ufeffI,II\n0.5,-1\n1.5,2\n', 'utf16le').swap16()],
  ])('%s', (_, content) => {
    expect(read(content)).toMatchObject({ ...two, columns: 2, faults: [] });
  });

  it('Latin-1 names keep their characters', () => {
    expect(read(Buffer.from('Ableitung \u00dc (\u00b5V);II\n1;2\n', 'latin1')).names).toEqual([
      'Ableitung \u00dc (\u00b5V)',
      'II',
    ]);
  });

  it('one column; a decimal comma below its name', () => {
    expect(read('II\n0.5\n1.5\n')).toMatchObject({ names: ['II'], cells: Float64Array.of(0.5, 1.5) });
    expect(read('II\n0,5\n1,5\n')).toMatchObject({
      names: ['II'],
      cells: Float64Array.of(0.5, 1.5),
      decimalCommas: true,
    });
  });

  it('a blank line between others, an empty cell and NaN are missing samples', () => {
    expect(Array.from(read('II\n1\n\n3\n\n').cells)).toEqual([1, Number.NaN, 3]);
    expect(Array.from(read('I,II\n1,2\n\n,4\nNaN,N/A\n5,-\n').cells)).toEqual([
      1,
      2,
      ...Array(3).fill(Number.NaN),
      4,
      Number.NaN,
      Number.NaN,
      5,
      Number.NaN,
    ]);
  });

  it('a cell that is no number is told by column, with its line', () => {
    const { faults } = read('# x\nI,II,note\n1,0x1F,\n2,3,N\n4,inf,V\n1_000,5,\n');
    expect(faults).toEqual([
      { line: 6, text: '1_000' },
      { line: 3, text: '0x1F' },
      { line: 4, text: 'N' },
    ]);
  });

  it('a line of units', () => {
    const { units, cells } = read(
      "'Elapsed time','MLII','V5'\n'hh:mm:ss.mmm','mV','mV'\n'0:00.000',-0.145,-0.065\n'0:00.003',-0.145,-0.065\n",
    );
    expect(units).toEqual(['hh:mm:ss.mmm', 'mV', 'mV']);
    expect(Array.from(cells)).toEqual([0, -0.145, -0.065, 0.003, -0.145, -0.065]);
  });

  it('points in time are seconds', () => {
    const table = read('time,II\n2020-05-12T12:33:59.996Z,1\n2020-05-12T12:34:00.000Z,2\n');
    expect(table.timestamps).toEqual(new Set([0]));
    expect(table.cells[2] - table.cells[0]).toBeCloseTo(0.004, 5);
  });

  it('a first line of numbers holds samples, unless it numbers the columns', () => {
    expect(read('0.5,-1\n1.5,2\n')).toMatchObject({ ...two, names: undefined });
    expect(read('0,1\n0.5,-1\n1.5,2\n')).toMatchObject({ ...two, names: ['0', '1'] });
    expect(read('5,7\n6,8\n')).toMatchObject({ names: undefined, rows: 2 });
    expect(() => read('0,1\n5,-1\n6,2\n')).toThrow(
      /line 1: the first line may hold numbers of columns or samples.*Write the names/,
    );
  });

  it.each([
    [
      'a row of another length',
      'I,II\n1,2\n3\n',
      /x\.csv, line 3: the row has another number of values than the first line; got 1 values; expected 2/,
    ],
    [
      'decimal commas between commas',
      'I,II\n0,5,1,5\n',
      /line 2: .* got 4 values; expected 2\. Separate columns by semicolons/,
    ],
    [
      'points and commas',
      'I;II\n1.5;2\n3,5;4\n',
      /decimal points and commas; got a point on line 2, a comma on line 3/,
    ],
    ['nothing', '', /the file is empty/],
    ['a binary file', 'a\0b', /this is not text/],
    ['an open quote', 'I,II\n"1,2\n3,4\n', /line 3: the CSV file cannot be read/],
  ])('refuses %s', (_, content, message) => {
    expect(() => read(content)).toThrow(message);
  });

  it('takes time in proportion to the file', { timeout: 30_000 }, () => {
    expect(read(`I,II\n1,2\n${'\n'.repeat(300_000)}3,4\n`).rows).toBe(300_002);
    expect(read(`I,II\n1,2\n${' \t\n'.repeat(300_000)}3,4\n`).rows).toBe(300_002);
    expect(read(`I,II\n${'1,2,\n'.repeat(200_000)}`).rows).toBe(200_000);
    const wide = Array.from({ length: 30_000 }, (_, i) => `c${i}`);
    expect(read(`${wide.join()}\n${wide.map(() => 1).join()}\n`).columns).toBe(30_000);
    expect(() =>
      read(`${wide.join()}\n${wide.map(() => 1).join()}\n${'\n'.repeat(30_000)}${wide.map(() => 1).join()}\n`),
    ).toThrow(/too large/);
    expect(() => read(`a,b\n${'1'.repeat(3_000_000)}x,2\n`)).not.toThrow();
  });
});
