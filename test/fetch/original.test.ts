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
import { packages, treeDigest, upstreamDigest } from '../../src/bridge/witness.ts';
import { run } from '../../src/commands/fetch_original.ts';
import { InputError } from '../../src/errors.ts';
import { HttpClient, TemporaryFault } from '../../src/fetch/http.ts';
import { type FetchOriginalOptions, fetchOriginal } from '../../src/fetch/original.ts';
import { poison } from '../poisoned_git.ts';
import { python, root } from '../shared_data.ts';
import { startServer, type TestServer } from './server.ts';

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
  const path = made();
  for (const part of packages) cpSync(join(root, 'original', part), join(path, part), { recursive: true });
  appendFileSync(join(path, 'transplant', 'utils.py'), '# upstream\n');
  writeFileSync(join(path, 'README.md'), 'upstream\n');
  return path;
}

/** Packs the folder as GitHub and `git archive` do. */
function pack(path: string, names: readonly string[] = [name]): Buffer {
  const file = join(folder, 'made.tar.gz');
  const script = `
import sys, tarfile
path, out, *names = sys.argv[1:]
with tarfile.open(out, "w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": "c255af5"}) as archive:
    for name in names:
        archive.add(path + "/" + name, name, filter=lambda info: None if "__pycache__" in info.name else info)
`;
  execFileSync(python, ['-c', script, join(path, '..'), file, ...names]);
  return readFileSync(file);
}

function fetchIt(options: Partial<FetchOriginalOptions> = {}): ReturnType<typeof fetchOriginal> {
  const patience = { attempts: 2, backOff: 10, stall: 1000 };
  const address = `${server.address}up.tar.gz`;
  return fetchOriginal({ target, client, address, digest: treeDigest(made()), patience, ...options });
}

const made = (): string => join(folder, 'made', name);

/** The target is not there, nor anything half done beside it. */
function expectNothing(): void {
  expect(existsSync(target)).toBe(false);
  expect(existsSync(join(folder, 'place')) ? readdirSync(join(folder, 'place')) : []).toEqual([]);
}

