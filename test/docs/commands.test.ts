import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../src/lib/numpy/npy.ts';
import { callInProcess } from '../commands/in_process.ts';
import { root } from '../shared_data.ts';
import { documents, type ShownCommand, shownCommands } from './documents.ts';

// The backbone is cut to its first stage, which the command line cannot: the files are small, the jobs short.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const commands = shownCommands();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** Commands of other programs, which the tests do not run, and why. */
const notRun: readonly [RegExp, string][] = [
  [/^npm (install|ci|pack)\b/, 'changes the installation'],
  [/^(sudo|pip|python -m pip|python3? -m venv) /, 'changes the machine'],
  [/^npm (config|run lint|run typecheck)\b/, 'a tool of the project; scripts of package.json are looked up below'],
  [/^\.venv\/bin\//, 'a tool of the project'],
  [/^node --import tsx scripts\//, 'a study of the project that takes minutes to hours'],
  [/^python -m (pretraining|finetuning)\.trainer /, 'the Python original; original/tests runs it'],
  [/^python -m pytest/, 'a tool of the project'],
  [/^python3 -m http\.server/, 'test/export/browser.full.test.ts runs it'],
  [/^node examples\//, 'test/export/document.test.ts runs it'],
  [/^python3 -m http\.server/, 'test/publish/document.test.ts runs it'],
  [/^bash scripts\/gpu-check\.sh/, 'needs a GPU; test/scripts/gpu_check.test.ts runs it with a pretended one'],
  [/^srun /, 'needs a cluster; what it runs is looked up below'],
];

/** Scripts of package.json and files of scripts/ that a command of the same name answers for. */
const answering: Readonly<Record<string, string>> = {
  'scripts/reproduce.mjs': 'reproduce',
  'scripts/setup.mjs': 'setup',
  'scripts/fetch-data.mjs': 'fetch-data',
};

/** Options of scripts that are no commands and have no help of their own. */
const ownOptions: Readonly<Record<string, readonly string[]>> = {
  build: [],
  package: [],
  reference: [],
  test: ['--changed', '--since'],
  'test:full': ['--changed', '--since'],
  parity: ['--check'],
  fuzz: ['--reader', '--minutes', '--count', '--seed', '--replay'],
  sbom: ['--target'],
  tolerances: ['--check'],
  lint: [],
  typecheck: [],
};

/** The command of this project that a command line calls, or the script; undefined for other programs. */
function callOf({ words }: ShownCommand): { readonly name: string; readonly args: readonly string[] } | undefined {
  const rest = words[0] === 'srun' ? words.slice(1) : words;
  const [program, first, second] = rest as [string, string?, string?];
  if (program === 'npm' && first === 'test') return { name: 'test', args: rest.slice(2) };
  if (program === 'npm' && first === 'run') return { name: second!, args: rest.slice(3) };
  if (program === 'ecg-transplant') return { name: first!, args: rest.slice(2) };
  if (program === 'npx' && first === 'ecg-transplant') return { name: second!, args: rest.slice(3) };
  if (program === 'node' && first === 'bin/ecg-transplant.mjs') return { name: second!, args: rest.slice(3) };
  if (program === 'npx' && first === 'zx') return { name: answering[second!], args: rest.slice(3) };
  if (program === 'node' && first?.startsWith('scripts/')) return { name: answering[first], args: rest.slice(2) };
  return undefined;
}

describe('commands in the documents', () => {
  it('are found', () => {
    expect(commands.length).toBeGreaterThan(40);
    expect(new Set(commands.map(({ file }) => file)).size).toBeGreaterThan(5);
  });

  const seen = new Map(commands.map((command) => [command.words.join(' '), command]));

  it.each(
    [...seen.values()].map(
      (command) => [`${command.file}:${command.line}: ${command.words.join(' ')}`, command] as const,
    ),
  )('%s', async (_, command) => {
    const shownCall = callOf(command);
    if (!shownCall) {
      expect(notRun.find(([pattern]) => pattern.test(command.words.join(' ')))?.[1]).toBeDefined();
      return;
    }
    // `npx ecg-transplant --help`, `ecg-transplant <command>`
    if (/^[-<…]/.test(shownCall.name)) return;
    if (command.words[1] === 'run') expect(Object.keys(scripts)).toContain(shownCall.name);
    const flags = shownCall.args
      .map((word) => /^--[a-z][-a-z0-9]*/.exec(word)?.[0])
      .filter((flag) => flag !== undefined);
    const own = ownOptions[shownCall.name];
    if (own) {
      expect(own).toEqual(expect.arrayContaining(flags));
      return;
    }
    // The trial of the suites has options of its own.
    const mode = flags.filter((flag) => flag === '--sabotage');
    const { code, output } = await callInProcess([shownCall.name, ...mode, '--help']);
    expect(code).toBe(0);
    for (const flag of flags) expect(output).toMatch(new RegExp(`${flag}(?![-\\w])`));
  });

  it('every reason not to run one is still needed', () => {
    const others = commands.filter(
      (command) => !callOf(command) || /^srun|^npm run (lint|typecheck)/.test(command.words.join(' ')),
    );
    const lines = others.map(({ words }) => words.join(' '));
    const idle = notRun.filter(([pattern]) => !lines.some((line) => pattern.test(line)));
    expect(idle.map(([pattern]) => pattern.source)).toEqual([]);
  }, 180_000);
});

describe('paths in the documents', () => {
  /** Files that a command makes, and placeholders. */
  const made = /^original\/upstream|^(src\/port|original)\/a\/b\.|NAME/;

  it.each(documents)('%s: every file and folder that it links to or names exists', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => join(file, '..', link));
    // Of a pattern (`*`, `{a,b}`, `…`) the folder that it begins with.
    const named = [...text.matchAll(/(?<![\w./-])((?:docs|src|scripts|test|original)\/[\w./-]*)([*{…<]?)/g)].map(
      ([, path, rest]) => (rest ? dirname(`${path}x`) : path.replace(/\.+$/, '')),
    );
    const paths = [...links, ...named.filter((path) => !made.test(path))];
    expect([...new Set(paths)].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('docs/bringing-your-own-data.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'own-data-'));
  const before = process.cwd();
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  const shown = commands.filter(({ file, words }) => file === 'docs/bringing-your-own-data.md' && words[0] === 'npx');
  /** Runs a command as it is shown, with more options where the test has less time, in the folder; resolves to what it prints. */
  const run = async ({ words }: ShownCommand, more: readonly string[] = []): Promise<string> => {
    const { code, output } = await callInProcess([...words.slice(2), ...more]);
    expect([words.join(' '), code, output]).toEqual([words.join(' '), 0, expect.any(String)]);
    return output;
  };
  const find = (name: string): ShownCommand => shown.find(({ words }) => words[2] === name)!;

  it('its way from a folder of recordings to a shared run', async () => {
    process.chdir(folder);
    mkdirSync('my-ecgs');
    const rows = ['record,labels,patient'];
    for (let record = 1; record <= 8; record++) {
      const name = String(record).padStart(4, '0');
      const samples = Array.from(
        { length: 720 },
        (_, i) => Math.sin((i * (1 + (record % 2))) / 9) + Math.sin(i * i + record) / 9,
      );
      writeFileSync(
        join(folder, 'my-ecgs', `${name}.csv`),
        `I\n${samples.map((value) => value.toFixed(4)).join('\n')}\n`,
      );
      rows.push(`${name},${record % 2 ? 'AF' : 'N'},p${record}`);
    }
    writeFileSync(join(folder, 'my-ecgs', 'labels.csv'), `${rows.join('\n')}\n`);
    await run(find('prepare-data'), ['--pad', '512']);
    expect(readdirSync(join(folder, 'data')).sort()).toEqual(['mine_test.pkl', 'mine_train.pkl', 'preprocessing.json']);
    await run(find('finetune'), ['--epochs', '1']);
    const predicted = await run(find('predict'));
    expect(predicted).toMatch(/^record_name,prob_AF,prob_N/);
    expect(predicted).toMatch(/0001,/);
    await run(find('pack'));
    expect(await run(find('unpack'))).toMatch(/received\/mine: \d+ files, every checksum is right, without/);
    expect(existsSync(join(folder, 'received', 'mine', 'best_model.weights.h5'))).toBe(true);
    expect(existsSync(join(folder, 'received', 'mine', 'test_predictions.csv'))).toBe(false);
    // Who received it predicts the same.
    expect(await run(find('predict'), ['--job-dir', 'received/mine'])).toBe(predicted);
  }, 180_000);
});

describe('README.md, your own recordings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'own-recordings-'));
  const before = process.cwd();
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  /** A command as it is shown, in the folder; options of the test come last and win. */
  const run = async (name: string, more: readonly string[] = []): Promise<string> => {
    const { words } = commands.find(
      // Its table and its sentences name commands without options.
      ({ file, words }) => file === 'README.md' && words[2] === name && words.length > 5,
    )!;
    const { code, output } = await callInProcess([...words.slice(2).filter((word) => word !== '--'), ...more]);
    expect([words.join(' '), code, output]).toEqual([words.join(' '), 0, expect.any(String)]);
    return output;
  };

  it('from CSV, WFDB and NumPy to a picture', async () => {
    process.chdir(folder);
    mkdirSync('my-ecgs');
    const rows = ['record,labels,patient'];
    for (let record = 1; record <= 12; record++) {
      const name = String(record).padStart(4, '0');
      const at = (ending: string): string => join(folder, 'my-ecgs', `${name}.${ending}`);
      const signal = Float32Array.from(
        { length: 1440 },
        (_, i) => Math.sin((i * (1 + (record % 2))) / 9) + Math.sin(i * i + record) / 9,
      );
      if (record % 3 === 1) writeFileSync(at('csv'), `I\n${[...signal].map((value) => value.toFixed(4)).join('\n')}\n`);
      if (record % 3 === 2) writeNpy(at('npy'), ndarray('float32', [1440, 1], signal));
      if (record % 3 === 0) {
        writeFileSync(at('hea'), `${name} 1 360 1440\n${name}.dat 16 200/mV 16 0 0 0 0 I\n`);
        writeFileSync(at('dat'), new Uint8Array(Int16Array.from(signal, (value) => value * 200).buffer));
      }
      rows.push(`${name},${record % 2 ? 'AF' : 'N'},p${record}`);
    }
    writeFileSync(join(folder, 'my-ecgs', 'labels.csv'), `${rows.join('\n')}\n`);
    await run('prepare-data', ['--pad', '512']);
    expect(readdirSync(join(folder, 'data')).sort()).toEqual(['mine_test.pkl', 'mine_train.pkl', 'preprocessing.json']);
    await run('finetune', ['--epochs', '1']);
    expect(await run('predict')).toMatch(/^record_name,prob_AF,prob_N/m);
    expect(readFileSync(join(folder, 'strips', '0001.svg'), 'utf8')).toContain('For research, not for diagnosis.');
  }, 180_000);
});
