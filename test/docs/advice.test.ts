import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from '@babel/parser';
import { describe, expect, it, vi } from 'vitest';
import { commandNames, main } from '../../src/cli.ts';
import { root } from '../shared_data.ts';

/** A text of the sources that advises something. */
interface Advice {
  readonly place: string;
  readonly text: string;
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** Every text of the sources, with `…` for what is put in, and what is the value of a `next` or `advice`. */
function textsOf(file: string): { readonly all: Advice[]; readonly next: Advice[] } {
  const all: Advice[] = [];
  const next: Advice[] = [];
  const visit = (node: unknown, isNext: boolean): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, isNext);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    const { type, loc, ...parts } = node as Record<string, unknown> & { loc?: { start: { line: number } } };
    const place = `${file}:${loc?.start.line}`;
    const take = (text: string): void => {
      all.push({ place, text });
      if (isNext) next.push({ place, text });
    };
    if (type === 'StringLiteral') take(parts.value as string);
    if (type === 'TemplateLiteral') {
      const quasis = parts.quasis as { value: { cooked: string } }[];
      take(quasis.map(({ value }) => value.cooked).join('…'));
    }
    const key = type === 'ObjectProperty' ? (parts.key as { name?: string }).name : undefined;
    for (const [name, part] of Object.entries(parts)) {
      visit(part, isNext || (name === 'value' && (key === 'next' || key === 'advice')));
    }
  };
  const source = readFileSync(join(root, file), 'utf8');
  visit(parse(source, { sourceType: 'module', plugins: ['typescript'] }).program.body, false);
  return { all, next };
}

const files = ['src', 'scripts'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name) && !/\.d\.mts$/.test(name))
    .map((name) => join(folder, name)),
);
const texts = files.map(textsOf);
const next = texts.flatMap((found) => found.next);

/** Commands of this project that a text tells to type, with the flags behind them. */
function commandsIn(
  text: string,
): { readonly name: string; readonly flags: readonly string[]; readonly isScript: boolean }[] {
  const pattern =
    /(npm run|npx ecg-transplant|(?<![-/\w])ecg-transplant) ([a-z][-a-z:]*)((?:(?!npm run|ecg-transplant|[.;,]\s|\n).)*)/g;
  return [...text.matchAll(pattern)].map(([, program, name, rest]) => ({
    name: name,
    flags: [...rest.matchAll(/(?<![-\w])--[a-z][-a-z0-9]*/g)].map(([flag]) => flag),
    isScript: program === 'npm run',
  }));
}

const helps = new Map<string, string>();
async function helpOf(name: string, ...more: readonly string[]): Promise<string> {
  const key = [name, ...more].join(' ');
  if (!helps.has(key)) {
    let output = '';
    const stream = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
      output += String(part);
      return true;
    });
    try {
      await main([name, ...more, '--help']);
    } finally {
      stream.mockRestore();
    }
    helps.set(key, output);
  }
  return helps.get(key)!;
}

const has = (help: string, flag: string): boolean => new RegExp(`${flag}(?![-\\w])`).test(help);

/** The commands whose users read the advice of a module: of the longest beginning of its path. Each has to have the options that are advised. */
const readers: Readonly<Record<string, readonly string[]>> = {
  'src/bench/': ['bench'],
  'src/commands/reproduce_': ['reproduce'],
  'src/bridge/witness.ts': ['compare', 'reproduce'],
  'src/compare/': ['compare'],
  'src/fetch/': ['fetch-data'],
  'src/fetch/original.ts': ['fetch-original'],
  'src/lib/outputs.ts': [
    'predict',
    'weights',
    'adjust-network',
    'bench',
    'make-data',
    'finetune',
    'pretrain',
    'prepare-data',
  ],
  'src/pack/pack.ts': ['finetune', 'pretrain'],
  'src/pack/unpack.ts': ['unpack'],
  'src/jobs/': ['finetune', 'pretrain'],
  'src/jobs/job_thresholds.ts': ['predict', 'evaluate'],
  'src/predict/predict.ts': ['predict'],
  'src/port/finetuning/': ['finetune'],
  'src/jobs/job_model.ts': ['predict'],
  'src/predict/benchmark_layout.ts': ['export-predictions'],
  'src/prepare/measured_normalization.ts': ['prepare-data'],
  'src/prepare/prepare_data.ts': ['prepare-data'],
  'src/prepare/prepared_file.ts': ['prepare-data'],
  'src/recordings/devices.ts': ['prepare-data', 'predict'],
  'src/recordings/record_files.ts': ['predict'],
  'src/prepare/select_records.ts': ['reproduce'],
  'src/prepare/record_transform.ts': ['prepare-data', 'predict'],
  'src/recordings/recordings.ts': ['prepare-data', 'predict'],
  'src/port/pretraining/': ['pretrain'],
  'src/prepare/icentia11k/convert.ts': ['convert-icentia'],
  'src/prepare/icentia11k/annotations.ts': ['convert-icentia'],
  'src/reproduce/': ['reproduce'],
  'src/synthetic/': ['make-data'],
};

