import { describe, expect, it } from 'vitest';
import { InputError } from '../src/errors.ts';
import { lineReporter } from '../src/events.ts';
import { escapeMarkup, formatDuration, oneLine, printable, spreadsheetCell } from '../src/text.ts';

/** Every C0 and C1 code, DEL, the bidirectional controls, separators, tags, lone surrogates. */
const controls = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xfff9, 0xfffe, 0xffff],
  ...[0xe0001, 0xe0041, 0xd800, 0xdfff],
].map((code) => (code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code)));

describe('text from files', () => {
  it.each(controls)('%j is shown by its escape', (control) => {
    expect(oneLine(`a${control}b`)).toMatch(/^a\\(u[0-9a-f]{4}(\\u[0-9a-f]{4})?|n|t)b$/);
    const kept = control === '\n' || control === '\t';
    expect(printable(`a${control}b`)).toBe(kept ? `a${control}b` : oneLine(`a${control}b`));
    expect(escapeMarkup(`a${control}b`)).toBe(printable(`a${control}b`));
  });

  it('visible text of every script stays as it is', () => {
    const text = 'Müller µV ЭКГ 心电图 مخطط 👩‍⚕️ \u{1f600}';
    expect(oneLine(text)).toBe(text);
  });

  it('JSON keeps its meaning', () => {
    const value = { name: controls.join('x') };
    expect(JSON.parse(printable(JSON.stringify(value, null, 2)))).toEqual(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    expect(printable(JSON.stringify(value))).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('the facts of an error and the lines of a reporter are one line each', () => {
    const error = new InputError('no', { file: 'a\u001b[2J\nb', where: '\u202e1', got: '\u0085', expected: '\r' });
    expect(error.message).toBe('a\\u001b[2J\\nb, \\u202e1: no; got \\u0085; expected \\u000d');
    const lines: string[] = [];
    const report = lineReporter((line) => lines.push(line));
    report({ kind: 'warning', text: 'a\nwarning: forged' });
    report({ kind: 'start', task: 'x\u001b]0;title\u0007', unit: 'records' });
    expect(lines).toEqual(['warning: a\\nwarning: forged', 'x\\u001b]0;title\\u0007']);
  });

  it.each([
    ['=HYPERLINK("http://x")', `'=HYPERLINK("http://x")`],
    ['+1+1', `'+1+1`],
    ['-2+3', `'-2+3`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['＝1', `'＝1`],
    ['\t=1', '\\t=1'],
    ['\r=1', '\\u000d=1'],
    ['-0.5', '-0.5'],
    ['+1e3', '+1e3'],
    ['A00001', 'A00001'],
    ['a=b', 'a=b'],
  ])('the cell %j of a table for people is %j', (text, cell) => {
    expect(spreadsheetCell(text)).toBe(cell);
  });
});

describe('formatDuration', () => {
  it.each([
    [0.2, '1 s'],
    [42.4, '42 s'],
    [150, '3 min'],
    [9000, '2.5 h'],
    [400_000, '5 days'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
