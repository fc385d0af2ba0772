import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/commands/sabotage.ts';
import type { SabotageResult, Tried } from '../../../src/compare/sabotage/campaign.ts';
import { Journal } from '../../../src/compare/sabotage/journal.ts';
import {
  drawMutants,
  type Mutant,
  mutantsByRules,
  placeNamed,
  withMutant,
} from '../../../src/compare/sabotage/mutants.ts';
import { namedMutants } from '../../../src/compare/sabotage/named.ts';
import { hitsModule, withProbes } from '../../../src/compare/sabotage/probes.ts';
import { formatReport, succeeded, tally } from '../../../src/compare/sabotage/report.ts';
import { mutationsOf } from '../../../src/compare/sabotage/rules.ts';
import { folders, inScope } from '../../../src/compare/sabotage/scope.ts';
import { casesFor, type SurveyedCase } from '../../../src/compare/sabotage/survey.ts';
import type { Trial } from '../../../src/compare/sabotage/trial.ts';
import { verdicts } from '../../../src/compare/sabotage/verdicts.ts';
import { suiteNames } from '../../../src/compare/suite.ts';
import { UsageError } from '../../../src/errors.ts';
import { writeFileAtomic } from '../../../src/lib/python/atomic_file.ts';
import { root } from '../../shared_data.ts';

