import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/commands/fetch_original.ts';
import { packages } from '../../src/compare/witness.ts';
import { InputError } from '../../src/errors.ts';
import { HttpClient, TemporaryFault } from '../../src/fetch/http.ts';
import { type FetchOriginalOptions, fetchOriginal } from '../../src/fetch/original.ts';
import { python, root } from '../shared_data.ts';
import { startServer, type TestServer } from './server.ts';

const commit = `c255af5${'1'.repeat(33)}`;
const name = 'ecg-transfer-learning-c255af5';
let folder: string;
let server: TestServer;
let client: HttpClient;
let target: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fetch-original-'));
  target = join(folder, 'place', 'upstream');
  server = await startServer();
  client = new HttpClient({ stall: 1000 });
});

afterEach(async () => {
  client.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A tree in the form of upstream's, with its packages of `original/`, changed by a line. */
function tree(): string {
  const path = join(folder, 'made', name);
  for (const part of packages) cpSync(join(root, 'original', part), join(path, part), { recursive: true });
  appendFileSync(join(path, 'transplant', 'utils.py'), '# upstream\n');
  writeFileSync(join(path, 'README.md'), 'upstream\n');
  return path;
}

/** Packs the folder as `git archive` does, with the commit in the first header, unless it is undefined. */
function pack(path: string, names: readonly string[] = [name], of: string | undefined = commit): Buffer {
  const file = join(folder, 'made.tar.gz');
  const script = `
import sys, tarfile
path, out, commit, *names = sys.argv[1:]
with tarfile.open(out, "w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": commit} if commit else {}) as archive:
    for name in names:
        archive.add(path + "/" + name, name, filter=lambda info: None if "__pycache__" in info.name else info)
`;
  execFileSync(python, ['-c', script, join(path, '..'), file, of ?? '', ...names]);
  return readFileSync(file);
}

function fetchIt(options: Partial<FetchOriginalOptions> = {}): ReturnType<typeof fetchOriginal> {
  const patience = { attempts: 2, backOff: 10, stall: 1000 };
  return fetchOriginal({ target, client, address: `${server.address}up.tar.gz`, patience, ...options });
}

/** The target is not there, nor anything half done beside it. */
function expectNothing(): void {
  expect(existsSync(target)).toBe(false);
  expect(existsSync(join(folder, 'place')) ? readdirSync(join(folder, 'place')) : []).toEqual([]);
}

describe('fetchOriginal', () => {
  it('fetches, says what it is, and does nothing the second time', async () => {
    server.publish('up.tar.gz', pack(tree()));
    const witness = await fetchIt();
    expect(witness).toMatchObject({ kind: 'upstream', folder: target });
    expect(witness.title).toMatch(/^upstream c255af5 \(tree [0-9a-f]{12}\)$/);
    expect(readFileSync(join(target, 'README.md'), 'utf8')).toBe('upstream\n');
    expect(readdirSync(join(folder, 'place'))).toEqual(['upstream']);
    const asked = server.requests.length;
    expect(await fetchIt({ digest: witness.digest })).toEqual(witness);
    expect(server.requests.length).toBe(asked);
  });

  it('refuses a tree with another digest than it was told, here or there', async () => {
    server.publish('up.tar.gz', pack(tree()));
    await expect(fetchIt({ digest: '0'.repeat(64) })).rejects.toThrow(/another digest/);
    expectNothing();
    await fetchIt();
    await expect(fetchIt({ digest: '0'.repeat(64) })).rejects.toThrow(/another digest/);
  });

  it('leaves a folder alone that somebody changed or that is something else', async () => {
    server.publish('up.tar.gz', pack(tree()));
    await fetchIt();
    appendFileSync(join(target, 'finetuning', 'utils.py'), '\n');
    await expect(fetchIt()).rejects.toThrow(/taken.*another checkout of c255af5 with local changes.*--target/s);
    rmSync(join(target, 'finetuning'), { recursive: true });
    await expect(fetchIt()).rejects.toThrow(InputError);
    expect(existsSync(join(target, 'transplant'))).toBe(true);
  });

  it.each<[string, (path: string) => Buffer, RegExp]>([
    ['another commit', (path) => pack(path, [name], 'd'.repeat(40)), /not the archive of upstream.*commit dddd/s],
    ['no commit', (path) => pack(path, [name], ''), /names no commit/],
    ['no archive', () => Buffer.from('<html>Sign in</html>'), /names no commit/],
    ['a truncated archive', (path) => pack(path).subarray(0, 20_000), /damaged|cut off/],
    [
      'two folders',
      (path) => {
        mkdirSync(join(path, '..', 'b'));
        return pack(path, [name, 'b']);
      },
      /another form/,
    ],
    [
      'no packages',
      (path) => {
        rmSync(join(path, 'finetuning'), { recursive: true });
        return pack(path);
      },
      /no package finetuning/,
    ],
    [
      'a link',
      (path) => {
        symlinkSync('/etc', join(path, 'link'));
        return pack(path);
      },
      /refused: an entry of type SymbolicLink/,
    ],
  ])('refuses %s and leaves nothing', async (_title, make, message) => {
    server.publish('up.tar.gz', make(tree()));
    await expect(fetchIt()).rejects.toThrow(message);
    await expect(fetchIt()).rejects.toThrow(InputError);
    expectNothing();
  });

  it('follows a redirect, goes on after a broken connection, gives up on a dead server', async () => {
    server.publish('up.tar.gz', pack(tree()));
    server.fault = (request, response, attempt) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/up.tar.gz' }).end();
      else if (attempt === 1) response.destroy();
      else return undefined;
      return true;
    };
    expect((await fetchIt({ address: `${server.address}moved` })).kind).toBe('upstream');
    rmSync(target, { recursive: true });
    server.fault = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await expect(fetchIt()).rejects.toThrow(TemporaryFault);
    expectNothing();
  });

  it('says so when the address does not exist', async () => {
    await expect(fetchIt()).rejects.toThrow(/404/);
    expectNothing();
  });
});

describe('ecg-transplant fetch-original', () => {
  it('refuses a digest that is none', async () => {
    await expect(run(['--digest', 'abc'])).rejects.toThrow(/64 hexadecimal digits/);
  });

  it('fetches from the address it is given', async () => {
    server.publish('up.tar.gz', pack(tree()));
    expect(await run(['--archive', `${server.address}up.tar.gz`, '--target', target])).toBe(0);
    expect(existsSync(join(target, 'transplant', 'utils.py'))).toBe(true);
  });
});
