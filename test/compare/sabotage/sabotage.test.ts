import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/commands/sabotage.ts';
import type { SabotageResult, Tried } from '../../../src/compare/sabotage/campaign.ts';
import { folders, inScope } from '../../../src/compare/sabotage/files.ts';
import { Journal } from '../../../src/compare/sabotage/journal.ts';
import { Modules, SourceModule } from '../../../src/compare/sabotage/modules.ts';
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
import { casesFor, type SurveyedCase } from '../../../src/compare/sabotage/survey.ts';
import type { Trial } from '../../../src/compare/sabotage/trial.ts';
import { verdicts } from '../../../src/compare/sabotage/verdicts.ts';
import { suiteNames } from '../../../src/compare/suite.ts';
import { InputError, UsageError } from '../../../src/errors.ts';
import { writeFileAtomic } from '../../../src/lib/python/atomic_file.ts';
import { root } from '../../shared_data.ts';
import { withOtherNames } from './other_names.ts';

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

const modules = new Modules(src);

/** A source as a module of the port. */
function moduleOf(source: string): SourceModule {
  return new SourceModule('port/finetuning/some.ts', source, modules);
}

/** Every change of a source, as the source would read. */
function changed(source: string): string[] {
  return mutationsOf(moduleOf(source)).map(({ start, end, replacement }) =>
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
    [
      'a refusal by another function',
      'function g(a): never { throw a; } function f(a) { if (a < 2) return g(a + 1); }',
    ],
    ['a method that refuses', 'class A { #b(a) { if (a < 2) throw a + 1; } c(d) { this.#b(d + 1); } }'],
    [
      'a refusal by an imported function',
      "import { systemFault } from '../../errors.ts'; function f(a) { systemFault(a, a + 1); }",
    ],
    [
      'a function that refuses',
      'function g(a) { const b = a + 1; let c = 0; for (const d of a) c += d; if (b) throw c; }',
    ],
    ['a limit that is only there for refusals', 'const limit = 2 ** 8; function f(a) { if (a > limit) throw a; }'],
    ['an error', "import { ValueError as E } from '../../lib/python/errors.ts'; const f = () => new E(a + 1);"],
    ['an error of its own', 'class A extends TypeError {} const f = () => new A(a + 1);'],
    ['a message', `const f = \`\${a + 1}\`;`],
    ['joined texts', "const f = 'a' + b;"],
    [
      'a report',
      "import type { Reporter as R } from '../../events.ts'; function f(a: R) { a({ kind: 'progress', done: b + 1 }); }",
    ],
    [
      'a report of an option',
      "import type { Reporter } from '../../events.ts'; interface O { p: Reporter; } function f({ p: q }: O) { q({ done: b + 1 }); }",
    ],
    [
      'a report of a member',
      "import type { Reporter } from '../../events.ts'; class A { readonly #a: Reporter; f() { this.#a({ done: b + 1 }); } }",
    ],
    ['a path', "import { join as put } from 'node:path'; const f = put('a', b, c);"],
    ['freeing memory', 'function f(a) { a.dispose(); }'],
    ['what is done at the end', 'function f(a) { try { a; } finally { a.b(1); } }'],
    ['a timer', 'function f(a) { clearTimeout(a, 1); }'],
    ['a type', 'type F = [1, 2]; let f: 3 | undefined;'],
    ['a name', 'const f = { 1: a };'],
    ['the counter of a loop', 'for (;; i++);'],
    ['the end of a list', 'for (; i < list.length; );'],
    [
      'arguments whose order does not matter',
      "import { add as plus } from '../../graph/ops/elementwise.ts'; const f = plus(c, a, b);",
    ],
  ])('leave %s alone', (_, source) => {
    expect(changed(source)).toEqual([]);
  });

  it.each([
    [
      'a function with the name of a refusal',
      'function checkSize(a) { return a + 1; }',
      ['function checkSize(a) { return (a - 1); }'],
    ],
    [
      'a method with the name of a path',
      'function f(a) { return a.join(b, c); }',
      ['function f(a) { return a.join(c, b); }'],
    ],
    ['a variable with the name of a limit', 'const f = (chunk) => chunk - a;', ['(chunk) => (chunk + a)']],
    ['a parameter with the name of a report', 'function f(report) { report(a); }', ['function f(report) { ; }']],
  ])('change %s', (_, source, expected) => {
    expect(changed(source).map((one) => one.replace(/^const f = |;$/g, ''))).toEqual(expect.arrayContaining(expected));
  });

  it('keep TypeScript around what they change', () => {
    expect(changed('const f = (a as number)! + (b satisfies number);')).toEqual([
      '((a as number)! - (b satisfies number))',
    ]);
  });

  it('find what has to run for a change to show', () => {
    const [first, second] = mutationsOf(moduleOf('const a = 0.5;\nfunction f(b) {\n  b(1.5);\n}'));
    expect(first).toMatchObject({ rule: 'number', line: 1, sites: [] });
    expect(second).toMatchObject({ rule: 'statement', line: 3, sites: [{ kind: 'statement' }] });
  });

  it('find the uses of a constant, not those of a parameter with its name', () => {
    const source =
      'const means = [0.5];\nconst f = (means.x, { means, a: means }, (means) => means);\nfunction g() { return means[0] * h.means; }';
    const [{ sites }] = mutationsOf(moduleOf(source));
    expect(sites.map(({ start, end }) => source.slice(start - 7, end + 3))).toEqual(['return means[0]']);
  });

  it('tell constants that other modules can read', () => {
    const exported = (source: string): boolean[] => mutationsOf(moduleOf(source)).map((mutation) => mutation.exported);
    expect(exported('export const a = 0.5;')).toEqual([true]);
    expect(exported('const a = 0.5; const f = () => a; export { a };')).toEqual([true]);
    expect(exported('const a = 0.5; const f = () => a;')).toEqual([false]);
    expect(exported('export const f = () => 0.5;')).toEqual([false]);
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

  it('give the same changes when every variable, function, parameter and private member has another name', () => {
    const places = (module: SourceModule): string[] =>
      mutationsOf(module).map(({ rule, line, sites }) => `${rule} in line ${line}, ${sites.length} places`);
    for (const file of [
      'port/transplant/evaluation.ts',
      'lib/numpy/random.ts',
      'lib/hdf5/reader.ts',
      'graph/ops/normalization.ts',
    ]) {
      const module = modules.in(file);
      const renamed = new SourceModule(file, withOtherNames(module.source), modules);
      expect(renamed.source).not.toBe(module.source);
      expect([file, ...places(renamed)]).toEqual([file, ...places(module)]);
    }
  });

  it('are drawn by a seed, more of them beginning with the same', () => {
    const some = drawMutants(mutants, 50, 7);
    expect(drawMutants(mutants, 200, 7).slice(0, 50)).toEqual(some);
    expect(drawMutants(mutants, 50, 8)).not.toEqual(some);
  });

  it('are drawn from every file, from the core and by rules that change values more often', () => {
    const files = new Set(mutants.map(({ file }) => file)).size;
    const drawn = drawMutants(mutants, 2 * files, 7);
    expect(new Set(drawn.map(({ file }) => file)).size).toBe(files);
    const inCore = drawn.filter(({ file }) => /^(port|graph\/ops|lib\/(numpy|sklearn))\//.test(file));
    expect(inCore.length).toBeGreaterThan(drawn.length / 2);
    const ofValues = drawn.filter(({ rule }) => rule === 'number' || rule === 'arithmetic' || rule === 'arguments');
    expect(ofValues.length).toBeGreaterThan(drawn.length / 2);
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
    expect(() => placeNamed(folder, { ...at, search: 'z' })).toThrow('hand-made fault "n"');
    const mutant = placeNamed(folder, { ...at, search: 'x; x;' });
    expect(() => withMutant('something else', mutant)).toThrow('this change was made for another source');
  });
});

describe('a hand-made fault whose text was moved', () => {
  const fault = {
    name: 'a fault',
    file: 'port/old.ts',
    search: 'a + b',
    replacement: 'a - b',
    suite: 'files',
  } as const;
  const thrown = (folder: string): string => {
    try {
      placeNamed(folder, fault);
    } catch (error) {
      return error instanceof InputError ? error.message : '';
    }
    return '';
  };

  it('is an error that names the fault, the file and where the text is now', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'port'));
    writeFileAtomic(join(folder, 'port/new.ts'), 'const c = a + b;');
    const message = thrown(folder);
    expect(message).toContain('hand-made fault "a fault"');
    expect(message).toContain('port/old.ts');
    expect(message).toContain('The text is in port/new.ts');
  });

  it('is an error that says so if the text is nowhere', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'port'));
    writeFileAtomic(join(folder, 'port/old.ts'), 'const c = a * b;');
    const message = thrown(folder);
    expect(message).toContain('got no occurrence');
    expect(message).toContain('src/compare/sabotage/named_*.ts');
    expect(message).not.toContain('The text is in');
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
    const sites = mutationsOf(moduleOf(source)).flatMap((mutation) => mutation.sites);
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
    const exported = { ...mutant, sites, exported: true };
    expect(casesFor(exported, cases, (suite, file) => suite === 'files' && file === 'a.ts').length).toBe(3);
    expect(casesFor(exported, cases).length).toBe(2);
  });
});

