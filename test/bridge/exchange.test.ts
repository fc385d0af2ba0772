import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeExchange, removeExchange } from '../../src/bridge/exchange.ts';
import { deadProcess } from '../lib/contenders.ts';
import { root } from '../shared_data.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'exchange-'));
  chmodSync(base, 0o1777);
});
afterEach(() => rmSync(base, { recursive: true }));

/** The name that a process's folder has. */
function nameOf(pid: number): string {
  const folder = makeExchange(base);
  removeExchange(folder);
  return basename(folder).replace(`-${process.pid}-`, `-${pid}-`);
}

describe('makeExchange', () => {
  it('makes a folder for its owner alone, with another name each time', () => {
    const folders = [makeExchange(base), makeExchange(base)];
    for (const folder of folders) {
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(dirname(folder)).toBe(base);
    }
    expect(new Set(folders).size).toBe(2);
  });

  it('removes what a process left that was killed, and leaves what a running one has', () => {
    const [left, used] = [deadProcess(), process.ppid].map((pid) => join(base, nameOf(pid)));
    for (const folder of [left, used]) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'x.npy'), 'x');
    }
    makeExchange(base);
    expect([left, used].map((folder) => existsSync(folder))).toEqual([false, true]);
  });

  it('leaves links and files of such a name, and what they lead to', () => {
    const target = join(base, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'precious'), 'x');
    const [link, file] = [deadProcess(), deadProcess()].map((pid) => join(base, nameOf(pid)));
    symlinkSync(target, link);
    writeFileSync(file, 'x');
    makeExchange(base);
    expect([link, file, join(target, 'precious')].every((path) => existsSync(path))).toBe(true);
  });

  it('goes to the temporary folder where there is no shared memory', () => {
    const folder = makeExchange(join(base, 'missing'));
    expect(dirname(folder)).toBe(tmpdir());
    removeExchange(folder);
  });

  const asOther = ['setpriv', '--reuid', '12346', '--clear-groups', '--'];
  const isRoot = process.getuid?.() === 0 && spawnSync(asOther[0], [...asOther.slice(1), 'true']).status === 0;

  it.runIf(isRoot)('what another user has left does not stop a start', () => {
    const left = join(base, nameOf(deadProcess()));
    mkdirSync(left, { mode: 0o700 });
    writeFileSync(join(left, 'x.npy'), 'x');
    chownSync(left, 12_345, 12_345);
    const own = makeExchange(base);
    expect(existsSync(join(left, 'x.npy'))).toBe(true);
    removeExchange(own);
    const program = `const { makeExchange } = await import(${JSON.stringify(join(root, 'src/bridge/exchange.ts'))}); console.log(makeExchange(${JSON.stringify(base)}));`;
    const node = [
      process.execPath,
      '--import',
      join(root, 'src/lib/typescript.mjs'),
      '--input-type=module',
      '-e',
      program,
    ];
    const { stdout, stderr, status } = spawnSync(asOther[0], [...asOther.slice(1), ...node], {
      encoding: 'utf8',
      cwd: '/',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(statSync(stdout.trim()).uid).toBe(12_346);
    expect(existsSync(join(left, 'x.npy'))).toBe(true);
  });
});
