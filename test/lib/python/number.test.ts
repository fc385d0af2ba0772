import { expect, it } from 'vitest';
import { parseNumber } from '../../../src/lib/python/number.ts';
import { runPython } from '../../python.ts';

it('float(text): gives the same numbers, except for nan, inf, underscores and non-ASCII digits', async () => {
  const texts = [
    ...[
      '0',
      '1',
      '-1',
      '+1',
      '1.',
      '.5',
      '-.5e3',
      '1e3',
      '1E+03',
      '1e-400',
      '0.1',
      '  7.25\t',
      '\u00a03',
      '007',
      '1e308',
    ],
    ...[
      '',
      ' ',
      '.',
      '-',
      '+',
      'e5',
      '1e',
      '1e+',
      '0x1F',
      '0b1',
      '0o7',
      '1,5',
      '1 2',
      '1.2.3',
      '--1',
      '1f',
      '12abc',
      'true',
      '1e999',
    ],
  ];
  const program =
    'import json, math, sys\ndef read(t):\n  try: v = float(t)\n  except ValueError: return None\n  return v if math.isfinite(v) else None\nprint(json.dumps([read(t) for t in json.load(sys.stdin)]))';
  const theirs = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(texts) }));
  expect(texts.map((text) => parseNumber(text) ?? null)).toEqual(theirs);
  for (const text of ['1_000', 'nan', 'NaN', 'inf', '-Infinity', '\u0661'])
    expect(parseNumber(text), text).toBeUndefined();
});

it('quickly refuses a long text that is not a number', () => {
  expect(parseNumber(`${'1'.repeat(1_000_000)}x`)).toBeUndefined();
});