describe('journal', () => {
  const survived: Trial = {
    id: 'm',
    outcome: 'survived',
    detail: '',
    finished: true,
    cases: ['files: a'],
    seconds: 2,
  };
  const caught: Trial = { ...survived, id: 'n', outcome: 'caught', how: 'failed row' };
  const surveyed: SurveyedCase = { suite: 'files', case: 'a', passed: true, detail: '', seconds: 1, places: ['a.ts'] };
  const campaign = { port: 'sources', suites: 'suites', survey: 'places' };

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
    '{"survey":"places","surveyed":{}}',
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
    const second = new Journal(folder, { ...campaign, suites: 'better ones', survey: 'more places' });
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
  const tried = (id: string, outcome: Trial['outcome'], how?: Trial['how'], finished = true): Tried => ({
    mutant: mutant(id),
    trial: { id, outcome, how, finished, detail: '', cases: ['files: a', 'files: b'], seconds: 1 },
  });
  const byValue = (id: string): Tried => tried(id, 'caught', 'failed row');
  const broken = (id: string): Tried => tried(id, 'caught', 'broke off', false);
  const result = (named: Tried[], byRules: Tried[]): SabotageResult => {
    return { named, byRules, cases: [], possible: 10, reached: 5, seed: 1 };
  };

  it('counts apart what a value showed, what broke off in some cases or in all, and survivors with and without a verdict', () => {
    const all = [
      byValue('a'),
      tried('e', 'caught', 'broke off'),
      broken('f'),
      tried('g', 'caught', 'crash', false),
      tried('b', 'survived'),
      tried('c', 'survived'),
      tried('h', 'survived'),
      { mutant: mutant('d') },
    ];
    const known = { b: { is: 'equivalent', because: 'x' }, h: { is: 'outside', because: 'y' } } as const;
    const counts = { tried: 7, byValue: 1, byBreaking: 1, broken: 2, equivalent: 1, outside: 1, gaps: 1 };
    expect(tally(all, known)).toEqual(counts);
    expect(tally(all)).toMatchObject({ equivalent: 0, outside: 0, gaps: 3 });
  });

  it('succeeds only if all mutants were tried, all hand-made ones were noticed, and 95 % of the others by a value', () => {
    const caught = Array.from({ length: 19 }, (_, i) => byValue(`r${i}`));
    expect(succeeded(result([broken('a')], [...caught, tried('b', 'survived')]))).toBe(true);
    expect(succeeded(result([tried('a', 'survived')], caught))).toBe(false);
    expect(succeeded(result([tried('a', 'unsure')], caught))).toBe(false);
    expect(succeeded(result([], [...caught.slice(1), tried('b', 'survived')]))).toBe(false);
    expect(succeeded(result([], [...caught.slice(1), tried('b', 'unsure')]))).toBe(false);
    expect(succeeded(result([], [...caught, { mutant: mutant('late') }]))).toBe(false);
  });

  it('leaves faults that break off out of the share, and says what it would be with those that break off in some cases', () => {
    const breaking = [broken('c'), tried('e', 'caught', 'broke off')];
    const faults = [...Array.from({ length: 3 }, (_, i) => byValue(`r${i}`)), tried('b', 'survived'), ...breaking];
    const text = formatReport(result([byValue('a'), broken('d')], faults), 'command');
    expect(text).toContain(
      '2 of 2 hand-made faults were noticed by the suite that should notice them: 1 because a value differed, 1 ',
    );
    expect(text).toContain('4 of 6 rule-made faults change what the port does and ran to the end. 3 of them (75.0 %)');
    expect(text).toContain(
      '2 more were noticed only because cases broke off: 1 in every case that was tried, 1 in some.',
    );
    expect(text).toContain('it would be 60.0 %');
  });

  it('lists every survivor with its place and its verdict', () => {
    const text = formatReport(result([byValue('by hand')], [tried('b', 'survived')]), 'command');
    expect(text).toContain('| by hand | a.ts:3 |');
    expect(text).toMatch(/\| a\.ts:3 +\| `1 \\\| "x"` → `2` +\| 2 +\| gap: no verdict yet +\|/);
    expect(text).toContain('0 of them (0.0 %)');
  });
});
