import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BridgeLostError, PythonError } from '../../src/bridge/errors.ts';
import { PythonSession } from '../../src/bridge/session.ts';
import { Transfer } from '../../src/bridge/transfer.ts';
import { bytesOf, type DType, fromBytes, itemSize, type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { alive } from '../process.ts';
import { python, root } from '../shared_data.ts';

// Its `load_pkl` does the fault that the name of the file says.
const original = join(root, 'test', 'fixtures', 'bridge');

type Options = Partial<Parameters<typeof PythonSession.open>[0]>;

const open = (options: Options = {}): Promise<PythonSession> => PythonSession.open({ python, original, ...options });

const fault = (session: PythonSession, file: string, timeoutMs = 20_000) =>
  session.call<{ recordIds: string[] }>('datasets.load', { folder: 'fault', file }, timeoutMs);

async function until(condition: () => boolean, seconds = 5): Promise<boolean> {
  for (let waited = 0; waited < 20 * seconds && !condition(); waited++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return condition();
}

describe('a Python that goes on', () => {
  let session: PythonSession;

  beforeAll(async () => {
    session = await open();
  });

  afterAll(() => session?.close());

  afterEach(async () => {
    expect(await session.call('echo', { value: 'still here' })).toBe('still here');
    expect(existsSync(session.exchange)).toBe(true);
  });

  it('may print garbage to both streams, from Python, C and threads: it goes to the log', async () => {
    expect((await fault(session, 'prints 1000')).recordIds).toEqual(['a']);
    await fault(session, 'threads');
    expect(session.logTail(1 << 26).includes('{"r": 10001}')).toBe(true);
  });

  it.each([
    ['unicode', 'ValueError', 'Ü ♥ 𝄞 \ud800 \0 \n\u2028'],
    ['huge', 'ValueError', expect.stringMatching(/^x{50000}\n… 49900000 characters left out …\nx{50000}$/)],
    ['deep', 'RecursionError', expect.stringContaining('maximum recursion depth')],
    ['mute', 'Mute', '(its text cannot be made)'],
    ['interrupt', 'KeyboardInterrupt', ''],
    ['group', 'ExceptionGroup', 'two (2 sub-exceptions)'],
  ])('may raise exceptions that are hard to tell of: %s', async (how, type, detail) => {
    const error = await fault(session, `raises ${how}`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PythonError);
    expect(error).toMatchObject({ type, detail });
    expect((error as PythonError).message).not.toContain('\x1b');
    expect((error as PythonError).traceback).toContain('Traceback (most recent call last)');
    expect((error as PythonError).traceback.length).toBeLessThan(110_000);
  });

  it('names the cause of an exception in its traceback', async () => {
    await expect(fault(session, 'raises chained')).rejects.toThrow(/ValueError: the cause[\s\S]*direct cause/);
  });

  it('may ask to exit, which is an exception as any other', async () => {
    await expect(fault(session, 'leaves system_exit')).rejects.toMatchObject({ type: 'SystemExit', detail: '4' });
  });

  it('may end the workers of a pool', async () => {
    expect((await fault(session, 'pool')).recordIds).toEqual(['0', '1', '2']);
  });

  it('answers 10,000 calls', async () => {
    for (let i = 0; i < 10_000; i += 100) {
      const values = Array.from({ length: 100 }, (_, j) => i + j);
      expect(await Promise.all(values.map((value) => session.call('echo', { value })))).toEqual(values);
    }
  });

  it('gives every array back bit for bit, NaN payloads and subnormals too, and leaves no file', async () => {
    const transfer = new Transfer(session);
    const types = Object.keys(itemSize) as DType[];
    const bytes = Uint8Array.from({ length: 24 * 8 }, (_, i) => (i * 73 + (i >> 3)) & 255);
    const arrays: NdArray[] = types.flatMap((dtype) => {
      const payload = dtype === 'bool' ? bytes.map((byte) => byte & 1) : bytes;
      const filled = fromBytes(dtype, [2, 3, 4], payload.slice(0, 24 * itemSize[dtype]));
      return [
        filled,
        { ...filled, shape: [24] },
        fromBytes(dtype, [0, 5], new Uint8Array(0)),
        fromBytes(dtype, [], payload.slice(0, itemSize[dtype])),
      ];
    });
    arrays.push(
      ndarray(
        'float32',
        [5],
        new Float32Array(Uint32Array.of(0x7fc01234, 0xffc00001, 0x7f800000, 0x80000000, 1).buffer),
      ),
      ndarray('float64', [3], new Float64Array(BigUint64Array.of(0x7ff8dead00000001n, 1n, 0x8000000000000000n).buffer)),
    );
    const back = await transfer.lend(arrays, async (files) =>
      transfer.takeAll(await session.call<string[]>('arrays.copy', { folder: transfer.folder(), files })),
    );
    for (const [i, array] of arrays.entries()) {
      expect([back[i].dtype, back[i].shape]).toEqual([array.dtype, array.shape]);
      expect(Buffer.compare(bytesOf(back[i]), bytesOf(array))).toBe(0);
    }
    expect(
      readdirSync(session.exchange, { recursive: true, withFileTypes: true }).filter(
        (e) => e.name.endsWith('.npy') && e.parentPath.includes('call-'),
      ),
    ).toEqual([]);
  });
});

describe('a Python that is lost', () => {
  it.each([
    ['leaves exit', /Python ended \(exit code 3\)/],
    ['leaves abort', /Python ended \(SIGABRT\)/],
    ['leaves segfault', /Python ended \(SIGSEGV\)/],
    ['leaves SIGKILL', /Python ended \(SIGKILL\)/],
    ['leaves SIGTERM', /Python ended \(exit code 1\)/],
    ['close_channel', /Python closed its channel/],
    [`channel ${Buffer.from('garbage\n').toString('hex')}`, /a line that is not a message \(Unexpected token/],
    [`channel ${Buffer.from('{"r": 5\n').toString('hex')}`, /a line that is not a message/],
    [`channel ${Buffer.from('null\n').toString('hex')}`, /a line that is not a message/],
    [`channel ${Buffer.from('\xff\xfe\0\n', 'latin1').toString('hex')}`, /a line that is not a message/],
  ])('is noticed within seconds, in the middle of a call: %s', async (how, message) => {
    const session = await open();
    const pid = await session.call<number>('pid');
    const begun = performance.now();
    const error = await fault(session, how).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BridgeLostError);
    expect((error as Error).message).toMatch(message);
    expect(performance.now() - begun).toBeLessThan(10_000);
    await expect(session.call('pid')).rejects.toThrow(message);
    await session.close();
    expect(await until(() => !alive(pid))).toBe(true);
    expect(existsSync(session.exchange)).toBe(false);
  });

  it('floods its log: stopped, with the end of what it printed', async () => {
    const session = await open({ maxLogBytes: 1 << 20 });
    const error = fault(session, 'prints 300000').then(() => fault(session, 'sleeps 20'));
    await expect(error).rejects.toThrow(/Python printed \d+ bytes, more than the 1048576 it may/);
    await session.close();
    expect(existsSync(session.exchange)).toBe(false);
  });

  it.each(['sleeps 600', 'computes'])('hangs: ended after the time limit (%s)', async (how) => {
    const session = await open();
    const pid = await session.call<number>('pid');
    await expect(fault(session, how, 500)).rejects.toThrow(/gave no answer within 0.5 s/);
    await session.close();
    expect(await until(() => !alive(pid))).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')('takes the processes it has forked with it', async () => {
    const session = await open();
    const children = (await fault(session, 'forks')).recordIds.map(Number);
    expect(children.every(alive)).toBe(true);
    await session.close();
    expect(await until(() => !children.some(alive))).toBe(true);
  });
});

describe.concurrent('a Node that ends', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holder-'));
  const script = join(folder, 'hold.mts');

  beforeAll(() =>
    writeFileSync(
      script,
      `import { PythonSession } from ${JSON.stringify(join(root, 'src/bridge/session.ts'))};
const session = await PythonSession.open(${JSON.stringify({ python, original })});
const pid = await session.call('pid');
void session.call('datasets.load', { folder: 'a', file: process.argv[2] }).catch(() => {});
console.log(JSON.stringify([pid, session.exchange]));
if (process.argv[3] === 'throw') throw new Error('on purpose');
if (process.argv[3] === 'exit') process.exit(5);
`,
    ),
  );

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function hold(...args: string[]): Promise<{ child: ChildProcess; pid: number; exchange: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
      cwd: root,
      // A group of its own, as a terminal makes one.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk)));
      child.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)));
    });
    const [pid, exchange] = JSON.parse(line) as [number, string];
    return { child, pid, exchange };
  }

  it.each([
    ['Ctrl-C', 'sleeps 600', (child: ChildProcess) => process.kill(-child.pid!, 'SIGINT')],
    ['Ctrl-C while Python computes', 'computes', (child: ChildProcess) => process.kill(-child.pid!, 'SIGINT')],
    ['kill -9', 'sleeps 600', (child: ChildProcess) => child.kill('SIGKILL')],
    ['kill -9 while Python computes', 'computes', (child: ChildProcess) => child.kill('SIGKILL')],
    ['kill', 'sleeps 600', (child: ChildProcess) => child.kill('SIGTERM')],
    ['a closed terminal', 'sleeps 600', (child: ChildProcess) => process.kill(-child.pid!, 'SIGHUP')],
  ])('leaves neither Python nor folder: %s', async (_title, how, end) => {
    const { child, pid, exchange } = await hold(how);
    expect(alive(pid) && existsSync(exchange)).toBe(true);
    end(child);
    expect(await until(() => !alive(pid))).toBe(true);
    expect(await until(() => !existsSync(exchange))).toBe(true);
  });

  it.each(['throw', 'exit'])('leaves neither Python nor folder: %s', async (how) => {
    const { pid, exchange } = await hold('sleeps 600', how);
    expect(await until(() => !alive(pid) && !existsSync(exchange))).toBe(true);
  });
});
