import { parseArgs } from 'node:util';
import { type Diagnosis, diagnose, isSide } from '../doctor/diagnosis.ts';
import type { Fault, Side } from '../doctor/probes.ts';
import { print } from '../output.ts';

export const help = `ecg-transplant doctor [--json]

Checks every prerequisite, loads TensorFlow in Node and in Python, and shows that both run on one library.
Ends with 0 if nothing has failed, else with 1 and the command that mends each failure.

  --json   the same as JSON ("schema": 1) on standard output
`;

/** `ecg-transplant doctor`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } });
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
    ok ? 'All is well.' : 'Something has failed: the arrows say what to do.',
    '',
  ].join('\n');
}

function describeSide(name: string, side: Side | Fault): string[] {
  if (!isSide(side)) return [];
  const files = side.libraries.map(({ path, sha256 }) => `  ${path}\n    sha256 ${sha256 ?? 'unreadable'}`);
  return [`${name} ${side.version} (${side.executable}) has mapped`, ...files];
}
