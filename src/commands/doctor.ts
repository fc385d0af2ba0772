import { type Diagnosis, diagnose, isSide } from '../doctor/diagnosis.ts';
import type { Fault, Side } from '../doctor/probes.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { print } from '../output.ts';

const line = {
  program: 'ecg-transplant doctor',
  about: 'Checks every prerequisite, loads TensorFlow in Node and in Python, and shows that both use the same library.',
  flags: { Options: { json: { help: 'print JSON ("schema": 1) instead of text' } } },
  notes: 'Exits with 0 if every check passed, else with 1 and a command that repairs each failure.',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant doctor`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(line, args);
  const diagnosis = await diagnose();
  print(values.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : describe(diagnosis));
  return diagnosis.ok ? 0 : 1;
}

/** The report as text for a terminal. */
export function describe({ ok, checks, machine, node, python }: Diagnosis): string {
  const marks = { ok: 'ok  ', warning: 'warn', failed: 'FAIL' } as const;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, status, detail, advice }) => {
    const line = `${marks[status]}  ${name.padEnd(width)}  ${detail}`;
    return advice ? `${line}\n      ${''.padEnd(width)}  → ${advice}` : line;
  });
  return [
    `${machine.platform}, ${machine.processor}`,
    '',
    ...lines,
    '',
    ...describeSide('Node', node),
    ...describeSide('Python', python),
    '',
    ok ? 'Everything works.' : 'Something failed. The arrows say what to do.',
    '',
  ].join('\n');
}

function describeSide(name: string, side: Side | Fault): string[] {
  if (!isSide(side)) return [];
  const files = side.libraries.map(({ path, sha256 }) => `  ${path}\n    sha256 ${sha256 ?? 'unreadable'}`);
  return [`${name} ${side.version} (${side.executable}) has mapped`, ...files];
}
