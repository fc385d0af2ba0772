import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256, startServer, type TestServer } from '../fetch/server.ts';
import { python, root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'fetch-data-'));
const program = join(root, 'bin', 'ecg-transplant.mjs');
const address = 'ptb-xl/1.0.3/';
const signal = randomBytes(120_000);
let server: TestServer;
let target: string;
let count = 0;

beforeEach(async () => {
  server = await startServer();
  target = join(folder, String(count++));
  const files = {
    'ptbxl_database.csv': 'd',
    'scp_statements.csv': 's',
    'records500/00000/00001_hr.dat': signal,
    'records500/00000/00001_hr.hea': 'z',
  };
  for (const [path, content] of Object.entries(files)) server.publish(address + path, content);
  const lines = Object.entries(files).map(([path, content]) => `${sha256(content)}  ${path}\n`);
  server.publish(`${address}SHA256SUMS.txt`, lines.join(''));
});

afterEach(() => server.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function start(args: readonly string[], shell?: string): { child: ChildProcess; ended: Promise<Ended> } {
  const all = [program, 'fetch-data', 'ptbxl', '--target', target, '--mirror', server.address, ...args];
  const env = { ...process.env, CI: '1' };
  const child = shell
    ? spawn('/bin/bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, ...all], { env })
    : spawn(process.execPath, all, { env });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdin.end();
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stderr })));
  return { child, ended };
}

const arrived = (): string => join(target, 'ptbxl', 'records500', '00000', '00001_hr.dat');

describe('ecg-transplant fetch-data', () => {
  it('shows sizes and licence, asks, fetches, and does nothing the second time', async () => {
    const refused = await start([]).ended;
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/files {4}4 to fetch\n {2}size {5}about 7 MB\n {2}licence {2}CC BY 4.0, https:/);
    expect(refused.stderr).toMatch(/Free in .*: .* GB\n/);
    expect(refused.stderr).toMatch(/cannot ask for confirmation, because this is not a terminal. Pass --yes/);
    expect(existsSync(arrived())).toBe(false);

    const { code, stderr } = await start(['--yes']).ended;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/ptbxl: complete, 4 files\n$/)]);
    expect(readFileSync(arrived()).equals(signal)).toBe(true);
    server.requests.length = 0;
    expect(await start([]).ended).toEqual({ code: 0, stderr: `${join(target, 'ptbxl')}: complete, 4 files\n` });
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['n\\r', 1, false],
    ['\\r', 1, false],
    ['\\x03', 130, false],
    ['y\\r', 0, true],
  ])('asked at a terminal, and told %j', async (keys, expected, fetched) => {
    const terminal = join(root, 'test', 'fixtures', 'fetch', 'terminal.py');
    const command = [process.execPath, program, 'fetch-data', 'ptbxl', '--target', target, '--mirror', server.address];
    const { stdout } = await promisify(execFile)(python, [terminal, '[y/N]', keys, ...command]);
    expect(stdout).toMatch(/Download this, and comply with the licences\? \[y\/N\]/);
    expect(Number(stdout.trim().split('\n').at(-1))).toBe(expected);
    expect(existsSync(arrived())).toBe(fetched);
  });

  it('Ctrl-C keeps what is done, within a file too', async () => {
    let child: ChildProcess | undefined;
    server.fault = ({ url }, response) => {
      if (!url!.endsWith('.dat')) return false;
      const etag = `"${sha256(signal).slice(0, 16)}"`;
      response.writeHead(200, { etag, 'content-length': signal.length }).write(signal.subarray(0, 70_000));
      setTimeout(() => child!.kill('SIGINT'), 300);
      return true;
    };
    const first = start(['--yes', '--connections', '1']);
    child = first.child;
    expect(await first.ended).toEqual({
      code: 130,
      stderr: expect.stringMatching(/Stopped. Run the same command again to continue.\n$/),
    });
    server.fault = undefined;
    server.requests.length = 0;
    expect((await start(['--yes']).ended).code).toBe(0);
    expect(server.requests.filter(({ path }) => path.endsWith('.dat')).map(({ range }) => range)).toEqual([
      expect.stringMatching(/^bytes=[1-9]\d+-$/),
    ]);
    expect(server.requests.length).toBe(2);
    expect(readFileSync(arrived()).equals(signal)).toBe(true);
  });

  it('kill -9 too', async () => {
    let child: ChildProcess | undefined;
    server.fault = ({ url }, response) => {
      if (!url!.endsWith('.dat')) return false;
      const etag = `"${sha256(signal).slice(0, 16)}"`;
      response.writeHead(200, { etag, 'content-length': signal.length }).write(signal.subarray(0, 70_000));
      setTimeout(() => child!.kill('SIGKILL'), 300);
      return true;
    };
    const first = start(['--yes', '--connections', '1']);
    child = first.child;
    expect((await first.ended).code).toBe(null);
    server.fault = undefined;
    expect((await start(['--yes']).ended).code).toBe(0);
    expect(server.requests.at(-2)?.range ?? server.requests.at(-1)?.range).toMatch(/^bytes=[1-9]\d+-$/);
    expect(readFileSync(arrived()).equals(signal)).toBe(true);
  });

  it('a server that answers in another protocol: says so, and gives the lock back', async () => {
    server.fault = (_, response) => {
      response.socket!.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n');
      return true;
    };
    const { code, stderr } = await start(['--yes']).ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/did not return the file; got status 101/)]);
    expect(readdirSync(join(target, '.fetch', 'ptbxl'))).toEqual([]);
  });

  it('a full disk: says so, and goes on when there is room', async () => {
    const { code, stderr } = await start(['--yes'], 'ulimit -f 64; trap "" XFSZ').ended;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/no space left to write; got EFBIG. Free some space and run the same/),
    ]);
    expect(existsSync(arrived())).toBe(false);
    expect((await start(['--yes']).ended).code).toBe(0);
    expect(readFileSync(arrived()).equals(signal)).toBe(true);
    expect(readdirSync(join(target, 'ptbxl', 'records500', '00000'))).toEqual(['00001_hr.dat', '00001_hr.hea']);
  });

  it.each([
    [['mitdb'], /SET: invalid value; got mitdb; expected icentia11k, cinc2017, cpsc2018, ptbxl or all/, 2],
    [['--connections', '0'], /--connections: invalid value; got 0/, 2],
    [['--patients', 'x'], /--patients/, 2],
    [['--mirror', 'http://example.org/'], /not safe to download from; got http:\/\/example.org\/ptb-xl/, 1],
    [['--mirror', 'nowhere'], /--mirror: invalid address; got nowhere/, 2],
  ])('%j is refused: %s, exit code %i', async (args, message, expected) => {
    const { code, stderr } = await start(args).ended;
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)]);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});
