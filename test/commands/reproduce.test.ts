import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { help, run } from '../../src/commands/reproduce.ts';
import { root } from '../shared_data.ts';

afterEach(() => vi.restoreAllMocks());

async function refusal(...args: string[]): Promise<string> {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  expect(await run(args)).toBe(2);
  return said.join('');
}

describe('ecg-transplant reproduce', () => {
  it('names the file that it looked for', async () => {
    expect(await refusal('--data', join(root, 'docs'))).toContain(join(root, 'docs', 'cinc2017', 'RECORDS'));
  });

  it.each([['--records', '10'], ['--records', 'many'], ['--seed', '0'], ['--seed=-1']])(
    'refuses %s %s',
    async (...args) => {
      expect(await refusal('--data', root, ...args)).toMatch(/--(records|seed): got .*, expected a whole number/);
    },
  );

  it('teaches with --help', () => {
    expect(help).toContain('--data DIR');
  });
});

describe('scripts/reproduce.mjs', () => {
  it('says what to give it when no data are named', () => {
    const script = join(root, 'scripts', 'reproduce.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script], { cwd: root, encoding: 'utf8' });
    expect(stderr).toContain('give it a folder of real recordings: --data DIR');
    expect(status).toBe(2);
  });
});