/** The commands whose users read what a file advises. */
function readersOf(file: string): readonly string[] {
  if (file.startsWith('src/commands/')) {
    const name = basename(file, '.ts').replaceAll('_', '-');
    if (commandNames.includes(name)) return [name];
  }
  const [place] = Object.keys(readers)
    .filter((start) => file.startsWith(start))
    .sort((a, b) => b.length - a.length);
  return place === undefined ? [] : readers[place];
}

/** Options of other programs, which advice may name. */
const foreign = new Set(['--help', '--version']);

describe('advice', () => {
  it('is found', () => {
    expect(next.length).toBeGreaterThan(100);
  });

  it('names commands that there are, with options that they have', async () => {
    const wrong: string[] = [];
    for (const { place, text } of texts.flatMap(({ all }) => all)) {
      for (const { name, flags, isScript } of commandsIn(text)) {
        // A word of a sentence, as in "the command ecg-transplant is", is no command; a script must be one.
        if (isScript && !Object.hasOwn(scripts, name)) wrong.push(`${place}: npm run ${name} is no script`);
        if (!commandNames.includes(name)) continue;
        // The trial of the suites has options of its own.
        const mode = flags.filter((flag): boolean => flag === '--sabotage');
        const help = await helpOf(name, ...mode);
        for (const flag of flags.filter((one) => !mode.includes(one))) {
          if (!foreign.has(flag) && !has(help, flag)) wrong.push(`${place}: ${name} has no ${flag}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('names options that some command has', async () => {
    const known = await Promise.all(commandNames.map((name) => helpOf(name)));
    const wrong: string[] = [];
    for (const { place, text } of next) {
      if (/\b(git|curl|pip|docker|tar|apt|squeue|scontrol)\b/.test(text)) continue;
      for (const [flag] of text.matchAll(/(?<![-\w])--[a-z][-a-z0-9]*/g)) {
        if (!known.some((help) => has(help, flag))) wrong.push(`${place}: no command has ${flag}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('gives only options of the commands whose users read it, unless it names a command', async () => {
    const wrong: string[] = [];
    for (const { place, text } of next) {
      const flags = [...text.matchAll(/(?<![-\w])--[a-z][-a-z0-9]*/g)].map(([flag]) => flag);
      const namesOne = commandNames.some((name) => new RegExp(`(?<![-\\w/])${name}(?![-\\w])`).test(text));
      if (flags.length === 0 || namesOne || /\b(git|curl|pip|docker|tar|apt|squeue|scontrol)\b/.test(text)) continue;
      const users = readersOf(place.slice(0, place.lastIndexOf(':')));
      if (users.length === 0) wrong.push(`${place}: who reads this? Name the commands in the table above.`);
      for (const flag of flags.filter((one) => !foreign.has(one))) {
        for (const user of users) if (!has(await helpOf(user), flag)) wrong.push(`${place}: ${user} has no ${flag}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('ends once', () => {
    expect(next.filter(({ text }) => /[?!.][.;]\s*$/.test(text.replace(/…$/, '')))).toEqual([]);
  });
});