const src = join(root, 'src');
const temporary: string[] = [];
afterEach(() => {
  for (const folder of temporary.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-sabotage-'));
  temporary.push(folder);
  return folder;
}

/** Every change of a source, as the source would read. */
function changed(source: string): string[] {
  return mutationsOf(source).map(({ start, end, replacement }) =>
    (source.slice(0, start) + replacement + source.slice(end)).replace(/^const f = |;$/g, ''),
  );
}

describe('rules', () => {
  it.each([
    ['a + b', ['(a - b)']],
    ['a % b', ['(a * b)']],
    ['-a', ['(a)']],
    ['a >>> b', ['(a << b)']],
    ['a <= b', ['(a < b)']],
    ['a !== b', ['(a === b)']],
    ['a && b', ['(a || b)']],
    ['a ?? b', []],
    ['3', ['4', '(2)']],
    ['0.5', [String(0.5 * 1.001)]],
    ['a[0]', ['a[1]']],
    ['7n', ['8n']],
    ['true', ['false']],
    ['a ? b : c', ['!(a) ? b : c']],
    ['[a, b, c]', ['[b, a, c]']],
    ['[...a, b]', []],
    ['f(a, b, c)', ['f(a, c, b)']],
    ["f('name', a)", []],
    ['f(a, { b: c })', []],
    ['Math.max(a, b)', ['Math.min(a, b)']],
    ['Math.floor(a)', ['Math.ceil(a)']],
    ['Math.fround(a)', ['(a)']],
    ["binaryRaw(c, 'Mul', a, b)", []],
    ["binaryRaw(c, 'Sub', a, b)", ["binaryRaw(c, 'Sub', b, a)"]],
  ])('%s', (expression, expected) => {
    expect(changed(`const f = ${expression};`)).toEqual(expected);
  });

  it('leaves out statements that act, and turns conditions round', () => {
    expect(changed('function f(a) { if (a) g(a); a += 1; return a; }')).toEqual([
      'function f(a) { if (!(a)) g(a); a += 1; return a; }',
      'function f(a) { if (a) ; a += 1; return a; }',
      'function f(a) { if (a) g(a); ; return a; }',
      'function f(a) { if (a) g(a); (a -= 1); return a; }',
      'function f(a) { if (a) g(a); a += 2; return a; }',
      'function f(a) { if (a) g(a); a += (0); return a; }',
    ]);
  });

  it.each([
    ['a refusal', 'function f(a) { if (a < 2) throw new ValueError(a + 1); }'],
    ['a refusal by another function', 'function f(a) { if (a < 2) return fail(a + 1); }'],
    ['a function that refuses', 'function checkSize(a) { const b = a + 1; if (b) throw a; }'],
    ['a message', `const f = \`\${a + 1}\`;`],
    ['joined texts', "const f = 'a' + b;"],
    ['a report', "function f(a) { report({ kind: 'progress', done: a + 1 }); }"],
    ['a path', "const f = join('a', b, c);"],
    ['freeing memory', 'function f(a) { a.dispose(); rmSync(a, b); }'],
    ['a setting of speed', 'function f({ readAhead = 4 }) {}'],
    ['a type', 'type F = [1, 2]; let f: 3 | undefined;'],
    ['a name', 'const f = { 1: a };'],
    ['the counter of a loop', 'for (;; i++);'],
    ['the end of a list', 'for (; i < list.length; );'],
  ])('leave %s alone', (_, source) => {
    expect(changed(source)).toEqual([]);
  });

  it('keep TypeScript around what they change', () => {
    expect(changed('const f = (a as number)! + (b satisfies number);')).toEqual([
      '((a as number)! - (b satisfies number))',
    ]);
  });

  it('find what has to run for a change to show', () => {
    const [first, second] = mutationsOf('const a = 0.5;\nfunction f(b) {\n  b(1.5);\n}');
    expect(first).toMatchObject({ rule: 'number', line: 1, sites: [] });
    expect(second).toMatchObject({ rule: 'statement', line: 3, sites: [{ kind: 'statement' }] });
  });

  it('find the uses of a constant', () => {
    const source =
      'const means = [0.5];\nconst f = (means.x, { means, a: means }, (means) => means);\nfunction g() { return means[0] * h.means; }';
    const [{ sites }] = mutationsOf(source);
    expect(sites.map(({ start, end }) => source.slice(start - 7, end + 3))).toEqual([
      'ns) => means);\n',
      'return means[0]',
    ]);
  });
});

describe('the sources', () => {
  const mutants = mutantsByRules(src);

  it('give thousands of changes, each under a name of its own', () => {
    expect(mutants.length).toBeGreaterThan(5000);
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(mutants.filter(({ file }) => !inScope(file))).toEqual([]);
    expect(folders.filter((folder) => !mutants.some(({ file }) => file.startsWith(folder)))).toEqual([]);
  });

  it('are drawn by a seed, more of them beginning with the same', () => {
    const some = drawMutants(mutants, 50, 7);
    expect(drawMutants(mutants, 200, 7).slice(0, 50)).toEqual(some);
    expect(drawMutants(mutants, 50, 8)).not.toEqual(some);
    expect(new Set(some.map(({ file }) => file)).size).toBe(50);
  });

  it('hold every verdict’s place', () => {
    const ids = new Set(mutants.map(({ id }) => id));
    expect(Object.keys(verdicts).filter((id) => !ids.has(id))).toEqual([]);
  });
});

describe('hand-made faults', () => {
  it.each(namedMutants.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const mutant = placeNamed(src, one);
    const source = readFileSync(join(src, one.file), 'utf8');
    expect(withMutant(source, mutant)).not.toBe(source);
  });

  it('are many, have names of their own, and are there for every suite that a quick run has', () => {
    expect(namedMutants.length).toBeGreaterThanOrEqual(30);
    expect(new Set(namedMutants.map(({ name }) => name)).size).toBe(namedMutants.length);
    const without = suiteNames.filter((name) => !namedMutants.some(({ suite }) => suite === name));
    expect(without).toEqual(['outcome']);
  });

  it('refuse a source in which their text is not there once', () => {
    const folder = temporaryFolder();
    writeFileAtomic(join(folder, 'a.ts'), 'x; x;');
    const at = { name: 'n', file: 'a.ts', replacement: 'y', suite: 'files' } as const;
    expect(() => placeNamed(folder, { ...at, search: 'x' })).toThrow('got several');
    expect(() => placeNamed(folder, { ...at, search: 'z' })).toThrow('got no occurrence');
    const mutant = placeNamed(folder, { ...at, search: 'x; x;' });
    expect(() => withMutant('something else', mutant)).toThrow('this change was made for another source');
  });
});

describe('probes', () => {
  it('tell what runs and change nothing', async () => {
    const folder = temporaryFolder();
    const source = [
      'export function f(a, more = [1.5, 2]) {',
      '  let sum = 0.5;',
      '  for (const x of more) if (x > a) sum += x; else g(x);',
      '  return a ? -sum : sum * 3;',
      '}',
      'function g(x) { list.push(x + 1); }',
      'export const list = [];',
    ].join('\n');
    const sites = mutationsOf(source).flatMap((mutation) => mutation.sites);
    const places = new Map(sites.map(({ kind, start, end }, i) => [`${kind} ${start} ${end}`, i]));
    const probes = [...places.values()].map((number) => ({ ...sites[number], number }));
    writeFileAtomic(join(folder, 'hits.mjs'), hitsModule);
    writeFileAtomic(join(folder, 'probed.mjs'), withProbes(source, probes, './hits.mjs'));
    writeFileAtomic(join(folder, 'plain.mjs'), source);
    const [probed, plain] = await Promise.all(
      ['probed.mjs', 'plain.mjs'].map((name) => import(pathToFileURL(join(folder, name)).href)),
    );
    process.env.ECG_SABOTAGE_HITS = join(folder, 'hits');
    try {
      for (const value of [0, 1.7, 5]) expect(probed.f(value)).toBe(plain.f(value));
    } finally {
      delete process.env.ECG_SABOTAGE_HITS;
    }
    expect(probed.list).toEqual(plain.list);
    const hit = readFileSync(join(folder, 'hits'), 'utf8').trim().split('\n').map(Number);
    expect(hit.toSorted((a, b) => a - b)).toEqual([...places.values()].sort((a, b) => a - b));
  });

  it('choose the cases that run a place, the fastest first', () => {
    const mutant: Mutant = {
      id: 'm',
      file: 'a.ts',
      line: 1,
      start: 1,
      end: 2,
      replacement: '',
      replaced: 'x',
      sites: [],
    };
    const one = (name: string, seconds: number, places: string[], passed = true): SurveyedCase => {
      return { suite: 'files', case: name, passed, detail: '', seconds, places };
    };
    const cases = [
      one('slow', 2, ['a.ts:1-2', 'a.ts']),
      one('fast', 1, ['a.ts:1-2', 'a.ts']),
      one('other', 0, ['a.ts']),
    ];
    const sites = [{ kind: 'expression', start: 1, end: 2 }] as const;
    expect(casesFor({ ...mutant, sites }, cases).map((c) => c.case)).toEqual(['fast', 'slow']);
    expect(casesFor(mutant, [...cases, one('fails', 0, ['a.ts'], false)]).map((c) => c.case)).toEqual([
      'other',
      'fast',
      'slow',
    ]);
    expect(casesFor({ ...mutant, suite: 'metrics' }, cases)).toEqual([]);
  });
});

describe('journal', () => {
  const survived: Trial = { id: 'm', outcome: 'survived', detail: '', cases: ['files: a'], seconds: 2 };
  const caught: Trial = { ...survived, id: 'n', outcome: 'caught', how: 'failed row' };
  const surveyed: SurveyedCase = { suite: 'files', case: 'a', passed: true, detail: '', seconds: 1, places: ['a.ts'] };
  const campaign = { port: 'sources', suites: 'suites' };

  it('goes on where a run was stopped, even in the middle of a line', () => {
    const folder = temporaryFolder();
    const first = new Journal(folder, campaign);
    first.keepCase(surveyed);
    first.keep(survived);
    const path = join(folder, 'journal.jsonl');
    writeFileAtomic(path, `${readFileSync(path, 'utf8')}{"suites": "suites", "trial": {"id": "ha`);
    const second = new Journal(folder, campaign);
    expect(second.surveyed).toEqual([surveyed]);
    expect([...second.trials.values()]).toEqual([survived]);
    second.keep(caught);
    expect([...new Journal(folder, campaign).trials.keys()]).toEqual(['m', 'n']);
  });

  it.each([
    'null',
    '[]',
    '{}',
    '{"suites":"suites","trial":{"id":7}}',
    '{"suites":"suites","surveyed":{}}',
    '['.repeat(1e5),
  ])('is believed up to a line that is %.40s', (line) => {
    const folder = temporaryFolder();
    new Journal(folder, campaign).keep(survived);
    const path = join(folder, 'journal.jsonl');
    writeFileAtomic(path, `${readFileSync(path, 'utf8')}${line}\n`);
    new Journal(folder, campaign).keep(caught);
    expect([...new Journal(folder, campaign).trials.keys()]).toEqual(['m', 'n']);
  });

  it('keeps what was noticed when suites change, and begins anew for other sources', () => {
    const folder = temporaryFolder();
    const first = new Journal(folder, campaign);
    first.keepCase(surveyed);
    first.keep(survived);
    first.keep(caught);
    const second = new Journal(folder, { ...campaign, suites: 'better ones' });
    expect([...second.trials.keys()]).toEqual(['n']);
    expect(second.surveyed).toEqual([]);
    expect(new Journal(folder, { ...campaign, port: 'others' }).trials.size).toBe(0);
  });
});

describe('the command', () => {
  it.each([
    [['--suite', 'nothing'], '--suite: invalid value; got nothing'],
    [['--count', 'many'], '--count: invalid value; got many'],
    [['--nothing'], 'unrecognized arguments: --nothing'],
  ])('refuses %s and says why', async (args, message) => {
    const refused = run(args);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  it('exits with 2 where it cannot run, and says why', async () => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    expect(await run(['--data', '/nowhere'])).toBe(2);
    stderr.mockRestore();
    expect(written.join('')).toContain('no collection of recordings');
  });
});

describe('report', () => {
  const mutant = (id: string): Mutant => {
    return {
      id,
      file: 'a.ts',
      rule: 'number',
      line: 3,
      start: 1,
      end: 2,
      replacement: '2',
      replaced: '1 | "x"',
      sites: [],
    };
  };
  const tried = (id: string, outcome: Trial['outcome']): Tried => ({
    mutant: mutant(id),
    trial: { id, outcome, detail: '', cases: ['files: a', 'files: b'], seconds: 1 },
  });
  const result = (named: Tried[], byRules: Tried[]): SabotageResult => {
    return { named, byRules, cases: [], possible: 10, reached: 5, seed: 1 };
  };

  it('counts equivalent survivors apart, and survivors without a verdict as gaps', () => {
    const all = [tried('a', 'caught'), tried('b', 'survived'), tried('c', 'survived'), { mutant: mutant('d') }];
    const known = { b: { is: 'equivalent', because: 'x' } } as const;
    expect(tally(all, known)).toEqual({ tried: 3, caught: 1, equivalent: 1, share: 1 / 3, shareOfOthers: 1 / 2 });
    expect(tally(all).equivalent).toBe(0);
  });

  it('succeeds only if all mutants were tried, and all hand-made ones and 95 % of the others were noticed', () => {
    const caught = Array.from({ length: 19 }, (_, i) => tried(`r${i}`, 'caught'));
    expect(succeeded(result([tried('a', 'caught')], [...caught, tried('b', 'survived')]))).toBe(true);
    expect(succeeded(result([tried('a', 'survived')], caught))).toBe(false);
    expect(succeeded(result([tried('a', 'unsure')], caught))).toBe(false);
    expect(succeeded(result([], [...caught.slice(1), tried('b', 'survived')]))).toBe(false);
    expect(succeeded(result([], [...caught, { mutant: mutant('late') }]))).toBe(false);
  });

  it('lists every survivor with its place and its verdict', () => {
    const text = formatReport(result([tried('by hand', 'caught')], [tried('b', 'survived')]), 'command');
    expect(text).toContain('| by hand | a.ts:3 |');
    expect(text).toMatch(/\| a\.ts:3 +\| `1 \\\| "x"` → `2` +\| 2 +\| gap: no verdict yet +\|/);
    expect(text).toContain('0.0 %');
  });
});
