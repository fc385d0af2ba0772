import { describe, expect, test } from 'vitest';
import { parseKnown } from '../../../src/lib/argparse/command_line.ts';
import { type FlagTable, flagOf, requireFlags } from '../../../src/lib/argparse/flags.ts';
import { duration, float, int } from '../../../src/lib/argparse/types.ts';
import { finetuneFlags } from '../../../src/port/finetuning/trainer/flags.ts';
import { pretrainFlags } from '../../../src/port/pretraining/trainer/flags.ts';
import { runPython } from '../../python.ts';

/** Command lines of `finetuning.trainer`, good and bad. */
const lines: readonly (readonly string[])[] = [
  ['--val-size', '0.25', '--epochs=3', '--verbose'],
  ['--val', 'a.pkl', '--val-size=8', '--sub', '1e2', '--bat', '16'],
  ['--channel', '-1', '--seed', ' 7 ', '--epochs', '1_000'],
  ['--channel', '-1e3'],
  ['--val-size', '-0.5'],
  ['--val-size', 'inf', '--subset', 'nan'],
  ['--va', '1'],
  ['--arch'],
  ['--arch', '--verbose'],
  ['--epochs', '1.0'],
  ['--epochs', '0x10'],
  ['--epochs', '1', '--epochs', '2'],
  ['--verbose=1'],
  ['--vall-size', '3', 'word', '-x', '--unknown=1'],
  ['--arch', '', '--weights-file', '-'],
  ['--test', '-a b'],
  ['--va=1'],
  ['--test', '--', 'x'],
  ['word', '--', '--arch', 'y'],
  ['--epochs', '-1_000'],
  ['--val-size', '-.5', '--channel', '-0'],
  ['-', '', '--arch=', '--test= a=b'],
  ['--unknown', '5', '--epochs', '3'],
  ['--unknown words', '--verb'],
  ['-x=1', '-epochs', '2'],
  ['--'],
];

const script = `
import argparse, contextlib, io, json, sys
specs = json.loads(sys.argv[1])
types = {"text": str, "int": int, "float": float}
parser = argparse.ArgumentParser()
for flag, kind in specs:
    if kind == "switch":
        parser.add_argument(flag, action="store_true")
    else:
        parser.add_argument(flag, type=types[kind])
results = []
for line in json.loads(sys.argv[2]):
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            known, rest = parser.parse_known_args(line)
        given = {k: repr(v) if isinstance(v, float) else v for k, v in vars(known).items()
                 if v is not None and v is not False}
        results.append({"given": given, "ignored": rest})
    except SystemExit as end:
        results.append({"code": end.code, "error": errors.getvalue().strip().split("error: ")[-1]})
print(json.dumps(results))
`;

describe('argparse.ArgumentParser.parse_known_args', () => {
  test('reads the same from good command lines, refuses the same ones', async () => {
    const table = Object.entries<FlagTable[string]>(finetuneFlags).filter(([, { addition }]) => !addition);
    const kindOf = ({ value, type }: FlagTable[string]): string =>
      value === undefined ? 'switch' : type === int ? 'int' : type === float ? 'float' : 'text';
    const specs = table.map(([name, flag]) => [flagOf(name), kindOf(flag)]);
    const python = JSON.parse(await runPython(['-c', script, JSON.stringify(specs), JSON.stringify(lines)]));
    const floats = table.filter(([, { type }]) => type === float).map(([name]) => name);
    for (const [i, line] of lines.entries()) {
      let ours: object;
      try {
        const { given, ignored } = parseKnown(line, finetuneFlags);
        const texts = Object.entries(given).map(([name, value]) => [
          flagOf(name).slice(2).replaceAll('-', '_'),
          floats.includes(name) ? pythonRepr(value as number) : value,
        ]);
        ours = { given: Object.fromEntries(texts), ignored };
      } catch (error) {
        ours = { code: 2, error: (error as Error).message };
      }
      expect(ours, line.join(' ')).toEqual(python[i]);
    }
  });

  test('names the required flags that are missing', () => {
    expect(() => requireFlags({ train: 'a' }, pretrainFlags)).toThrow(
      'the following arguments are required: --job-dir, --task',
    );
  });

  test('additions have to be written in full', () => {
    expect(parseKnown(['--res', '--init', '3'], finetuneFlags)).toEqual({
      given: {},
      ignored: ['--res', '--init', '3'],
    });
    expect(parseKnown(['--resume', '--init-seed', '3'], finetuneFlags).given).toEqual({ resume: true, initSeed: 3 });
  });
});

test('limits on time are read as schedulers write them', () => {
  const minute = 60_000;
  const good = {
    '90': 90 * minute,
    '90m': 90 * minute,
    '1.5h': 90 * minute,
    '30s': minute / 2,
    '1-00:00:30': 86_430_000,
  };
  for (const [text, expected] of Object.entries(good)) expect(duration.read(text, '--max-time'), text).toBe(expected);
  for (const text of ['', '0', '-5', '10:30', '1:99:00', '1e3', '30d', 'soon']) {
    expect(() => duration.read(text, '--max-time'), text).toThrow('--max-time: invalid value; got');
  }
});

/** Python's `repr` of the floats above. */
function pythonRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
