import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { ProgressEvent } from '../../src/events.ts';
import { fetchFile, fetchFolder, type RemoteFileOptions } from '../../src/fetch/remote.ts';
import { type Address, readAddress } from '../../src/lib/address.ts';
import { cutAt, sha256, startServer, type TestServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'remote-'));
const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i) % 251));
const patience = { attempts: 3, backOff: 1, stall: 200 };
let server: TestServer;
let cache: string;
let count = 0;
let events: ProgressEvent[];

beforeAll(async () => {
  server = await startServer();
});

beforeEach(() => {
  cache = join(folder, `cache${count++}`);
  events = [];
  server.files.clear();
  server.requests.length = 0;
  server.fault = undefined;
  server.publish('a/weights.h5', content);
});

afterEach(() => {
  // Whatever happened, no lock and no temporary file is left.
  const left = existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : [];
  expect(left.filter((name) => /\.(tmp|lock)$/.test(name))).toEqual([]);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const addressOf = (path: string, pin = ''): Address =>
  readAddress(server.address + path + pin, 'file', '--weights-file');
const fetchIt = (address = addressOf('a/weights.h5'), options: RemoteFileOptions = {}) =>
  fetchFile(address, { cache, patience, report: (event) => events.push(event), ...options });
const messages = (): string[] => events.flatMap((event) => (event.kind === 'message' ? [event.text] : []));

describe('fetchFile', () => {
  it('keeps a file under its SHA-256, and shows how far it is', async () => {
    const { path, sha256: digest } = await fetchIt();
    expect(digest).toBe(sha256(content));
    expect(path).toBe(join(cache, 'files', digest, 'weights.h5'));
    expect(readFileSync(path)).toEqual(content);
    expect(messages()).toEqual([`${server.address}a/weights.h5: SHA-256 ${digest}`]);
    expect(events.find(({ kind }) => kind === 'start')).toMatchObject({ total: 1, unit: 'MB' });
    expect(events.some(({ kind }) => kind === 'progress')).toBe(true);
  });

  it('does not contact the server a second time', async () => {
    const first = await fetchIt();
    const offline: TestServer['fault'] = (_, response) => {
      response.destroy();
      return true;
    };
    server.fault = offline;
    expect(await fetchIt()).toEqual(first);
    expect(server.requests.length).toBe(1);
    expect(messages().at(-1)).toContain('from the cache');
    // Nor for another address with a checksum that the cache has.
    expect(await fetchIt(addressOf('b/weights.h5', `#sha256=${first.sha256}`))).toEqual(first);
    expect(server.requests.length).toBe(1);
  });

  it('fetches again what was changed in the cache', async () => {
    const { path } = await fetchIt();
    writeFileSync(path, 'damaged');
    await fetchIt();
    expect(readFileSync(path)).toEqual(content);
  });

  it('keeps the old file when an address gives another one to those who ask for it by its checksum', async () => {
    const old = await fetchIt();
    server.publish('a/weights.h5', 'new');
    const fresh = await fetchIt(addressOf('a/weights.h5', `#sha256=${sha256('new')}`));
    expect(readFileSync(fresh.path, 'utf8')).toBe('new');
    expect(await fetchIt(addressOf('a/weights.h5', `#sha256=${old.sha256}`))).toEqual(old);
    expect(server.requests.length).toBe(2);
  });

  it('goes on in the middle of a file', async () => {
    server.fault = (_, response) => cutAt(response, { content }, 0, 70_000);
    const impatient = { attempts: 1, backOff: 1 };
    await expect(fetchIt(undefined, { patience: impatient })).rejects.toThrow(/Run the same command again later/);
    server.fault = undefined;
    const { path } = await fetchIt();
    expect(readFileSync(path)).toEqual(content);
    expect(server.requests.at(-1)!.range).toMatch(/^bytes=[1-9]\d{3,}-$/);
  });

  it('fetches once if two ask at the same time', async () => {
    const [a, b] = await Promise.all([fetchIt(), fetchIt()]);
    expect(a).toEqual(b);
    expect(server.requests.length).toBe(1);
    expect(messages().some((text) => text.includes('waiting for another process'))).toBe(true);
  });

  it.each<[string, string, RemoteFileOptions, RegExp]>([
    [
      'a file that is not there',
      'a/nothing.h5',
      {},
      /did not return the file; got status 404. Check the address: owner/,
    ],
    [
      'another file than the checksum says',
      `a/weights.h5#sha256=${'0'.repeat(64)}`,
      {},
      /another one than expected; got SHA-256 [0-9a-f]{64}; expected 0{64}/,
    ],
    [
      'a page instead of the file',
      'page',
      {},
      /returned a page, not the file; got a web page.*hf:\/\/OWNER\/REPO\/FILE@REVISION/,
    ],
    ['a file that needs a login', 'secret', {}, /status 401. Only files that anybody may read/],
    ['a redirect to http on another machine', 'away', {}, /not safe to download from; got http:\/\/example\.org/],
    ['a larger file', 'a/weights.h5', { maxBytes: 99_999 }, /larger than expected; got 100000 bytes/],
    ['a file without a length that never ends', 'endless', { maxBytes: 2 ** 16 }, /larger than expected/],
    [
      'a file of another kind',
      'a/weights.h5',
      {
        check: () => {
          throw new InputError('another kind');
        },
      },
      /another kind/,
    ],
  ])('refuses %s, and keeps nothing of it', async (_, path, options, message) => {
    server.publish('page', '<!DOCTYPE html><html><body>Log in</body></html>');
    server.fault = ({ url }, response) => {
      if (url === '/secret') response.writeHead(401).end();
      else if (url === '/away') response.writeHead(302, { location: 'http://example.org/x' }).end();
      else if (url === '/endless') for (let i = 0; i < 3; i++) response.write(content);
      else return false;
      return true;
    };
    await expect(fetchIt(readAddress(server.address + path, 'file', '-'), options)).rejects.toThrow(message);
    expect(existsSync(join(cache, 'files'))).toBe(false);
    const left = readdirSync(join(cache, 'partial'), { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => !/\.part(\.json)?$/.test(name)).length).toBe(1);
  });
});

describe('fetchFolder', () => {
  const names = ['model.json', 'weights.h5'];
  const publish = (change: Record<string, string> = {}): void => {
    const files: Record<string, string> = { 'model.json': '{}', 'weights.h5': 'w', ...change };
    const sums = ['model.json', 'weights.h5'].map((name) => `${sha256(name === 'model.json' ? '{}' : 'w')}  ${name}\n`);
    server.publish('m/SHA256SUMS', change.SHA256SUMS ?? sums.join(''));
    for (const name of names) server.publish(`m/${name}`, files[name]);
  };
  const fetchAll = (pin = '') =>
    fetchFolder(readAddress(`${server.address}m${pin}`, 'folder', '--job-dir'), names, { cache, patience });

  it('fetches the files of the list once', async () => {
    publish();
    const found = await fetchAll();
    expect(names.map((name) => readFileSync(join(found, name), 'utf8'))).toEqual(['{}', 'w']);
    server.files.clear();
    expect(await fetchAll()).toBe(found);
    expect(server.requests.length).toBe(3);
    const pin = sha256(readFileSync(join(cache, 'files', readdirSync(join(cache, 'files'))[0], 'SHA256SUMS')));
    expect(await fetchAll(`#sha256=${pin}`)).toBe(found);
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['a file with another checksum', { 'weights.h5': 'other' }, '', /not the published one; got SHA-256/],
    [
      'a list without the files',
      { SHA256SUMS: `${'0'.repeat(64)}  README.md\n` },
      '',
      /not a published model; got no model\.json/,
    ],
    ['something that is not a list', { SHA256SUMS: 'nothing' }, '', /list of checksums cannot be read/],
    ['a page instead of the list', { SHA256SUMS: '<html></html>' }, '', /returned a page/],
    ['another list than the checksum says', {}, `#sha256=${'0'.repeat(64)}`, /another one than expected/],
  ])('refuses %s', async (_, change, pin, message) => {
    publish(change);
    await expect(fetchAll(pin)).rejects.toThrow(message);
  });
});
