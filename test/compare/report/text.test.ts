import { describe, expect, it } from 'vitest';
import { formatComparison } from '../../../src/compare/report/index.ts';
import { toMarkdown } from '../../../src/compare/report/text.ts';
import { closeRow, comparisonOf, observations, passedRows } from './example.ts';

const unfinished = { suite: 'resume', case: 'kill -9', because: 'this original has no seed' } as const;
const failed = closeRow('gradients', 'gradients of 40 weights', { passed: false, difference: 2e-11 });

describe.each([
  ['formatComparison', formatComparison],
  ['toMarkdown', toMarkdown],
])('%s', (_name, format) => {
  it('begins with the witness and the verdict', () => {
    const text = format(comparisonOf({ rows: [failed] }));
    const [line] = text.split('\n').filter((one) => one.includes('Against'));
    expect(line).toMatch(/Against upstream c255af5 .*: FAILED: 1 row of 1 differs/);
    expect(text.indexOf('Against')).toBeLessThan(text.indexOf('|'));
  });

  it('says where a row differs, in what, and how far beyond its limit', () => {
    const text = format(comparisonOf({ rows: [...passedRows, failed] }));
    expect(text).toMatch(
      /DIFFERS \| gradients .* 2\.0e-11 \| 1\.0e-11 \| +200 % \| 1\.3e-12 \| conv1\[0, 3\]: 1 in the port/,
    );
  });

  it('lists with their reasons the cases that gave no verdict, and counts them apart', () => {
    const text = format(
      comparisonOf({ rows: passedRows, notRunnable: [unfinished], broken: [{ ...unfinished, case: 'x' }] }),
    );
    expect(text).toContain('neither passed nor failed (1 case)');
    expect(text).toContain('* resume: kill -9: this original has no seed');
    expect(text).toMatch(/resume +\| +– \| +\| +1 \| +\| +1 \|/);
  });

  it('names the suites that were not part of the run', () => {
    const text = format(comparisonOf({ rows: passedRows }));
    expect(text).toMatch(/Not part of this run: preprocessing, splits, .*outcome\b/);
  });

  it('says what a reimplementation cannot prove', () => {
    const { witness } = comparisonOf({});
    const own = comparisonOf(
      { rows: passedRows },
      { witness: { ...witness, kind: 'reimplementation', title: 'ours' } },
    );
    expect(format(own)).toContain('the verdict says nothing about the published code');
    expect(format(comparisonOf({ rows: passedRows }))).not.toContain('says nothing about');
  });
});

describe('toMarkdown', () => {
  it('holds every row with a command that repeats its suite, the tables of the observations and both sides', () => {
    const text = toMarkdown(comparisonOf({ rows: passedRows, observations }));
    for (const { name } of passedRows) expect(text).toContain(` ${name} `);
    expect(text).toContain('    npm run compare -- --data /data --seed 2021 --suite gradients --case resnet18');
    expect(text).toContain('| random     | 0.7312345 | 0.7298   |');
    expect(text).toMatch(/\| Language +\| Node 20\.20\.2 +\| Python 3\.11\.9 +\|/);
    expect(text).toContain('* Q31: np.Inf restored');
  });

  it('lets no name break a table, make markup or a link', () => {
    const name = 'a|b <img src=x> [x](javascript:alert(1)) `c`\n# d';
    const text = toMarkdown(
      comparisonOf(
        { rows: [closeRow('gradients', name, { case: name })] },
        { title: name, shims: [name], begun: name },
      ),
    );
    const [line] = text.split('\n').filter((one) => one.startsWith('| ok'));
    expect(line?.match(/(?<!\\)\|/g)).toHaveLength(10);
    const outsideOfCode = text
      .split('\n')
      .filter((one) => !one.startsWith('    '))
      .join('\n');
    expect(outsideOfCode).not.toContain('<img');
    expect(outsideOfCode).not.toContain('](javascript');
    expect(text).not.toMatch(/^# d/m);
  });
});

describe('formatComparison', () => {
  it('lets no name steer a terminal', () => {
    const name = '\u001b[2J\u202e';
    const text = formatComparison(
      comparisonOf({ rows: [{ ...failed, name, case: name }], broken: [{ ...unfinished, because: name }] }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text).toContain('\\u001b[2J');
  });
});
