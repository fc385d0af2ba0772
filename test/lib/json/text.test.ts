import { describe, expect, it } from 'vitest';
import { decodeJson, encodeJson, parseJson } from '../../../src/lib/json/text.ts';

describe('encodeJson and decodeJson', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1.5, '#NaN', 'nan', null, [], {}])(
    'a round trip keeps %s',
    (value) => {
      expect(decodeJson(encodeJson({ deep: [value] }))).toEqual({ deep: [value] });
    },
  );

  it('numbers that JSON cannot express are marked', () => {
    expect(encodeJson([Number.NaN, Number.NEGATIVE_INFINITY])).toBe('[{"$float":"nan"},{"$float":"-inf"}]');
  });

  it('an object that only looks like a mark is kept', () => {
    expect(decodeJson('[{"$float":"x"},{"$float":"nan","y":1}]')).toEqual([{ $float: 'x' }, { $float: 'nan', y: 1 }]);
  });
});

describe('parseJson', () => {
  it.each([
    ['', /not JSON/],
    ['{"a": 1', /not JSON/],
    ['{"a": 1} x', /not JSON/],
    ['NaN', /not JSON/],
    ['['.repeat(100_000), /nested too deep/],
    [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /nested too deep/],
    [`[${'[],'.repeat(5_000_000)}[]]`, /too many values/],
    [`[${'0,'.repeat(8_000_000)}0]`, /too many values/],
    [`{"${'k'.repeat(5000)}": 1}`, /a name is too long/],
  ])('says what is wrong with %.20s', (text, summary) => {
    expect(parseJson(text)).toMatchObject({ summary: expect.stringMatching(summary) });
  });

  it('refuses a field __proto__ anywhere, also if it is written with escapes', () => {
    expect(parseJson('{"a": [{"__proto__": {"format": 1}}]}')).toMatchObject({ where: 'a.__proto__' });
    expect(parseJson('{"\\u005f_proto__": 1}')).toMatchObject({ where: '__proto__' });
  });

  it('brackets, commas and escapes in texts are not counted', () => {
    const value = { text: `${'[{'.repeat(1000)}\\"[`, long: 'x'.repeat(10_000) };
    expect(parseJson(JSON.stringify(value), { maxValues: 3 })).toEqual({ value });
  });
});
