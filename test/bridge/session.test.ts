import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BridgeLostError, BridgeStartError, PythonError } from '../../src/bridge/errors.ts';
import { PythonSession } from '../../src/bridge/session.ts';
import { alive } from '../process.ts';
import { python, root } from '../shared_data.ts';

const original = join(root, 'original');
let session: PythonSession | undefined;

async function open(options: Partial<Parameters<typeof PythonSession.open>[0]> = {}): Promise<PythonSession> {
  session = await PythonSession.open({ python, original, ...options });
  return session;
}

async function gone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100 && alive(pid); attempt++) await new Promise((resolve) => setTimeout(resolve, 50));
  return !alive(pid);
}

afterEach(async () => {
  await session?.close();
  session = undefined;
});

describe('PythonSession', () => {
  it('carries NaN, infinities, unicode, null and nested values both ways', async () => {
    const value = [Number.NaN, Infinity, -Infinity, -0.1, 'Ü ♥ 𝄞\n"', null, true, { a: [1, { b: 5e-324 }] }, []];
    expect(await (await open()).call('echo', { value })).toEqual(value);
  });

  it('turns a Python exception into a PythonError with type, message and traceback, and goes on', async () => {
    const python = await open();
    const failure = await python
      .call('datasets.load', { folder: 'x', file: '/nowhere.pkl' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PythonError);
    expect(failure).toMatchObject({ request: 'datasets.load', type: expect.stringMatching(/Error$/) });
    expect((failure as PythonError).traceback).toContain('Traceback (most recent call last)');
    expect(await python.call('echo', { value: 1 })).toBe(1);
  });

  it.each([
    ['the first of all', undefined, '0'],
    ['the first of the chosen ones', '3,1', '3'],
    ['none, if none is chosen', '', ''],
  ])('shows Python one GPU: %s', async (_title, chosen, expected) => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', chosen);
    const pid = await (await open()).call<number>('pid');
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(variables).toContain(`CUDA_VISIBLE_DEVICES=${expected}`);
    vi.unstubAllEnvs();
  });

  it('serves only what is listed', async () => {
    const python = await open();
    await expect(python.call('process.os', {})).rejects.toThrow('process.os is not served');
  });

  it('leaves neither process nor folder behind when it is closed', async () => {
    const python = await open();
    const pid = await python.call<number>('pid');
    expect(existsSync(python.exchange)).toBe(true);
    await python.close();
    expect(await gone(pid)).toBe(true);
    expect(existsSync(python.exchange)).toBe(false);
    await expect(python.call('pid')).rejects.toThrow(BridgeLostError);
  });

  it('opens again after it was closed', async () => {
    const first = await (await open()).call<number>('pid');
    await session?.close();
    expect(await (await open()).call<number>('pid')).not.toBe(first);
  });

  it('notices within seconds that Python was killed in the middle of a call', async () => {
    const python = await open();
    const pid = await python.call<number>('pid');
    process.kill(pid, 'SIGSTOP');
    const call = python.call('pid');
    process.kill(pid, 'SIGKILL');
    await expect(call).rejects.toThrow(/Python ended \(SIGKILL\)/);
    expect(existsSync(python.exchange)).toBe(false);
  });

  it('ends a Python that hangs, after the time limit of the call', async () => {
    const python = await open();
    const pid = await python.call<number>('pid');
    process.kill(pid, 'SIGSTOP');
    await expect(python.call('pid', {}, 300)).rejects.toThrow(/pid: Python gave no answer within 0.3 s/);
    expect(await gone(pid)).toBe(true);
  });

  it('ends the calls that wait when it is closed, and leaves no clock running', async () => {
    const python = await open();
    const clocks = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = clocks();
    process.kill(await python.call<number>('pid'), 'SIGSTOP');
    const call = python.call('pid', {}, 2 ** 31 - 1);
    const refused = expect(call).rejects.toThrow('the Python session was closed');
    await python.close();
    await refused;
    expect(clocks()).toBeLessThanOrEqual(before);
  });

  it('refuses a second session beside an open one, and a Python that is not there', async () => {
    await open();
    await expect(PythonSession.open({ python, original })).rejects.toThrow(BridgeStartError);
    await session?.close();
    await expect(open({ python: '/nowhere/python' })).rejects.toThrow(/npm run setup/);
  });

  it.each([
    ['ends at once', 'exit 3', /Python ended \(exit code 3\)/],
    [
      'says why and ends',
      'echo "SyntaxError: broken" >&2; exit 1',
      /exit code 1\)\. It printed last:\nSyntaxError: broken/,
    ],
    ['is killed', 'kill -9 $$', /Python ended \(SIGKILL\)/],
    ['sends garbage', 'echo "{nonsense" >&3; exec sleep 60', /Python sent a line that is not a message/],
    ['hangs', 'exec sleep 60', /Python gave no answer within 2 s/],
  ])('does not wait for a Python that %s', async (_, program, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-'));
    const fake = join(folder, 'python');
    writeFileSync(fake, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const begun = performance.now();
    const opening = open({ python: fake, startTimeoutMs: 2000 });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(BridgeStartError);
    expect(performance.now() - begun).toBeLessThan(20_000);
    rmSync(folder, { recursive: true });
  });

  it('says that a file is no program', async () => {
    await expect(open({ python: join(root, 'package.json') })).rejects.toThrow(/cannot be started: .*EACCES/);
  });

  it('names the folder that holds no original', async () => {
    await expect(open({ original: '/nowhere' })).rejects.toThrow(/\/nowhere holds no package 'transplant'/);
  });
});

describe('a process that is killed', () => {
  it('takes its Python and the exchange folder with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-'));
    const script = join(folder, 'hold.mts');
    writeFileSync(
      script,
      `import { PythonSession } from ${JSON.stringify(join(root, 'src/bridge/session.ts'))};
const session = await PythonSession.open(${JSON.stringify({ python, original })});
console.log(JSON.stringify([await session.call('pid'), session.exchange]));
setInterval(() => {}, 1000);
`,
    );
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [pid, exchange] = await new Promise<[number, string]>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk;
        if (text.includes('\n')) resolve(JSON.parse(text) as [number, string]);
      });
      child.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)));
    });
    expect(alive(pid)).toBe(true);
    child.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
    for (let attempt = 0; attempt < 60 && existsSync(exchange); attempt++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(existsSync(exchange)).toBe(false);
    rmSync(folder, { recursive: true });
  });
});