describe('fetchOriginal', () => {
  it('fetches, says what it is, and does nothing the second time', async () => {
    server.publish('up.tar.gz', pack(tree()));
    const digest = treeDigest(made());
    expect(await fetchIt()).toMatchObject({ kind: 'checkout', folder: target, digest });
    expect(readFileSync(join(target, 'README.md'), 'utf8')).toBe('upstream\n');
    expect(readdirSync(join(folder, 'place'))).toEqual(['upstream']);
    const asked = server.requests.length;
    expect(await fetchIt()).toMatchObject({ digest });
    expect(server.requests.length).toBe(asked);
  });

  it('wants the digest of the published code unless it is told another, here or there', async () => {
    server.publish('up.tar.gz', pack(tree()));
    const refusal = new RegExp(
      `up.tar.gz: the archive contains other code; got digest ${treeDigest(made())}; expected ${upstreamDigest}`,
    );
    await expect(fetchIt({ digest: undefined })).rejects.toThrow(refusal);
    expectNothing();
    await fetchIt();
    await expect(fetchIt({ digest: undefined })).rejects.toThrow(
      `expected no folder, or code of digest ${upstreamDigest}`,
    );
  });

  it('keeps nothing of an archive but the code of the digest and the texts at its root', async () => {
    const path = tree();
    for (const extra of ['setup.py', 'numpy.py', 'conftest.py', 'LICENSE', 'transplant/notes.txt'])
      writeFileSync(join(path, extra), 'x');
    mkdirSync(join(path, 'tensorflow'));
    writeFileSync(join(path, 'tensorflow', '__init__.py'), 'x');
    server.publish('up.tar.gz', pack(path));
    await fetchIt();
    expect(readdirSync(target).sort()).toEqual(['LICENSE', 'README.md', ...packages].sort());
    expect(existsSync(join(target, 'transplant', 'notes.txt'))).toBe(false);
    expect(treeDigest(target)).toBe(treeDigest(path));
  });

  it('takes an archive without a top folder, as git archive makes it', async () => {
    const path = tree();
    cpSync(path, join(folder, 'flat'), { recursive: true });
    server.publish('up.tar.gz', pack(join(folder, 'flat', 'x'), [...packages, 'README.md']));
    expect((await fetchIt()).folder).toBe(target);
  });

  it('leaves a folder alone that somebody changed or that is something else', async () => {
    server.publish('up.tar.gz', pack(tree()));
    await fetchIt();
    appendFileSync(join(target, 'finetuning', 'utils.py'), '\n');
    await expect(fetchIt()).rejects.toThrow(/already contains something else; got another checkout \(tree .*--target/s);
    rmSync(join(target, 'finetuning'), { recursive: true });
    await expect(fetchIt()).rejects.toThrow(/already contains something else; got something else; .*--target/s);
    expect(existsSync(join(target, 'transplant'))).toBe(true);
    rmSync(target, { recursive: true });
    symlinkSync(join(folder, 'nowhere'), target);
    await expect(fetchIt()).rejects.toThrow(InputError);
  });

  it.each<[string, (path: string) => Buffer, RegExp]>([
    [
      'other code',
      (path) => {
        const before = pack(path);
        appendFileSync(join(path, 'transplant', 'utils.py'), '# more\n');
        return before;
      },
      /contains other code; got digest/,
    ],
    [
      'a compiled module beside the code',
      (path) => {
        const file = join(path, 'transplant', 'evaluation.so');
        writeFileSync(file, 'x');
        const packed = pack(path);
        rmSync(file);
        return packed;
      },
      /contains other code/,
    ],
    ['no archive', () => Buffer.from('<html>Sign in</html>'), /damaged|no entry/],
    ['a truncated archive', (path) => pack(path).subarray(0, 20_000), /damaged|cut off/],
    [
      'two folders',
      (path) => {
        mkdirSync(join(path, '..', 'b'));
        return pack(path, [name, 'b']);
      },
      /does not contain the code; got no package transplant/,
    ],
    [
      'no packages',
      (path) => {
        rmSync(join(path, 'finetuning', '__init__.py'));
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
    ...['.git', '.GIT', 'git~1', 'transplant/.Git'].map((git): [string, (path: string) => Buffer, RegExp] => [
      git,
      (path) => {
        poison(join(path, git), join(folder, 'executed'));
        return pack(path);
      },
      /refused: a \.git/,
    ]),
  ])('refuses %s and leaves nothing', async (_title, make, message) => {
    server.publish('up.tar.gz', make(tree()));
    await expect(fetchIt()).rejects.toThrow(message);
    await expect(fetchIt()).rejects.toThrow(InputError);
    expectNothing();
    expect(existsSync(join(folder, 'executed'))).toBe(false);
  });

  it('follows a redirect, goes on after a broken connection, gives up on a dead server', async () => {
    server.publish('up.tar.gz', pack(tree()));
    server.fault = (request, response, attempt) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/up.tar.gz' }).end();
      else if (attempt === 1) response.destroy();
      else return undefined;
      return true;
    };
    expect((await fetchIt({ address: `${server.address}moved` })).digest).toBe(treeDigest(made()));
    rmSync(target, { recursive: true });
    server.fault = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await expect(fetchIt()).rejects.toThrow(TemporaryFault);
    expectNothing();
  });

  it('says so when the address does not exist', async () => {
    tree();
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
    const archive = ['--archive', `${server.address}up.tar.gz`];
    await expect(run([...archive, '--target', target])).rejects.toThrow(/other code/);
    expect(await run([...archive, '--digest', treeDigest(made()), '--target', target])).toBe(0);
    expect(existsSync(join(target, 'transplant', 'utils.py'))).toBe(true);
  });
});
