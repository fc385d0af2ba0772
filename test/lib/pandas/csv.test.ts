import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { toFloat16 } from '../../../src/lib/numpy/float16.ts';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { objectArray } from '../../../src/lib/numpy/object_array.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { DataFrame, parseCsv, readCsv, toCsv, writeCsv } from '../../../src/lib/pandas/csv.ts';
import { FileNotFoundError, ValueError } from '../../../src/lib/python/errors.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { columnsOf } from './columns.ts';

/** Numbers as texts: shortest ones, far too long ones, with exponents at both ends. */
function numberTexts(): string[] {
  const state = new RandomState(8);
  const digits = (most: number): string =>
    Array.from({ length: state.randint(most) }, () => String(state.randint(10))).join('');
  const short = Array.from({ length: 3000 }, () => String(Math.fround(state.randomSample())));
  const long = Array.from(
    { length: 3000 },
    (_, i) => `${digits(22) || '1'}.${digits(25)}${i % 3 ? '' : `e${state.randint(-330, 290)}`}`,
  );
  return [...short, ...long];
}

/** Cells whose order decides the type of their column, in threes. */
function edgesInThrees(): string[] {
  const integers = ['-9223372036854775809', '-9223372036854775808', '9223372036854775808', '18446744073709551616'];
  const cells = [...integers, '7', '-1', '0.5', ' -0.5', '', 'x', '-x', 'True'];
  const lines = (chosen: readonly string[]): string => chosen.map((cell) => `${cell},1\n`).join('');
  return cells.flatMap((a) => cells.flatMap((b) => cells.map((c) => `a,b\n${lines([a, b, c])}`)));
}

const same = [
  ...edgesInThrees(),
  'a\n1\n',
  'a\n 1 \n+5\n-0\n',
  'a\n1.\n.5\n-0.0\n1e5\n',
  'a\n1e-400\n',
  'a\n1e309\n',
  'a\n1e\n',
  'a\n0x10\n',
  'a\n1_000\n',
  'a\ninf\n-Infinity\n+INF\n',
  'a\nTrue\ntrue\nFALSE\n',
  'a\nFalsE\ntRUe\n',
  'a\nFalſe\ntRUe\n',
  'a,b\nTrue,1\n,2\n',
  'a,b\n1,1\n,2\n',
  'a,b\nx,NA\n1,2\n',
  'a,b\n,\n,\n',
  'a,b\nnan,null\nNone,<NA>\n',
  'a\n18446744073709551615\n',
  'a\n-9223372036854775808\n9223372036854775807\n',
  'a\n9223372036854775808\n-1\n',
  'a\n99999999999999999999\n',
  'a,b\r1,2\r',
  'a,b\r\n1,2\r\n',
  'a,b\n"x""y",2\n',
  'a,b\n"x,y\nz",2\n',
  'a,b\n1,"2\n"\n',
  '\ufeffa\n1\n',
  'a\n\n1\n\n2',
  'a,b\n',
  'prob_é,x\n0.1,𝒳\n',
  'a\n123456789012345678901234567890.5\n',
  'a\n1.5\n123456789012345678901234567890.5\n',
  'a\n10000000000000000000.5\n',
  'a\n18446744073709551615\n\n',
  'a,b\n18446744073709551615,1\n,2\n',
  `a\n${numberTexts().join('\n')}\n`,
];

