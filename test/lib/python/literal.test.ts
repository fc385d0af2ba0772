import { describe, expect, it } from 'vitest';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { parseLiteral } from '../../../src/lib/python/literal.ts';
import { Tuple } from '../../../src/lib/python/tuple.ts';
import { runPython } from '../../python.ts';

/** JSON that tells Python's types apart, as `describe` in the program below. */
function describeValue(value: unknown): unknown {
  if (value instanceof Tuple) return ['tuple', ...value.map(describeValue)];
  if (Array.isArray(value)) return ['list', ...value.map(describeValue)];
  if (value instanceof Map)
    return ['dict', ...[...value].map(([key, item]) => [describeValue(key), describeValue(item)])];
  if (value instanceof Set) return ['set', ...[...value].map((item) => JSON.stringify(describeValue(item))).sort()];
  if (typeof value === 'number' || typeof value === 'bigint') return ['number', Number(value)];
  return value;
}

const program = `
import ast, json, sys, warnings
warnings.simplefilter("ignore")
def show(v):
    if isinstance(v, tuple): return ["tuple", *map(show, v)]
    if isinstance(v, list): return ["list", *map(show, v)]
    if isinstance(v, dict): return ["dict", *[[show(k), show(i)] for k, i in v.items()]]
    if isinstance(v, set): return ["set", *sorted(json.dumps(show(i), separators=(",", ":"), ensure_ascii=False) for i in v)]
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    return ["number", v]
out = []
for text in json.load(sys.stdin):
    try: out.append(show(ast.literal_eval(text)))
    except Exception: out.append("error")
print(json.dumps(out))`;

const accepted = [
  "{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 0.0}",
  "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
  '{}',
  '[]',
  '()',
  '(1,)',
  '(1)',
  '((1, 2), [3, {4: 5}])',
  '{1, 2, "a"}',
  '[1, 1.5, .5, 1., 1e3, 1E-3, -2, +3, - 4, 0x1F, 0o17, 0b101, 1_000, 0, 00]',
  '[True, False, None]',
  '"a\\n\\t\\\\\\x41\\u00e9\\U0001F600\\101\\q"',
  "'it''s'",
  "'''three\nlines\"'''",
  "r'\\n'",
  "u'é'",
  '  \t[1,\n2]\n',
  '(\n)',
  '123456789012345678',
];
const rejected = [
  '',
  '{',
  "{'a'}x",
  "{'a': }",
  "{'a' 1}",
  '[1 2]',
  '[,]',
  'nan',
  'os.system("true")',
  '__import__("os")',
  '1..2',
  '1__0',
  "'open",
  "'a\nb'",
  '01',
  '0x',
  '1e',
  '[1',
  '\\x',
  "'\\x4'",
  "'\\U00110000'",
  'f"{1}"',
  '1 if True else 2',
  'lambda: 1',
  '[x for x in ()]',
];

describe('ast.literal_eval', () => {
  it('gives the same values, and refuses the same texts', async () => {
    const texts = [...accepted, ...rejected];
    const expected = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(texts) })) as unknown[];
    const found = texts.map((text) => {
      try {
        return describeValue(parseLiteral(text));
      } catch (error) {
        expect(error).toBeInstanceOf(ValueError);
        return 'error';
      }
    });
    expect(Object.fromEntries(texts.map((text, i) => [text, found[i]]))).toEqual(
      Object.fromEntries(texts.map((text, i) => [text, expected[i]])),
    );
    expect(found.slice(accepted.length)).toEqual(rejected.map(() => 'error'));
    expect(found.slice(0, accepted.length)).not.toContain('error');
  });

  it.each<[string, RegExp]>([
    ["b'bytes'", /b is not a literal/],
    ['1+2j', /more text follows|not a number/],
    ['{(1, 2): 3}', /only texts, numbers/],
    ['{True: 1}', /not supported/],
    ['['.repeat(1000), /nested deeper than 100/],
    ["{'a': 1, 'b' 2}", /a colon is missing after the key \(character 13, near "2}"\)/],
  ])('%s is refused here', (text, message) => {
    expect(() => parseLiteral(text)).toThrow(message);
    expect(() => parseLiteral(text)).toThrow(ValueError);
  });

  it('reads a long number in time proportional to its length', () => {
    expect(() => parseLiteral(`${'1_'.repeat(20_000)}x`)).toThrow(ValueError);
  });
});
