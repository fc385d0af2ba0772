import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/commands/convert_icentia.ts';
import { rdann } from '../../src/lib/wfdb/annotation.ts';
import { wrann } from '../../src/lib/wfdb/write.ts';
import { writeIcentiaPatient } from '../../src/synthetic/write_icentia.ts';

const folder = mkdtempSync(join(tmpdir(), 'convert-icentia-command-'));
const good = join(folder, 'good');
beforeAll(async () => {
  for (const id of [0, 1, 2]) await writeIcentiaPatient(id, { seed: 4, segments: 2, samples: 4000 }, { wfdb: good });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command; resolves to its exit code and to what it shows. */
async function convert(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const shown = { out: [] as string[], err: [] as string[] };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => shown.out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => shown.err.push(String(text)) > 0),
  ];
  try {
    return { code: await run(args), out: shown.out.join(''), err: shown.err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function copyWith(name: string, change: (patient: string) => void): string {
  const source = join(folder, name);
  cpSync(good, source, { recursive: true });
  change(join(source, 'p00', 'p00001'));
  return source;
}

describe('convert-icentia', () => {
  test('a patient that cannot be converted: exit code 1 at the end, its error listed, the others converted', async () => {
    const source = copyWith('bad', (patient) => rmSync(join(patient, 'p00001_s01.dat')));
    const target = join(folder, 'bad-out');
    const { code, out, err } = await convert('--source', source, '--target', target, '--unzipped');
    expect(code).toBe(1);
    expect(out).toContain(`${target}: 2 patients`);
    expect(err).toMatch(
      /Not converted: 1 patients\. To try them again, repeat the command\.\n {2}patient 1: .*p00001_s01\.dat.*\n$/,
    );
    expect((await convert('--source', good, '--target', target, '--unzipped')).code).toBe(0);
    expect(readdirSync(target).filter((name) => name.endsWith('.npy')).length).toBe(3);
  });

  test('--skip-unknown: exit code 0, what was left out is listed by kind and patient, without control characters', async () => {
    const source = copyWith('unknown', (patient) => {
      const { sample, symbol, auxNote } = rdann(join(patient, 'p00001_s00'), 'atr');
      const more = { sample: [0, 0, 0, ...sample], symbol: ['F', 'F', '+', ...symbol] };
      wrann(patient, 'p00001_s00', 'atr', { ...more, auxNote: ['', '', '\x9b31m', ...auxNote] });
    });
    const target = join(folder, 'unknown-out');
    const refused = await convert('--source', source, '--target', target);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--skip-unknown')]);
    const { code, out } = await convert('--source', source, '--target', target, '--skip-unknown');
    expect(code).toBe(0);
    expect(out).toContain(
      'left out: 2 × the beat "F", in patients 1\nleft out: 1 × the rhythm "\\u009b31m", in patients 1\n',
    );
  });

  test('Ctrl-C: exit code 75, and the same command goes on', async () => {
    const target = join(folder, 'stopped');
    const args = ['--source', good, '--target', target];
    setImmediate(() => process.emit('SIGINT'));
    const { code, err } = await convert(...args);
    expect([code, err]).toEqual([75, expect.stringContaining('to continue, repeat the command')]);
    expect(readdirSync(target).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await convert(...args)).code).toBe(0);
  });

  test('a damaged description beside the files', async () => {
    const target = join(folder, 'damaged');
    await convert('--source', good, '--target', target, '--patients', '0');
    writeFileSync(join(target, 'icentia11k.json'), '[]');
    await expect(run(['--source', good, '--target', target])).rejects.toThrow(/icentia11k\.json.*Remove/);
  });
});