let folder: string;
let reference: { read: unknown[]; written: string[] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'csv-'));
  const program = join(root, 'test/fixtures/pandas/csv_cases.py');
  reference = JSON.parse(await runPython([program], { input: JSON.stringify(same) }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('pandas.read_csv', () => {
  it('reads the same names, dtypes and values', () => {
    for (const [i, text] of same.entries()) {
      expect(columnsOf(parseCsv(Buffer.from(text))), text.slice(0, 60)).toEqual(reference.read[i]);
    }
  });

  it('rounds incorrectly in the same places as the default parser', () => {
    const texts = numberTexts();
    const { data } = parseCsv(Buffer.from(`a\n${texts.join('\n')}\n`)).columns.get('a')!;
    const off = texts.filter((text, i) => data[i] !== Number(text)).length;
    expect(off).toBeGreaterThan(100);
    expect(off).toBeLessThan(texts.length / 2);
  });

  it.each<[string, Buffer, RegExp]>([
    ['an empty file', Buffer.alloc(0), /the header line is missing/],
    ['a line that is too long', Buffer.from('a,b\n1,2\n1,2,3\n'), /line 3/],
    ['a line that is too short', Buffer.from('a,b\n1\n'), /line 2/],
    ['two columns of one name', Buffer.from('a,a\n1,2\n'), /line 1: two columns share a name; got a/],
    ['a column without a name', Buffer.from('a,\n1,2\n'), /line 1, column 2/],
    ['a stray quote', Buffer.from('a,b\nx"y,2\n'), /line 2/],
    ['an open quote', Buffer.from('a,b\n"x,2\n'), /line 2|line 3/],
    ['NUL', Buffer.from('a\n1\0\n'), /line 2: the text holds a NUL/],
    ['Latin-1', Buffer.from('a\n\xe9\n', 'latin1'), /not UTF-8/],
    ['UTF-16', Buffer.from('\ufeffa\n1\n', 'utf16le'), /not UTF-8/],
  ])('%s', (_, bytes, message) => {
    const path = join(folder, 'bad.csv');
    writeFileSync(path, bytes);
    expect(() => readCsv(path)).toThrow(message);
    expect(() => readCsv(path)).toThrow(InputError);
    expect(() => readCsv(path)).toThrow(path);
  });

  it('refuses a missing file', () => {
    expect(() => readCsv(join(folder, 'none.csv'))).toThrow(FileNotFoundError);
  });
});

describe('pandas.DataFrame.to_csv', () => {
  it('writes the same bytes', () => {
    const [prob, truth] = JSON.parse(
      reference.written[4].replaceAll('NaN', 'null').replaceAll('Infinity', '1e999'),
    ).map((values: (number | null)[]) => values.map((value) => value ?? Number.NaN)) as [number[], number[]];
    const column = (values: number[], i: number): number[] => values.filter((_, at) => at % 3 === i);
    const ids = Array.from({ length: 200 }, (_, i) => `A${String(i).padStart(5, '0')}`);
    ids.splice(0, 7, 'a,b', 'c"d', 'e\nf', 'g\rh', '', ' x ', 'é𝒳');
    const shape = [200];
    const frames = [
      new DataFrame([
        ['record_name', objectArray(ids)],
        ['true_A', ndarray('bool', shape, Uint8Array.from(column(truth, 0)))],
        ['true,B', ndarray('int64', shape, BigInt64Array.from(column(truth, 1), BigInt))],
        ['prob_A', ndarray('float32', shape, Float32Array.from(column(prob, 0)))],
      ]),
      new DataFrame([
        [
          'record_name',
          ndarray(
            'int64',
            shape,
            BigInt64Array.from({ length: 200 }, (_, i) => BigInt(i)),
          ),
        ],
        ['p', ndarray('float64', shape, Float64Array.from(column(prob, 1)))],
        ['h', ndarray('float16', shape, Uint16Array.from(column(prob, 2), toFloat16))],
      ]),
      new DataFrame([['only', objectArray(['', 'a', null])]]),
      new DataFrame([['missing', objectArray([null, 'a', Number.NaN, true, 7, 1.5])]]),
    ];
    for (const [i, frame] of frames.entries()) expect(toCsv(frame)).toBe(reference.written[i]);
  });

  it('survives a round trip', () => {
    const path = join(folder, 'again.csv');
    const frame = new DataFrame([
      ['x', ndarray('float64', [2], Float64Array.of(0.25, Number.NaN))],
      ['y', ndarray('bool', [2], Uint8Array.of(0, 1))],
    ]);
    writeCsv(path, frame);
    expect(columnsOf(readCsv(path))).toEqual(columnsOf(frame));
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'lengths that differ',
      () =>
        new DataFrame([
          ['a', objectArray([1])],
          ['b', objectArray([])],
        ]),
      /column b has 0 rows, the first column has 1/,
    ],
    [
      'two columns of one name',
      () =>
        new DataFrame([
          ['a', objectArray([])],
          ['a', objectArray([])],
        ]),
      /two columns are named a/,
    ],
    ['a matrix', () => new DataFrame([['a', ndarray('int8', [1, 1], new Int8Array(1))]]), /shape \(1, 1\)/],
    ['a list as cell', () => toCsv(new DataFrame([['a', objectArray([[1]])]])), /a object cannot be written/],
  ])('%s are a ValueError', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(ValueError);
  });
});
