import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { type Download, type DownloadOptions, download, type Patience } from '../../src/fetch/download.ts';
import { HttpClient, TemporaryFault } from '../../src/fetch/http.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { cutAt, sha256, startServer, type TestServer } from './server.ts';

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return { ...actual, open: vi.fn(actual.open) };
});

const folder = mkdtempSync(join(tmpdir(), 'download-'));
const content = randomBytes(300_000);
const draws = new RandomState();
draws.seed(7);

let server: TestServer;
let client: HttpClient;
let target: string;
let count = 0;

beforeEach(async () => {
  server = await startServer();
  server.publish('a/file.dat', content);
  client = new HttpClient();
  target = join(folder, String(count++), 'file.dat');
});

afterEach(async () => {
  client.close();
  await server.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quick: Patience = { attempts: 4, minGain: 1000, backOff: 1 };
/** For the tests of silence alone: a busy machine would be taken for a silent server. */
const stall = 300;

function fetchFile(file: Partial<Download> = {}, options: Partial<DownloadOptions> = {}): Promise<void> {
  const wanted = { address: `${server.address}a/file.dat`, target, sha256: sha256(content), maxBytes: 1e6, ...file };
  return download(wanted, { client, patience: quick, ...options });
}

const ranges = (): (string | undefined)[] => server.requests.map(({ range }) => range);
/** A request for the rest; how much the client had read of what was cut off is a matter of luck. */
const rest = expect.stringMatching(/^bytes=[1-9]\d+-$/);
const part = (): string => `${target}.part`;

describe('download', () => {
  it.each([
    '',
    'null',
    '[]',
    '{"address":5}',
    '{"address":"ADDRESS","validator":"x\\r\\nHost: elsewhere","length":300000}',
    '{"address":"ADDRESS","validator":"x","length":"300000"}',
    '{"address":"ADDRESS","validator":"x","length":-1}',
    '{"__proto__":{"length":300000},"address":"ADDRESS","validator":"x"}',
    `{"address":${'['.repeat(100_000)}`,
  ])('begins anew where what is known of a partial file is %.60s', async (known) => {
    mkdirSync(join(target, '..'));
    writeFileSync(part(), content.subarray(0, 1000));
    writeFileSync(`${part()}.json`, known.replace('ADDRESS', `${server.address}a/file.dat`));
    await fetchFile();
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(ranges()).toEqual([undefined]);
  });

  it('fetches a file, under its name only when it is whole', async () => {
    let bytes = 0;
    await fetchFile({}, { onBytes: (more) => (bytes += more) });
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(bytes).toBe(content.length);
    expect(readdirSync(join(target, '..'))).toEqual(['file.dat']);
    expect(ranges()).toEqual([undefined]);
  });

  it('goes on after cuts at random bytes, without fetching a byte twice', async () => {
    const cuts: number[] = [];
    const expected: number[] = [];
    const asked: number[] = [];
    server.fault = (request, response) => {
      expected.push(statSync(part(), { throwIfNoEntry: false })?.size ?? 0);
      const from = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      asked.push(from);
      if (cuts.length === 8) return false;
      const size = 2000 + draws.randint(30_000);
      cuts.push(size);
      return cutAt(response, { content }, from, size);
    };
    let bytes = 0;
    await fetchFile({}, { onBytes: (more) => (bytes += more) });
    expect(cuts.length).toBe(8);
    expect(asked.length).toBe(9);
    expect(asked).toEqual(expected);
    expect(bytes).toBe(content.length);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('keeps a partial file for the next call', async () => {
    server.fault = (_, response, attempt) => {
      if (attempt === 1) return cutAt(response, { content }, 0, 100_000);
      response.writeHead(503).end();
      return true;
    };
    await expect(fetchFile()).rejects.toThrow(/answered 503; gave up after 4 attempts/);
    await expect(fetchFile()).rejects.toThrow(TemporaryFault);
    const kept = readFileSync(part());
    expect(kept.length).toBeGreaterThan(10_000);
    expect(kept.equals(content.subarray(0, kept.length))).toBe(true);
    expect(existsSync(target)).toBe(false);
    server.fault = undefined;
    let bytes = 0;
    await fetchFile({}, { onBytes: (more) => (bytes += more) });
    expect(ranges().at(-1)).toEqual(rest);
    expect(bytes).toBe(content.length);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('starts anew where the file has changed between the parts (ETag)', async () => {
    const newer = randomBytes(200_000);
    server.fault = (_, response, attempt) => {
      if (attempt > 1) return false;
      server.publish('a/file.dat', newer);
      return cutAt(response, { content }, 0, 150_000);
    };
    await fetchFile({ sha256: sha256(newer) });
    expect(ranges()).toEqual([undefined, rest]);
    expect(readFileSync(target).equals(newer)).toBe(true);
  });

  it('starts anew with a server that has no ranges, or no ETag', async () => {
    const faults: TestServer['fault'][] = [
      (_, response, attempt) => attempt === 1 && cutAt(response, { content }, 0, 150_000),
      (_, response, attempt) => {
        if (attempt > 1) return false;
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 150_000), () => response.destroy());
        return true;
      },
    ];
    server.ranges = false;
    for (const fault of faults) {
      server.fault = fault;
      rmSync(target, { force: true });
      server.requests.length = 0;
      await fetchFile();
      expect(readFileSync(target).equals(content)).toBe(true);
    }
  });

  it('does not believe a range that is not the one asked for', async () => {
    server.fault = (request, response, attempt) => {
      if (attempt === 1) return cutAt(response, { content }, 0, 100_000);
      if (request.headers.range === undefined) return false;
      response.writeHead(206, { 'content-range': `bytes 0-${content.length - 1}/${content.length}` }).end(content);
      return true;
    };
    await fetchFile();
    expect(ranges()).toEqual([undefined, rest, undefined]);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('416: starts anew', async () => {
    server.fault = (request, response, attempt) => {
      if (attempt === 1) return cutAt(response, { content }, 0, 100_000);
      if (request.headers.range === undefined) return false;
      response.writeHead(416).end();
      return true;
    };
    await fetchFile();
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('a partial file that was damaged on the disk is found out by the checksum', async () => {
    server.fault = (_, response, attempt) => attempt === 1 && cutAt(response, { content }, 0, 100_000);
    await expect(fetchFile({}, { patience: { ...quick, attempts: 1 } })).rejects.toThrow(TemporaryFault);
    writeFileSync(part(), Buffer.alloc(100_000));
    await fetchFile();
    expect(ranges()).toEqual([undefined, rest, undefined]);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('wrong checksum: asks once more, then refuses and leaves nothing', async () => {
    const wrong = sha256('another file');
    await expect(fetchFile({ sha256: wrong })).rejects.toThrow(
      `the file is not the published one; got SHA-256 ${sha256(content)}; expected ${wrong}`,
    );
    expect(server.requests.length).toBe(2);
    expect(readdirSync(join(target, '..'))).toEqual([]);
  });

  it.each([500, 502, 503, 504, 429, 408])('%i: tries again', async (status) => {
    server.fault = (_, response, attempt) => attempt < 3 && Boolean(response.writeHead(status).end());
    await fetchFile();
    expect(server.requests.length).toBe(3);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('429 with Retry-After: waits as long as it is asked to', async () => {
    server.fault = (_, response, attempt) =>
      attempt === 1 && Boolean(response.writeHead(429, { 'retry-after': '1' }).end());
    const begun = Date.now();
    const reasons: string[] = [];
    await fetchFile({}, { onRetry: (reason) => reasons.push(reason) });
    expect(Date.now() - begun).toBeGreaterThan(950);
    expect(reasons).toEqual([expect.stringMatching(/answered 429; again in 1\.0 s/)]);
  });

  it.each([404, 403, 401, 410, 400])('%i: does not', async (status) => {
    server.fault = (_, response) => Boolean(response.writeHead(status).end());
    await expect(fetchFile()).rejects.toThrow(InputError);
    await expect(fetchFile()).rejects.toThrow(
      new RegExp(`a/file.dat: the server did not return the file; got status ${status}`),
    );
    expect(server.requests.length).toBe(2);
  });

  it('a server that falls silent, before or within its answer', async () => {
    server.fault = (_, response, attempt) => {
      if (attempt === 1) return true;
      if (attempt > 2) return false;
      response.writeHead(200, { 'content-length': content.length, etag: '"x"' });
      response.write(content.subarray(0, 50_000));
      return true;
    };
    const reasons: string[] = [];
    const hasty = new HttpClient({ stall });
    await fetchFile({}, { client: hasty, patience: { ...quick, stall }, onRetry: (reason) => reasons.push(reason) });
    hasty.close();
    expect(reasons[0]).toMatch(/did not answer within 0.3 s/);
    expect(reasons.length).toBeGreaterThanOrEqual(2);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('a slow drip', async () => {
    const timers: NodeJS.Timeout[] = [];
    server.fault = (_, response, attempt) => {
      if (attempt > 1) return false;
      response.writeHead(200, { 'content-length': content.length, etag: '"x"' });
      timers.push(setInterval(() => response.write('.'), 20));
      return true;
    };
    const reasons: string[] = [];
    await fetchFile({}, { patience: { ...quick, stall }, onRetry: (reason) => reasons.push(reason) });
    for (const timer of timers) clearInterval(timer);
    expect(reasons[0]).toMatch(/sent \d+ bytes in 0.3 s/);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('a rate that would take for ever, and nothing of trailers without end', async () => {
    const timers: NodeJS.Timeout[] = [];
    server.fault = (_, response, attempt) => {
      if (attempt > 2) return false;
      const { socket } = response;
      socket!.write(`HTTP/1.1 200 OK\r\netag: "x"\r\ntransfer-encoding: chunked\r\n\r\n`);
      if (attempt === 1) timers.push(setInterval(() => socket!.write(`60\r\n${'.'.repeat(96)}\r\n`), 150));
      else {
        socket!.write('1\r\n.\r\n0\r\n');
        timers.push(setInterval(() => socket!.write('x: y\r\n'), 10));
      }
      return true;
    };
    const reasons: string[] = [];
    await fetchFile({}, { patience: { ...quick, stall }, onRetry: (reason) => reasons.push(reason) });
    for (const timer of timers) clearInterval(timer);
    expect(reasons).toEqual([
      expect.stringMatching(/sent (96|192) bytes in 0.3 s/),
      expect.stringMatching(/sent [01] bytes in 0.3 s/),
    ]);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('a file that breaks off and begins anew for ever', async () => {
    server.ranges = false;
    let size = 0;
    server.fault = (_, response) => {
      response.writeHead(200);
      size += 20_000;
      response.write(content.subarray(0, size), () => setTimeout(() => response.destroy(), 5));
      return true;
    };
    await expect(fetchFile({ maxBytes: content.length })).rejects.toThrow(/gave up after \d attempts and \d+ bytes/);
    expect(server.requests.length).toBeLessThan(15);
  });

  it.each<[string, (path: string) => void]>([
    ['a link', (path) => symlinkSync(join(folder, 'victim'), path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ])('%s in place of the partial file is removed, not written through', async (_, make) => {
    writeFileSync(join(folder, 'victim'), 'mine');
    for (const name of [part(), `${part()}.json`]) {
      mkdirSync(join(target, '..'), { recursive: true });
      make(name);
      await fetchFile();
      expect(readFileSync(target).equals(content)).toBe(true);
      expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('mine');
      rmSync(join(target, '..'), { recursive: true });
    }
  });

  it('no server', async () => {
    await server.close();
    await expect(fetchFile()).rejects.toThrow(/cannot be reached: ECONNREFUSED; gave up after 4 attempts/);
  });

  it('a file that is longer than it can be, announced or not', async () => {
    await expect(fetchFile({ maxBytes: 1000 })).rejects.toThrow(
      /larger than expected; got 300000 bytes; expected at most 1000/,
    );
    server.fault = (_, response) => {
      response.writeHead(200);
      response.end(content);
      return true;
    };
    await expect(fetchFile({ maxBytes: 1000 })).rejects.toThrow(/larger than expected/);
    expect(existsSync(target)).toBe(false);
  });

  it('an answer without a length that is cut off', async () => {
    server.fault = (_, response, attempt) => {
      if (attempt > 1) return false;
      response.writeHead(200);
      response.write(content.subarray(0, 100_000), () => response.destroy());
      return true;
    };
    await fetchFile();
    expect(ranges()).toEqual([undefined, undefined]);
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  it('a full disk', async () => {
    await fetchFile();
    rmSync(target);
    const { open } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
    vi.mocked(openFile).mockImplementationOnce(async (...options) => {
      const handle = await open(...options);
      handle.write = async () => {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      };
      return handle;
    });
    await expect(fetchFile()).rejects.toThrow(
      /no space left to write; got ENOSPC. Free some space and run the same command again/,
    );
    expect(existsSync(target)).toBe(false);
  });

  it('stops when it is told to, and goes on later', async () => {
    const stop = new AbortController();
    server.fault = (_, response, attempt) => {
      if (attempt > 1) return false;
      response.writeHead(200, { 'content-length': content.length, etag: `"${sha256(content).slice(0, 16)}"` });
      response.write(content.subarray(0, 120_000));
      setTimeout(() => stop.abort(), 100);
      return true;
    };
    await expect(fetchFile({}, { signal: stop.signal })).rejects.toThrow(/aborted/);
    expect(statSync(part()).size).toBeGreaterThan(10_000);
    await fetchFile();
    expect(ranges()).toEqual([undefined, rest]);
    expect(readFileSync(target).equals(content)).toBe(true);
  });
});
