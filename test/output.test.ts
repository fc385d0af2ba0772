import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './shared_data.ts';

const bin = join(root, 'bin', 'ecg-transplant.mjs');

describe('what reaches the terminal', () => {
  it('goes through one function: no other module writes to standard output or standard error', () => {
    const src = join(root, 'src');
    const writers = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) =>
        file.endsWith('.ts') &&
        /process\.std(out|err)\.write\(|console\.\w+\(/.test(readFileSync(join(src, file), 'utf8')),
    );
    // What these two write is read by other processes of the project.
    expect(writers).toEqual(['bench/port_worker.ts', 'doctor/node_probe.ts']);
  });

  it('shows control characters in names as escapes', () => {
    const name = 'no\u001b[31mfile\u202e\u0085\rx';
    for (const args of [
      ['predict', '--job-dir', name, 'x.csv'],
      ['inspect', name],
      [name],
      ['pack', name],
      ['unpack', name],
    ]) {
      const { stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' });
      expect(stderr).toContain('no\\u001b[31mfile\\u202e\\u0085\\u000dx');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it('a reader that has ended is not an error, a full disk is', () => {
    const shell = (command: string) => spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    const gone = shell(`"${process.execPath}" "${bin}" --help | head -c 1`);
    expect(gone.stderr).toBe('');
    const full = shell(`"${process.execPath}" "${bin}" --help > /dev/full`);
    expect([full.status, full.stderr]).toEqual([
      1,
      expect.stringMatching(/^Standard output could not be written: ENOSPC/),
    ]);
  });
});
