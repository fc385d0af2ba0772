import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { defaultsOf, type FlagTable } from '../../src/lib/argparse/flags.ts';
import { finetuneFlags } from '../../src/port/finetuning/trainer/flags.ts';
import * as finetuning from '../../src/port/finetuning/trainer.ts';
import { pretrainFlags } from '../../src/port/pretraining/trainer/flags.ts';
import * as pretraining from '../../src/port/pretraining/trainer.ts';
import { proves } from '../proofs/proves.ts';
import { runPython } from '../python.ts';
import { quietly, temporaryFolder, writeSmallSet } from './training_data.ts';

const folder = temporaryFolder();

const program = `import importlib, json, sys
for module, argv in json.load(sys.stdin):
    values = vars(importlib.import_module(f"{module}.trainer").parse_args(argv))
    given = {name: value for name, value in values.items() if value is not None and value is not False}
    print(json.dumps(given, default=str))
from pretraining.trainer import parse_patient_ids
print(json.dumps(parse_patient_ids("0-3, 25 7-9").tolist()))`;

const lines: readonly (readonly ['finetuning' | 'pretraining', readonly string[]])[] = [
  ['finetuning', ['--job-dir', 'jobs/a', '--train', 'a.pkl']],
  [
    'finetuning',
    ['--job', 'jobs/a', '--train=a.pkl', '--val-s', '0.25', '--subset', '1e1', '--channel', '-1', '--unknown', '3'],
  ],
  ['pretraining', ['--job-dir', 'jobs/b', '--task', 'beat', '--train', 'icentia', '--unzipped', '--val-patients', '2']],
  [
    'pretraining',
    ['--job-dir', 'b', '--task', 'cpc', '--train', 'x', '--ns', '4', '--ns', '5', '--patients', '0-3', 'word'],
  ],
];

const twins = { finetuning, pretraining };
const tables: Readonly<Record<string, FlagTable>> = { finetuning: finetuneFlags, pretraining: pretrainFlags };

describe('parse_args of both trainers', () => {
  it('gives the options that Python gives; unknown ones are dropped', async () => {
    proves('finetuning.trainer.parse_args', 'pretraining.trainer.parse_args', 'pretraining.trainer.parse_patient_ids');
    const output = await runPython(['-c', program], { input: JSON.stringify(lines) });
    const expected = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    for (const [i, [module, argv]] of lines.entries()) {
      const options = Object.entries(twins[module].parseArgs(argv)).filter(([, value]) => value !== undefined);
      const additions = Object.entries(tables[module]).flatMap(([name, { addition }]) => (addition ? [name] : []));
      const defaults = Object.entries(defaultsOf(tables[module])).filter(([name]) => !additions.includes(name));
      const theirs = Object.entries(expected[i]).map(([name, value]) => [camelCase(name), value]);
      expect({ ...Object.fromEntries(defaults), ...Object.fromEntries(options) }, argv.join(' ')).toEqual(
        Object.fromEntries(theirs),
      );
    }
    expect(pretraining.parsePatientIds('0-3, 25 7-9')).toEqual(expected.at(-1));
  }, 120_000);

  it('throws a UsageError for a command line that cannot be read', () => {
    expect(() => finetuning.parseArgs(['--train', 'a.pkl'])).toThrow(
      new UsageError('the following arguments are required: --job-dir'),
    );
    expect(() => pretraining.parseArgs(['--ns', 'many'])).toThrow("argument --ns: invalid int value: 'many'");
  });

  it('the options start the job', async () => {
    const train = await writeSmallSet(join(folder, 'train.pkl'), { records: 8, samples: 32 });
    const argv = ['--job-dir', join(folder, 'job'), '--train', train, '--seed', '5', '--batch-size', '8'];
    const { seed, history } = await finetuning.finetune(finetuning.parseArgs(argv));
    expect([seed, history.length]).toEqual([5, 1]);
    expect(await quietly(() => finetuning.main([...argv, '--resume']))).toBe(0);
  }, 120_000);
});
