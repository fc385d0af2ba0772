import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describe as describeDiagnosis } from '../../src/commands/doctor.ts';
import { compareLibraries, type Diagnosis } from '../../src/doctor/diagnosis.ts';
import type { Side } from '../../src/doctor/probes.ts';
import { root } from '../shared_data.ts';

/** Runs `ecg-transplant` with the variables changed. */
function cli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const program = join(root, 'bin', 'ecg-transplant.mjs');
    execFile(process.execPath, [program, ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('doctor --json: both processes have mapped one library', async () => {
  const { code, stdout } = await cli(['doctor', '--json']);
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  expect(diagnosis.checks.filter(({ status }) => status === 'failed')).toEqual([]);
  expect(code).toBe(0);
  expect(diagnosis.schema).toBe(1);
  const { node, python } = diagnosis as unknown as { node: Side; python: Side };
  expect(node.libraries).toEqual(python.libraries);
  expect(node.libraries.map(({ path }) => path.split('/').at(-1))).toEqual([
    'libtensorflow_cc.so.2',
    'libtensorflow_framework.so.2',
  ]);
  expect(node.libraries[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect([node.tensorflow, python.tensorflow]).toEqual(['2.16.1', '2.16.1']);
  expect(python.jitCompile).toBe(false);
  expect([node.threads, python.threads]).toEqual([String(diagnosis.machine.cpus), String(diagnosis.machine.cpus)]);
  expect([node.memoryGrowth, python.memoryGrowth]).toEqual([true, true]);
});

test('doctor: a Python without TensorFlow fails with the command that mends it; oneDNN off is seen in Node', async () => {
  const { code, stdout } = await cli(['doctor'], { ECG_PYTHON: '/bin/false', TF_ENABLE_ONEDNN_OPTS: '0' });
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAIL {2}TensorFlow in Python {2}\/bin\/false ended with 1: .*\n +→ npm run setup/);
  expect(stdout).toContain('ok    TensorFlow in Node');
  expect(stdout).toContain('Something failed. The arrows say what to do.');
});

const side: Side = {
  version: '1',
  executable: '/x',
  tensorflow: '2.16.1',
  libraries: [{ path: '/a/libtensorflow_cc.so.2', sha256: 'aa' }],
  oneDnn: true,
  gpus: 0,
  memoryGrowth: true,
  threads: '2',
};

test.each([
  { what: 'another path', other: [{ path: '/b/libtensorflow_cc.so.2', sha256: 'aa' }] },
  { what: 'another content', other: [{ path: '/a/libtensorflow_cc.so.2', sha256: 'bb' }] },
  { what: 'a second library', other: [...side.libraries, { path: '/b/libtensorflow.so.2', sha256: 'cc' }] },
  { what: 'no library', other: [] },
])('one library: $what fails', ({ other }) => {
  expect(compareLibraries(side, { ...side, libraries: other })).toMatchObject({ status: 'failed' });
  expect(compareLibraries({ ...side, libraries: other }, side)).toMatchObject({ status: 'failed' });
});

test('one library: two sides without any do not agree', () => {
  const none = { ...side, libraries: [] };
  expect(compareLibraries(none, none)).toMatchObject({ status: 'failed' });
});

test('the text puts the advice under what has failed', () => {
  const text = describeDiagnosis({
    schema: 1,
    ok: false,
    checks: [
      { name: 'a', status: 'ok', detail: 'good' },
      { name: 'long name', status: 'failed', detail: 'bad', advice: 'mend it' },
    ],
    machine: { platform: 'linux x64', processor: 'P' } as Diagnosis['machine'],
    node: { fault: 'x' },
    python: { fault: 'y' },
  });
  expect(text).toContain('ok    a          good\nFAIL  long name  bad\n                 → mend it\n');
});

test('the command line: help, unknown commands and options', async () => {
  expect(await cli(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('doctor') });
  expect(await cli(['doctor', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--json') });
  expect(await cli(['docter'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean doctor?') });
  expect(await cli(['doctor', '--jsn'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('See: ecg-transplant doctor --help'),
  });
  expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
